"""The rule `wasm_oci_sign`."""

load(":actions.bzl", "ACTION_TOOL", "add_annotations", "add_text", "run_tool", "tool_args")
load(":checks.bzl", "ASKED_ATTRS", "refuse", "shown")
load(":image_change.bzl", "changed_image", "image_to_change", "steps")
load(
    ":providers.bzl",
    "WasmOciImageInfo",
    "WasmRunTimeSigningInfo",
    "WasmSignersInfo",
    "signers",
    "with_signers",
)
load(":signing.bzl", "EXECUTION_REQUIREMENTS", "SIGNS_ATTRS", "SIGN_ATTRS", "add_key")

visibility(["//wasm_oci/..."])

_DOC = """\
Signs the manifest of the image in an OCI layout as cosign does, in one `OciSign` action a key.

Outputs: the layout `<name>`, a copy with the signatures added, and `<name>.digest` (also the output
group `digest`) with the manifest's digest. Signatures have no randomness, so the output is the same for the
same input and key. Any target whose default output is one OCI layout can be signed, such as an `oci_image` of
rules_oci. The output group `unsigned` is the layout before it was signed, which holds the image alone, as tools
want it that do not know signatures.

Keys with a `reference` and identities sign at `bazel run`, of a publishing target or of the image's `.sign` target,
not in the build. If there is no other key, or none that signs because of `sign`, the rule hands the layout on as it
is. No key signs the manifest of an image that lacks its component's signature.

The rule also signs the images of an index, as `cosign sign --recursive` does: verifiers ask for both.

```starlark
wasm_oci_sign(
    name = "signed_image",
    image = ":package",
    keys = [":oci_key"],
)
```
"""

_ATTRS = SIGN_ATTRS | {
    "annotations": attr.string_dict(
        doc = "What the signatures say besides the digest, as `cosign sign -a key=value`; verifiers can ask for it.",
    ),
    "formats": attr.string_list(
        default = ["bundle", "legacy"],
        doc = "cosign's formats: `bundle` is the referrer of cosign 3, `legacy` the `.sig` tag that podman reads.",
    ),
    "image": attr.label(
        allow_single_file = True,
        doc = "The image: a target with one OCI image layout.",
        mandatory = True,
    ),
    "keys": attr.label_list(
        allow_files = True,
        doc = "Who signs, each a `wasm_oci_key` or a `wasm_oci_identity`.",
        mandatory = True,
    ),
    "repository": attr.string(
        doc = "`host[:port]/path` that the image is for, which signatures name; by default that of `image`.",
    ),
}

def _sign(ctx, source, inputs, repository, key, name):
    layout = ctx.actions.declare_directory(name)
    digest = ctx.actions.declare_file(name + ".digest")

    args = tool_args(ctx)
    args.add_all([source], expand_directories = False)
    args.add_all("--output", [layout], expand_directories = False)
    args.add("--digest-file", digest)
    add_text(args, "--repository", repository)
    args.add("--recursive")
    for signature_format in ctx.attr.formats:
        add_text(args, "--format", signature_format)
    add_annotations(args, ctx.attr.annotations)
    key_files = add_key(args, key)

    run_tool(
        ctx,
        "image_sign",
        args,
        inputs = depset([source] + key_files, transitive = [inputs]),
        outputs = [layout, digest],
        mnemonic = "OciSign",
        progress_message = "Signing OCI manifest %{label}",
        execution_requirements = EXECUTION_REQUIREMENTS,
    )
    return layout, digest

def _deferred_formats(ctx, deferred_signers):
    """The formats of signatures that are made at `bazel run`: identities sign bundles only."""
    if not deferred_signers or [signer for signer in deferred_signers if signer.kind == "key"]:
        return ctx.attr.formats
    if "bundle" not in ctx.attr.formats:
        refuse(ctx, "formats", "need `bundle`, in which identities sign, got: {}".format(ctx.attr.formats))
    return ["bundle"]

def _implementation(ctx):
    image = image_to_change(ctx, "sign", "manifest")
    repository = ctx.attr.repository or (image.info.repository if image.info else "")
    if not repository:
        refuse(ctx, "repository", "is needed where `image` ({}) does not say it".format(shown(ctx.attr.image.label)))

    layout = image.source
    digest = image.info.digest if image.info else None
    for step in steps(ctx, image.asked.keys):
        layout, digest = _sign(ctx, layout, step.inputs, repository, step.key, step.name)
    return changed_image(ctx, image, layout, digest, repository) + [
        OutputGroupInfo(
            _validation = depset(image.asked.checks),
            digest = depset([digest] if digest else []),
            unsigned = depset([image.source]),
        ),
        with_signers(signers(ctx.attr.image), image.asked, "oci_keys"),
        WasmRunTimeSigningInfo(
            annotations = ctx.attr.annotations,
            attestations = image.deferred_signing.attestations,
            component_detached = image.deferred_signing.component_detached,
            component_keys = image.deferred_signing.component_keys,
            formats = _deferred_formats(ctx, image.asked.deferred),
            oci_signers = image.deferred_signing.oci_signers + image.asked.deferred,
        ),
    ]

_PROVIDES = [WasmOciImageInfo, WasmRunTimeSigningInfo, WasmSignersInfo]

wasm_oci_sign = rule(
    implementation = _implementation,
    attrs = ACTION_TOOL | _ATTRS,
    doc = _DOC,
    provides = _PROVIDES,
)

asked_image_sign = rule(
    implementation = _implementation,
    attrs = ACTION_TOOL | ASKED_ATTRS | SIGNS_ATTRS | _ATTRS,
    doc = "`wasm_oci_sign` for macros.",
    provides = _PROVIDES,
)
