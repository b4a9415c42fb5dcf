"""How a repository and its tag follow from what the user says of an image or index."""

load(":checks.bzl", "asked_name", "refuse")

visibility(["//wasm_oci/private/..."])

# What stands for a namespace or tag that is not given: an empty one has a meaning of its own.
_BY_DEFAULT = "?"

_WORD = "abcdefghijklmnopqrstuvwxyz0123456789"

NAMING_ATTRS = {
    "namespace": attr.string(default = _BY_DEFAULT),
    "package_name": attr.string(),
    "registry": attr.string(mandatory = True),
    "tag": attr.string(default = _BY_DEFAULT),
}

def named(ctx, package = ""):
    """The repository and the tag.

    Args:
        ctx: the context of a rule with `NAMING_ATTRS`.
        package: `ns:name@version`, or nothing.

    Returns:
        A struct: `repository`, `host[:port]/path`; `tag`; `last`, the last part of the path.
    """
    if package and ctx.attr.package_name:
        refuse(ctx, "package_name", "and `package` say the same thing: give one of them")
    if package:
        name, _, version = package.partition("@")
        path = _joined("" if ctx.attr.namespace == _BY_DEFAULT else ctx.attr.namespace, name.replace(":", "/", 1))
        tag = version if ctx.attr.tag in ("", _BY_DEFAULT) else ctx.attr.tag
    else:
        namespace = "library" if ctx.attr.namespace == _BY_DEFAULT else ctx.attr.namespace
        path = _joined(namespace, ctx.attr.package_name or _default_package_name(ctx))
        tag = "latest" if ctx.attr.tag == _BY_DEFAULT else ctx.attr.tag
    return struct(
        last = path.split("/")[-1],
        repository = _joined(ctx.attr.registry, path),
        tag = tag,
    )

def _joined(*parts):
    return "/".join([part for part in parts if part])

def _default_package_name(ctx):
    name = path_component(asked_name(ctx))
    if not name:
        refuse(ctx, "package_name", "is needed, because the target's name has no letter and no digit")
    return name

def path_component(name):
    """A target's name as a part of a repository's path.

    Letters are lower case. What is no ASCII letter, no digit and none of `.`, `_` and `-` is `-`. Separators that may
    not stand together, which are all but `_`, `__`, `.` and any number of `-`, are one `-`; at the ends there are none.

    Args:
        name: a target's name.

    Returns:
        string: empty where nothing is left.
    """
    result, separators = "", ""
    for character in name.lower().elems():
        if character not in _WORD:
            separators += character if character in "._-" else "-"
            continue
        if result:
            result += separators if _may_stand_together(separators) else "-"
        result += character
        separators = ""
    return result

def _may_stand_together(separators):
    return separators in ("", ".", "_", "__") or not separators.strip("-")
