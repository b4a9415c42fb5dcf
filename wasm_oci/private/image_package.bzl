"""The rule `wasm_oci_package`."""

load(":actions.bzl", "ACTION_TOOL", "add_annotations", "add_text", "run_tool", "tool_args")
load(":checks.bzl", "ASKED_ATTRS", "refuse")
load(":naming.bzl", "NAMING_ATTRS", "named")
load(
    ":providers.bzl",
    "WasmDetachedSignatureInfo",
    "WasmOciImageInfo",
    "WasmRunTimeSigningInfo",
    "WasmSignersInfo",
    "deferred_signing",
    "signers",
    "with_component",
)

visibility(["//wasm_oci/..."])

_DOC = """\
Packages a component as a Wasm OCI artifact, as `wkg oci push` would, in one `WasmOciPackage` action.

Outputs: the OCI image layout `<name>`, and `<name>.digest` (also the output group `digest`) with the
manifest's digest. The action needs no key and no network, and gives the same bytes for the same input.

```starlark
wasm_oci_package(
    name = "package",
    component = ":signed_greeting",
    repository = "registry.example.com/acme/greeting",
)
```
"""

_COMPONENT_ATTRS = {
    "component": attr.label(
        allow_single_file = [".wasm"],
        doc = "The component: any target with one `.wasm` output. The detached signature of a `wasm_sign` goes along.",
        mandatory = True,
    ),
    "package": attr.string(doc = "`ns:name@version`, to package as `wkg publish --package` would."),
}

_ATTRS = {
    "annotations": attr.string_dict(doc = "Annotations of the manifest."),
    "author": attr.string(doc = "The author in the artifact's config."),
    "metadata": attr.string(
        default = "auto",
        doc = "Whether annotations come from the component's own metadata, as `wkg publish` takes them: `yes`, `no`, or " +
              "`auto`, which is with `package`. `annotations` go before them.",
        values = ["auto", "yes", "no"],
    ),
    "repository": attr.string(
        doc = "`host[:port]/path` that the image is for.",
        mandatory = True,
    ),
    "tag": attr.string(doc = "The tag that is proposed when the image is published."),
    "title": attr.string(doc = "The file name that `oras pull` restores; by default the package's, else the component's."),
}

# What the macros say in place of `annotations`, `repository` and `title`.
_DESCRIPTION_ATTRS = {
    "annotations": attr.string_list(),
    "authors": attr.string_list(),
    "description": attr.string(),
    "license": attr.string(),
}

def _package(ctx, *, annotations, author, metadata, repository, tag, title):
    layout = ctx.actions.declare_directory(ctx.label.name)
    digest = ctx.actions.declare_file(ctx.label.name + ".digest")

    args = tool_args(ctx)
    args.add(ctx.file.component)
    args.add_all("--output", [layout], expand_directories = False)
    args.add("--digest-file", digest)
    add_annotations(args, annotations)
    if author:
        add_text(args, "--author", author)
    if ctx.attr.package:
        add_text(args, "--package", ctx.attr.package)
    if metadata != "auto":
        args.add("--metadata" if metadata == "yes" else "--no-metadata")
    if tag and "{" not in tag:
        # A layout has no tag that only publishing can spell out.
        add_text(args, "--tag", tag)
    if title:
        add_text(args, "--title", title)
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
        WasmOciImageInfo(digest = digest, layout = layout, repository = repository, tag = tag),
        deferred_signing(ctx.attr.component),
        with_component(signers(ctx.attr.component), ctx.file.component),
    ]

_PROVIDES = [WasmOciImageInfo, WasmRunTimeSigningInfo, WasmSignersInfo]

def _implementation(ctx):
    return _package(
        ctx,
        annotations = ctx.attr.annotations,
        author = ctx.attr.author,
        metadata = ctx.attr.metadata,
        repository = ctx.attr.repository,
        tag = ctx.attr.tag,
        title = ctx.attr.title,
    )

wasm_oci_package = rule(
    implementation = _implementation,
    attrs = ACTION_TOOL | _COMPONENT_ATTRS | _ATTRS,
    doc = _DOC,
    provides = _PROVIDES,
)

def _described_implementation(ctx):
    name = named(ctx, ctx.attr.package)
    return _package(
        ctx,
        annotations = _annotations(ctx),
        author = "",
        metadata = "auto",
        repository = name.repository,
        tag = name.tag,
        title = name.last + ".wasm",
    )

def _annotations(ctx):
    prefix = "org.opencontainers.image."
    described = {
        prefix + "description": ctx.attr.description,
        prefix + "authors": ", ".join(ctx.attr.authors),
        prefix + "licenses": ctx.attr.license,
    }
    result = {key: value for key, value in described.items() if value}
    for annotation in ctx.attr.annotations:
        key, equals, value = annotation.partition("=")
        if not key or not equals:
            refuse(ctx, "annotations", "are `key=value` strings, got: {}".format(annotation))
        if key in result:
            refuse(ctx, "annotations", "give {} twice, or beside the attribute that says the same".format(key))
        result[key] = value
    return result

described_image = rule(
    implementation = _described_implementation,
    attrs = ACTION_TOOL | ASKED_ATTRS | NAMING_ATTRS | _COMPONENT_ATTRS | _DESCRIPTION_ATTRS,
    doc = "`wasm_oci_package` for macros: annotations, repository and title follow from what a user says of an image.",
    provides = _PROVIDES,
)
