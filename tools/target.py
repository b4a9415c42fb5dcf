"""The program of a runnable or test target: `target NAME ARGUMENT…`, NAME a module of `wasmoci.bazel.programs`."""

import importlib
import sys

if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit("error: this program is started by `bazel run` and `bazel test`, which tell it what to do")
    name = sys.argv.pop(1)
    # A program's errors and usage begin with the name of its file.
    sys.argv[0] = f"{name}.py"
    getattr(importlib.import_module(f"wasmoci.bazel.programs.{name}"), name)()
