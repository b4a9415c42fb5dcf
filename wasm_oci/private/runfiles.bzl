"""Paths of runfiles as programs look them up."""

visibility([
    "//tools/...",
    "//wasm_oci/private/...",
])

def rlocation(ctx, file):
    """The rlocation path of a File.

    Args:
        ctx: the rule's context.
        file: a File.

    Returns:
        string: `repository/path`.
    """
    path = file.short_path
    return path[len("../"):] if path.startswith("../") else ctx.workspace_name + "/" + path
