"""Policy files as targets, and the attributes of those that verify by one."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load(":checks.bzl", "asked_attribute", "kind_of", "refuse", "shown")
load(":libraries.bzl", "libraries")
load(":providers.bzl", "WasmComponentKeyInfo", "WasmOciImageInfo", "WasmOciKeyInfo", "WasmOciPolicyInfo")
load(":request.bzl", "present", "request_object")
load(":runfiles.bzl", "rlocation")

visibility(["//wasm_oci/..."])

_DOC = """\
A policy file, with the keys and the trusted root that it names: what `policy` of the rules that verify takes.

The same file serves `wasm-oci` and its `--policy`. Paths in it are relative to it, there and here; a build has none but
those of `files` and `named_files`. A key reference in it, such as `awskms://…`, is that of a key in `files`, whose public
key counts: no build and no test asks a service.

```starlark
wasm_oci_policy(
    name = "policy",
    src = "policy.yaml",
    files = [
        ":component_key",
        ":oci_key",
    ],
)
```
"""

def _relative(path, folder):
    """A path as it is written in a file of this folder, both with their repositories."""
    here = folder.split("/")
    for known in range(len(here), 0, -1):
        common = "/".join(here[:known]) + "/"
        if path.startswith(common):
            return "../" * (len(here) - known) + path.removeprefix(common)
    return "../" * len(here) + path

def _names(ctx):
    """The files by the names that the policy has for them, and the attributes' targets that gave each."""
    folder = rlocation(ctx, ctx.file.src).rpartition("/")[0]
    named = [(name, target, target[DefaultInfo].files.to_list()) for target, name in ctx.attr.named_files.items()]
    for name, target, files in named:
        if len(files) != 1:
            refuse(ctx, "named_files", "must have one file each, got {} of {}".format(len(files), shown(target.label)))
    for target in ctx.attr.files:
        files = target[DefaultInfo].files.to_list()
        if not files:
            refuse(ctx, "files", "must be files and keys, got {}, which has none: the policy itself names identities".format(
                shown(target.label),
            ))
        named += [(_relative(rlocation(ctx, file), folder), target, [file]) for file in files]
        for info in (WasmComponentKeyInfo, WasmOciKeyInfo):
            if info in target and target[info].reference:
                named.append((target[info].reference, target, [target[info].public_key]))
    found = {}
    for name, target, files in named:
        if found.setdefault(name, files[0]) != files[0]:
            refuse(ctx, "files", "and `named_files` have two files for `{}`, one of them {}".format(name, shown(target.label)))
    return found

def _implementation(ctx):
    files = _names(ctx)
    return [
        DefaultInfo(
            files = depset([ctx.file.src]),
            runfiles = ctx.runfiles([ctx.file.src] + files.values()),
        ),
        WasmOciPolicyInfo(
            file = ctx.file.src,
            files = files,
            libraries = libraries(ctx, ctx.attr._libraries),
            tool = ctx.attr._tool[DefaultInfo].files_to_run,
        ),
    ]

wasm_oci_policy = rule(
    implementation = _implementation,
    attrs = {
        "files": attr.label_list(
            allow_files = True,
            doc = "The files that the policy names by their paths from it, and targets of keys; a key with a `reference` is " +
                  "found by that, too.",
        ),
        "named_files": attr.label_keyed_string_dict(
            allow_files = True,
            doc = "Those that lie elsewhere, such as in another module, each with what the policy calls it.",
        ),
        "src": attr.label(
            allow_single_file = True,
            doc = "The policy file.",
            mandatory = True,
        ),
        "_libraries": attr.label_list(
            default = [Label("//tools/wasmoci/policy")],
            providers = [PyInfo],
        ),
        "_tool": attr.label(
            cfg = "exec",
            default = Label("//tools:policy_action"),
            executable = True,
        ),
    },
    doc = _DOC,
    provides = [WasmOciPolicyInfo],
)

POLICY_ATTRS = {
    "policy": attr.label(
        allow_files = True,
        doc = "A `wasm_oci_policy`, in place of all attributes that say who is trusted and what is required.",
    ),
    "policy_repository": attr.string(
        doc = "`host[:port]/path`, the repository that the image counts as for the policy's rules.",
    ),
}

def not_beside(attributes):
    """What is wrong with attributes beside a policy.

    Args:
        attributes: their names.

    Returns:
        A string, which goes on after the name of the policy's attribute.
    """
    return "says who is trusted and what is required: give no other attribute that does, got {}".format(
        ", ".join(["`{}`".format(name) for name in attributes]),
    )

def policy_of(ctx, others):
    """The WasmOciPolicyInfo that the attribute `policy` names; fails where other attributes say what it says.

    Args:
        ctx: the context of a rule with `POLICY_ATTRS`.
        others: a dict of names of attributes to their values, which are false where they are not given.

    Returns:
        A WasmOciPolicyInfo or None.
    """
    target = ctx.attr.policy
    if not target:
        if ctx.attr.policy_repository:
            refuse(ctx, "policy_repository", "names an image for a policy: give `policy` too")
        return None
    if WasmOciPolicyInfo not in target:
        refuse(ctx, "policy", "must be a `wasm_oci_policy`, got {}, {}: declare one, with the files that the policy names".format(
            shown(target.label),
            kind_of(target, "a file"),
        ))
    given = [asked_attribute(ctx, name) for name, value in others.items() if value]
    if given:
        refuse(ctx, "policy", not_beside(given))
    return target[WasmOciPolicyInfo]

def repository_for(ctx):
    """The repository that the layout in `image` counts as; fails where nothing says it.

    Args:
        ctx: the context of a rule with `POLICY_ATTRS` and `image`.

    Returns:
        string: `host[:port]/path`.
    """
    if ctx.attr.policy_repository:
        return ctx.attr.policy_repository
    if WasmOciImageInfo not in ctx.attr.image:
        refuse(ctx, "policy_repository", "is missing: rules match repositories, and {} is in none".format(
            shown(ctx.attr.image.label),
        ))
    return ctx.attr.image[WasmOciImageInfo].repository

def policy_trust(ctx, policy, *, named, placeholders = [], reads_clock = True):
    """The object `trust` of a request by a policy.

    Args:
        ctx: the rule's context.
        policy: a WasmOciPolicyInfo.
        named: the repository that the image counts as, empty where the program knows it.
        placeholders: public keys whose private half everybody has, a list of Files.
        reads_clock: whether the program judges by the clock which keys have ended.

    Returns:
        A result of `request_object`.
    """
    return request_object(
        {
            "placeholderKeys": [rlocation(ctx, file) for file in placeholders],
            "policy": {
                "file": rlocation(ctx, policy.file),
                "files": [{"file": rlocation(ctx, file), "name": name} for name, file in policy.files.items()],
                "name": policy_name(policy),
                "readsClock": reads_clock,
            } | present({"named": named}),
        },
        files = [policy.file] + policy.files.values() + placeholders,
        libraries = [policy.libraries],
    )

def policy_name(policy):
    """What messages call the file of a policy.

    Args:
        policy: a WasmOciPolicyInfo.

    Returns:
        string: its path in the workspace, with that of its repository where this is not the main one.
    """
    return policy.file.short_path.removeprefix("../")
