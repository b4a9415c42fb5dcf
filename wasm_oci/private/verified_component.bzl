"""The macro `wasm_oci_verified_component` and the rule behind it."""

load(":actions.bzl", "ACTION_TOOL", "add_annotations", "add_text", "run_tool", "tool_args")
load(":checks.bzl", "COMPONENT", "MANIFEST", "check_layout", "check_trusted", "refuse", "shown")
load(":policy.bzl", "POLICY_ATTRS", "policy_name", "policy_of", "repository_for")
load(":providers.bzl", "WasmOciIdentityInfo", "WasmTransparencyLogInfo")
load(":skipping.bzl", "skipped_where_unsigned")

visibility(["//wasm_oci/..."])

_LEVEL = "dual-layer"
LEVELS = ["component-only", "oci-only", "dual-layer"]

_ATTRS = {
    "component_keys": attr.label_list(
        allow_files = True,
        doc = "Trusted component keys, key targets or files: one of them must have signed.",
    ),
    "image": attr.label(
        allow_files = True,
        doc = "A target with one OCI image layout: a directory, or the files of one.",
        mandatory = True,
    ),
    "level": attr.string(
        doc = "What the image must have, by default `dual-layer`.",
        values = [""] + LEVELS,
    ),
    "oci_keys": attr.label_list(
        allow_files = True,
        doc = "Trusted OCI keys, key targets or files.",
    ),
    "oci_threshold": attr.int(
        default = 1,
        doc = "How many of them must have signed the manifest.",
    ),
    "signed_annotations": attr.string_dict(
        doc = "What a signature of the manifest must say, as `cosign verify -a`.",
    ),
    "signed_name": attr.string(
        doc = "`host[:port]/path`, the repository that a signature of the manifest must be for.",
    ),
    "transparency_log": attr.label(
        doc = "A `wasm_oci_transparency_log` that must have the manifest's signatures.",
        providers = [WasmTransparencyLogInfo],
    ),
}

VERIFICATION_ATTRS = ACTION_TOOL | POLICY_ATTRS | _ATTRS

# What a policy says in place of them.
_TRUST = ["component_keys", "level", "oci_keys", "signed_annotations", "signed_name", "transparency_log"]

def _layout(ctx):
    """The directory of the layout, or the file `oci-layout` that lies in it."""
    files = ctx.files.image
    found = files if len(files) == 1 else [file for file in files if file.basename == "oci-layout"]
    if len(found) != 1:
        refuse(ctx, "image", "must have one OCI image layout, got: {}".format(shown(ctx.attr.image.label)))
    return found[0]

def _add_trust(ctx, args):
    """Adds whom the attributes trust; returns the files of it."""
    args.add("--require", ctx.attr.level or _LEVEL)
    args.add_all(ctx.files.component_keys, before_each = "--component-key")
    args.add_all(ctx.files.oci_keys, before_each = "--oci-key")
    args.add("--threshold", ctx.attr.oci_threshold)
    add_annotations(args, ctx.attr.signed_annotations)
    if ctx.attr.signed_name:
        add_text(args, "--signed-name", ctx.attr.signed_name)
    if not ctx.attr.transparency_log:
        return ctx.files.component_keys + ctx.files.oci_keys
    trusted_root = ctx.attr.transparency_log[WasmTransparencyLogInfo].trusted_root
    args.add("--trusted-root", trusted_root)
    args.add("--require-log")
    return ctx.files.component_keys + ctx.files.oci_keys + [trusted_root]

def _add_policy(ctx, args, policy):
    """Adds a policy; returns its files."""
    args.add("--policy", policy.file)
    add_text(args, "--policy-name", policy_name(policy))
    add_text(args, "--as", repository_for(ctx))
    for name, file in policy.files.items():
        add_text(args, "--policy-file-name", name)
        args.add_all("--policy-file", [file], expand_directories = False)
    return [policy.file] + policy.files.values()

