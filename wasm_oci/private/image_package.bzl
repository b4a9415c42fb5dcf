"""The rule `wasm_oci_package`."""

load(":actions.bzl", "ACTION_TOOL", "add_annotations", "add_text", "run_tool", "tool_args")
load(":providers.bzl", "WasmDetachedSignatureInfo", "WasmOciImageInfo", "WasmRunTimeSigningInfo", "WasmSignersInfo", "deferred_signing", "signers")

visibility(["//wasm_oci/..."])

_DOC = """\
Packages a component as a Wasm OCI artifact, as `wkg oci push` would, in one `WasmOciPackage` action.

Outputs: the OCI image layout `<name>`, and `<name>.digest` (also the output group `digest`) with the
manifest's digest. The action needs no key and no network, and gives the same bytes for the same input.
"""

_ATTRS = {
    "annotations": attr.string_dict(doc = "Annotations of the manifest."),
    "author": attr.string(doc = "The author in the artifact's config."),
    "component": attr.label(
        allow_single_file = [".wasm"],
        doc = "The component: any target with one `.wasm` output. The detached signature of a `wasm_sign` goes along.",
        mandatory = True,
    ),
    "metadata": attr.string(
        default = "auto",
        doc = "Whether annotations come from the component's own metadata, as `wkg publish` takes them: `yes`, `no`, or " +
              "`auto`, which is with `package`. `annotations` go before them.",
        values = ["auto", "yes", "no"],
    ),
    "package": attr.string(doc = "`ns:name@version`, to package as `wkg publish --package` would."),
    "repository": attr.string(
        doc = "`host[:port]/path` that the image is for.",
        mandatory = True,
    ),
    "tag": attr.string(doc = "The tag that is proposed when the image is published."),
    "title": attr.string(doc = "The file name that `oras pull` restores; by default the package's, else the component's."),
}

def _implementation(ctx):
    layout = ctx.actions.declare_directory(ctx.label.name)
    digest = ctx.actions.declare_file(ctx.label.name + ".digest")

    args = tool_args(ctx)
    args.add(ctx.file.component)
    args.add_all("--output", [layout], expand_directories = False)
    args.add("--digest-file", digest)
    add_annotations(args, ctx.attr.annotations)
    if ctx.attr.author:
        add_text(args, "--author", ctx.attr.author)
    if ctx.attr.package:
        add_text(args, "--package", ctx.attr.package)
    if ctx.attr.metadata != "auto":
        args.add("--metadata" if ctx.attr.metadata == "yes" else "--no-metadata")
    if ctx.attr.tag:
        add_text(args, "--tag", ctx.attr.tag)
    if ctx.attr.title:
        add_text(args, "--title", ctx.attr.title)
    inputs = [ctx.file.component]
    if WasmDetachedSignatureInfo in ctx.attr.component:
        signature = ctx.attr.component[WasmDetachedSignatureInfo].signature
        args.add("--signature", signature)
        inputs.append(signature)

    run_tool(
        ctx,
        "image_package",
        args,
        inputs = inputs,
        outputs = [layout, digest],
        mnemonic = "WasmOciPackage",
        progress_message = "Packaging WebAssembly component %{label}",
    )
    return [
        DefaultInfo(files = depset([layout]), runfiles = ctx.runfiles([layout])),
        OutputGroupInfo(digest = depset([digest])),
        WasmOciImageInfo(digest = digest, layout = layout, repository = ctx.attr.repository, tag = ctx.attr.tag),
        deferred_signing(ctx.attr.component),
        signers(ctx.attr.component),
    ]

wasm_oci_package = rule(
    implementation = _implementation,
    attrs = ACTION_TOOL | _ATTRS,
    doc = _DOC,
    provides = [WasmOciImageInfo, WasmRunTimeSigningInfo, WasmSignersInfo],
)
