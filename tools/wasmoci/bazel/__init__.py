"""What targets and actions of Bazel run: requests, runfiles and programs."""