def run_verification(ctx, action, options, **kwargs):
    """Runs the action of a rule with `VERIFICATION_ATTRS`, which verifies the image.

    Args:
        ctx: the rule's context.
        action: the name of the action, one of `wasmoci.bazel.worker.actions`.
        options: a function that adds its own options to an Args.
        **kwargs: what else `run_tool` takes.
    """
    check_layout(ctx)
    asked = {name: getattr(ctx.attr, name) for name in _TRUST}
    policy = policy_of(ctx, asked | {"oci_threshold": ctx.attr.oci_threshold != 1})
    check_trusted(ctx, "component_keys", COMPONENT)
    check_trusted(ctx, "oci_keys", MANIFEST)
    for key in ctx.attr.oci_keys:
        if WasmOciIdentityInfo in key:
            refuse(ctx, "oci_keys", "must be keys, got {}, an identity: name it in a policy file, and that by `policy`".format(shown(key.label)))
    runfiles = ctx.attr.image[DefaultInfo].default_runfiles

    args = tool_args(ctx)
    args.add_all([_layout(ctx)], expand_directories = False)
    options(args)
    trusted = _add_policy(ctx, args, policy) if policy else _add_trust(ctx, args)

    run_tool(
        ctx,
        action,
        args,
        inputs = depset(
            ctx.files.image + trusted,
            # An `oci_image` of rules_oci has links in its layout, to files that its runfiles have.
            transitive = [runfiles.files] if runfiles else [],
        ),
        tool = policy.tool if policy else None,
        **kwargs
    )

def _implementation(ctx):
    component = ctx.actions.declare_file(ctx.label.name + ".wasm")
    verification = ctx.actions.declare_file(ctx.label.name + ".json")

    def options(args):
        args.add("--output", component)
        args.add("--verification", verification)

    run_verification(
        ctx,
        "verified_component",
        options,
        outputs = [component, verification],
        mnemonic = "WasmVerify",
        progress_message = "Verifying WebAssembly component %{label}",
    )
    return [
        DefaultInfo(files = depset([component]), runfiles = ctx.runfiles([component])),
        OutputGroupInfo(verification = depset([verification])),
    ]

_wasm_oci_verified_component = rule(
    implementation = _implementation,
    attrs = VERIFICATION_ATTRS,
    doc = "The component of an image, once the image is verified, offline, in one `WasmVerify` action.",
)

def wasm_oci_verified_component(
        *,
        name,
        image,
        level = None,
        target_compatible_with = None,
        testonly = None,
        **kwargs):
    """The component of an image, once the image is verified, offline, in one `WasmVerify` action.

    The output is `<name>.wasm`; `<name>.json` (output group `verification`) is the verdict, as `wasm-oci verify --json`
    prints it. If the image does not meet the level, there is no output, and nothing that uses it can be built. Where a
    layer that `level` asks for, or with a `policy` any layer, was to be signed and is not, because the build has no key,
    Bazel skips the target and what uses it.

    ```starlark
    wasm_oci_verified_component(
        name = "verified_greeting",
        component_keys = [":component_key"],
        image = ":image",
        oci_keys = [":oci_key"],
    )
    ```

    Args:
        name: name of the target.
        image: a target with one OCI image layout: a directory, or the files of one.
        level: what the image must have: `component-only`, `oci-only` or, by default, `dual-layer`.
        target_compatible_with: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        **kwargs: the other attributes, besides those that all rules have: `component_keys`, trusted component keys, key
            targets or files, one of which must have signed; `oci_keys`, trusted OCI keys, likewise; `oci_threshold`,
            how many of them must have signed the manifest; `policy`, a `wasm_oci_policy` in place of all of these;
            `policy_repository`, `host[:port]/path`, the repository that the image counts as for the policy's rules, by
            default its own; `signed_annotations`, what a signature of the manifest must
            say, as `cosign verify -a`; `transparency_log`, a `wasm_oci_transparency_log` that must have the manifest's
            signatures.
    """
    _wasm_oci_verified_component(
        name = name,
        image = image,
        level = level,
        target_compatible_with = skipped_where_unsigned(
            name = name,
            # A policy asks of the layers what nobody knows here.
            level = level or _LEVEL,
            subject = image,
            target_compatible_with = target_compatible_with,
            testonly = testonly,
        ),
        testonly = testonly,
        **kwargs
    )
