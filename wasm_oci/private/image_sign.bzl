"""The rule `wasm_oci_sign`."""

load(":providers.bzl", "WasmOciImageInfo", "WasmOciKeyInfo", "WasmSignersInfo", "signers", "with_signer")
load(":signing.bzl", "EXECUTION_REQUIREMENTS", "add_key")

visibility(["//wasm_oci/..."])

_DOC = """\
Signs the manifest of the image in an OCI layout as cosign does, in one `OciSign` action.

Outputs: the layout `<name>`, a copy with the signatures added, and `<name>.digest` (also the output
group `digest`) with the manifest's digest. The ECDSA signatures are those of RFC 6979, so the output is
the same for the same input and key. Any target whose default output is one OCI layout can be signed,
such as an `oci_image` of rules_oci. The output group `unsigned` is the layout before it was signed, which
holds the image alone, as tools want it that do not know signatures.
"""

_ATTRS = {
    "formats": attr.string_list(
        default = ["bundle", "legacy"],
        doc = "cosign's formats: `bundle` is the referrer of cosign 3, `legacy` the `.sig` tag that podman reads.",
    ),
    "image": attr.label(
        allow_single_file = True,
        doc = "The image: a target with one OCI image layout.",
        mandatory = True,
    ),
    "key": attr.label(
        doc = "The key pair, a `wasm_oci_key`.",
        mandatory = True,
        providers = [WasmOciKeyInfo],
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

def _implementation(ctx):
    source = ctx.file.image
    if not source.is_directory:
        fail("`image` must be a target with one OCI image layout, a directory, got: {}".format(source.short_path))
    known = ctx.attr.image[WasmOciImageInfo] if WasmOciImageInfo in ctx.attr.image else None
    repository = ctx.attr.repository or (known.repository if known else "")
    if not repository:
        fail("`repository` is needed where `image` ({}) does not say it".format(ctx.attr.image.label))
    key = ctx.attr.key[WasmOciKeyInfo]
    layout = ctx.actions.declare_directory(ctx.label.name)
    digest = ctx.actions.declare_file(ctx.label.name + ".digest")

    args = ctx.actions.args()
    args.add("--quiet")
    args.add_all([source], expand_directories = False)
    args.add_all("--output", [layout], expand_directories = False)
    args.add("--digest-file", digest)
    args.add("--repository", repository)
    args.add_all(ctx.attr.formats, before_each = "--format")
    key_files = add_key(args, key)

    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [args],
        # An `oci_image` of rules_oci has links in its layout, to files that its runfiles have.
        inputs = depset([source] + key_files, transitive = [ctx.attr.image[DefaultInfo].default_runfiles.files]),
        outputs = [layout, digest],
        mnemonic = "OciSign",
        progress_message = "Signing OCI manifest %{label}",
        execution_requirements = EXECUTION_REQUIREMENTS,
    )
    return [
        DefaultInfo(files = depset([layout]), runfiles = ctx.runfiles([layout])),
        OutputGroupInfo(digest = depset([digest]), unsigned = depset([source])),
        WasmOciImageInfo(
            digest = digest,
            layout = layout,
            repository = repository,
            tag = known.tag if known else "",
        ),
        with_signer(signers(ctx.attr.image), key, "oci_keys"),
    ]

wasm_oci_sign = rule(
    implementation = _implementation,
    attrs = _ATTRS,
    doc = _DOC,
    provides = [WasmOciImageInfo, WasmSignersInfo],
)
