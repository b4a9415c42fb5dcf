"""An embedded registry, for tests and demonstrations."""
