"""The tool of build actions: `action NAME ARGUMENT…`, where NAME is one of `wasmoci.bazel.worker.actions`.

Its modules lie packed in one file of the module path, and the compiled ones of their packages beside it.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class CompiledModules:
    """Finds the modules that are left, those of a packed package that no archive can hold."""

    @staticmethod
    def find_spec(
        name: str,
        _package_path: Sequence[str] | None = None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The module by its place below any folder of the module path, whatever the path of its package."""
        folders = name.split(".")[:-1]
        return PathFinder.find_spec(name, ["/".join([root, *folders]) for root in sys.path]) if folders else None


if __name__ == "__main__":
    sys.meta_path.append(CompiledModules)

    from wasmoci.commands.loading import defer_garbage

    defer_garbage()

    from wasmoci.bazel.worker.actions import command_of
    from wasmoci.bazel.worker.tool import run_tool

    del sys.argv[0]
    run_tool(command_of(sys.argv[0]))
