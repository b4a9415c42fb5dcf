"""The rule `wasm_oci_sign`."""

load(
    ":providers.bzl",
    "WasmOciIdentityInfo",
    "WasmOciImageInfo",
    "WasmOciKeyInfo",
    "WasmRunTimeSigningInfo",
    "WasmSignersInfo",
    "run_time",
    "signers",
    "with_identity",
    "with_signer",
)
load(":signing.bzl", "EXECUTION_REQUIREMENTS", "add_key", "sorted_out")

visibility(["//wasm_oci/..."])

_DOC = """\
Signs the manifest of the image in an OCI layout as cosign does, in one `OciSign` action a key.

Outputs: the layout `<name>`, a copy with the signatures added, and `<name>.digest` (also the output
group `digest`) with the manifest's digest. Signatures have no randomness, so the output is the same for the
same input and key. Any target whose default output is one OCI layout can be signed, such as an `oci_image` of
rules_oci. The output group `unsigned` is the layout before it was signed, which holds the image alone, as tools
want it that do not know signatures.

Keys with a `reference` and identities sign in no action but at `bazel run`, of a publishing target or of the
image's `.sign` target; if there is no other key, the layout is handed on as it is.
"""

_ATTRS = {
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
        allow_empty = False,
        doc = "Who signs, each a `wasm_oci_key` or a `wasm_oci_identity`.",
        mandatory = True,
        providers = [[WasmOciKeyInfo], [WasmOciIdentityInfo]],
    ),
    "repository": attr.string(
        doc = "`host[:port]/path` that the image is for, which legacy signatures name; by default that of `image`.",
    ),
    "_tool": attr.label(
        cfg = "exec",
        default = Label("//tools:image_sign"),
        executable = True,
    ),
}

def _sign(ctx, source, inputs, repository, key, name):
    layout = ctx.actions.declare_directory(name)
    digest = ctx.actions.declare_file(name + ".digest")

    args = ctx.actions.args()
    args.add("--quiet")
    args.add_all([source], expand_directories = False)
    args.add_all("--output", [layout], expand_directories = False)
    args.add("--digest-file", digest)
    args.add("--repository", repository)
    args.add_all(ctx.attr.formats, before_each = "--format")
    args.add_all(
        ["{}={}".format(name, value) for name, value in sorted(ctx.attr.annotations.items())],
        before_each = "--annotation",
    )
    key_files = add_key(args, key)

    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [args],
        inputs = depset([source] + key_files, transitive = [inputs]),
        outputs = [layout, digest],
        mnemonic = "OciSign",
        progress_message = "Signing OCI manifest %{label}",
        execution_requirements = EXECUTION_REQUIREMENTS,
    )
    return layout, digest

def _formats(ctx, later):
    """The formats that are signed at `bazel run`: identities sign bundles only."""
    if not later or [signer for signer in later if hasattr(signer, "reference")]:
        return ctx.attr.formats
    if "bundle" not in ctx.attr.formats:
        fail("an identity signs in the format `bundle`, `formats` are: {}".format(ctx.attr.formats))
    return ["bundle"]

def _implementation(ctx):
    source = ctx.file.image
    if not source.is_directory:
        fail("`image` must be a target with one OCI image layout, a directory, got: {}".format(source.short_path))
    image = ctx.attr.image
    info = image[WasmOciImageInfo] if WasmOciImageInfo in image else None
    repository = ctx.attr.repository or (info.repository if info else "")
    if not repository:
        fail("`repository` is needed where `image` ({}) does not say it".format(image.label))
    keys, later = sorted_out(ctx.attr.keys, WasmOciKeyInfo)
    previous = run_time(image)
    if keys and previous.component_keys and not previous.component_detached:
        fail("the component of {} is signed at `bazel run`, so no build can sign its manifest: `keys` need a `reference`".format(
            image.label,
        ))

    known = signers(image)
    layout = source
    digest = info.digest if info else None
    for index, key in enumerate(keys):
        name = ctx.label.name + ("" if index == len(keys) - 1 else ".{}".format(index))

        # An `oci_image` of rules_oci has links in its layout, to files that its runfiles have.
        inputs = depset() if index else image[DefaultInfo].default_runfiles.files
        layout, digest = _sign(ctx, layout, inputs, repository, key, name)
        known = with_signer(known, key, "oci_keys")
    for signer in later:
        known = with_signer(known, signer, "oci_keys") if hasattr(signer, "reference") else with_identity(known, signer)
    runfiles = ctx.runfiles([layout])
    return [
        DefaultInfo(
            files = depset([layout]),
            runfiles = runfiles if keys else runfiles.merge(image[DefaultInfo].default_runfiles),
        ),
        OutputGroupInfo(digest = depset([digest] if digest else []), unsigned = depset([source])),
        WasmOciImageInfo(
            digest = digest,
            layout = layout,
            repository = repository,
            tag = info.tag if info else "",
        ),
        known,
        WasmRunTimeSigningInfo(
            annotations = ctx.attr.annotations,
            attestations = previous.attestations,
            component_detached = previous.component_detached,
            component_keys = previous.component_keys,
            formats = _formats(ctx, later),
            oci_signers = previous.oci_signers + later,
        ),
    ]

wasm_oci_sign = rule(
    implementation = _implementation,
    attrs = _ATTRS,
    doc = _DOC,
    provides = [WasmOciImageInfo, WasmRunTimeSigningInfo, WasmSignersInfo],
)
