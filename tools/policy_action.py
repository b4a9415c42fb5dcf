"""The tool of build actions that read a policy file: as `action.py`, with all that a policy may name in reach.

Its modules are not packed, because sigstore-python has files that are no modules.
"""

import sys

if __name__ == "__main__":
    from wasmoci.commands.loading import defer_garbage

    defer_garbage()

    from wasmoci.bazel.worker.actions import command_of
    from wasmoci.bazel.worker.tool import run_tool

    del sys.argv[0]
    run_tool(command_of(sys.argv[0]))
