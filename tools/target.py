"""The program of a runnable or test target: `target NAME ARGUMENT…`, NAME a module of `wasmoci.bazel.programs`."""

import importlib.util
import sys

PROGRAMS = "wasmoci.bazel.programs"


def main() -> None:
    """Run the program that the first argument names, which `bazel run` and `bazel test` give."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if not name.isidentifier() or importlib.util.find_spec(f"{PROGRAMS}.{name}") is None:
        sys.stderr.write("error: start this program by `bazel run TARGET -- [OPTIONS]` (a test by `bazel test`): ")
        sys.stderr.write("Bazel tells it what to do\n")
        sys.exit(2)
    # A program's errors and usage begin with the name of its file.
    sys.argv[:2] = [f"{name}.py"]
    getattr(importlib.import_module(f"{PROGRAMS}.{name}"), name)()


if __name__ == "__main__":
    main()
