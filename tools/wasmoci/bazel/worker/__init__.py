"""Tools of Bazel actions: one call each, or many from a persistent worker, by the same code."""
