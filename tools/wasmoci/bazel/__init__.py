"""What targets and actions of Bazel run: requests, runfiles, tests, and signing and publishing at `bazel run`."""
