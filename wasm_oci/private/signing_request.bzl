"""The macro `wasm_oci_signing_request` and the rule behind it."""

load(":actions.bzl", "ACTION_TOOL", "add_annotations", "add_text", "run_tool", "tool_args")
load(":checks.bzl", "check_layout_directory", "refuse", "shown")
load(":providers.bzl", "WasmOciImageInfo")
load(":skipping.bzl", "skipped_where_unsigned")

visibility(["//wasm_oci/..."])

_ATTRS = {
    "annotations": attr.string_dict(doc = "What the manifest's signatures say besides the digest."),
    "component_signature": attr.string(
        doc = "Where the component's signature goes: `embedded` or `detached`; empty for none. An embedded signature " +
              "changes the manifest: sign the component first, then the manifest of the image that comes of it.",
        values = ["", "embedded", "detached"],
    ),
    "formats": attr.string_list(
        default = ["bundle", "legacy"],
        doc = "The formats of the manifest's signatures; empty for none.",
    ),
    "image": attr.label(
        allow_single_file = True,
        doc = "The image: a target with one OCI image layout.",
        mandatory = True,
    ),
    "key_id": attr.bool(
        default = True,
        doc = "Whether the component's signature will name its key.",
    ),
    "repository": attr.string(
        doc = "`host[:port]/path` that the image is for, which signatures name; by default that of `image`.",
    ),
}

def _implementation(ctx):
    check_layout_directory(ctx)
    source = ctx.file.image
    image = ctx.attr.image
    repository = ctx.attr.repository or (image[WasmOciImageInfo].repository if WasmOciImageInfo in image else "")
    if ctx.attr.formats and not repository:
        refuse(ctx, "repository", "is needed where `image` ({}) does not say it".format(shown(image.label)))
    output = ctx.actions.declare_directory(ctx.label.name)

    args = tool_args(ctx)
    args.add_all([source], expand_directories = False)
    args.add_all("--output", [output], expand_directories = False)
    if ctx.attr.component_signature:
        args.add("--component-signature", ctx.attr.component_signature)
        if ctx.attr.key_id:
            args.add("--key-id")
    if ctx.attr.formats:
        add_text(args, "--repository", repository)
        for signature_format in ctx.attr.formats:
            add_text(args, "--format", signature_format)
        add_annotations(args, ctx.attr.annotations)

    run_tool(
        ctx,
        "signing_request",
        args,
        inputs = depset([source], transitive = [image[DefaultInfo].default_runfiles.files]),
        outputs = [output],
        mnemonic = "SigningRequest",
        progress_message = "Writing signing request %{label}",
    )
    return [DefaultInfo(files = depset([output]))]

_wasm_oci_signing_request = rule(
    implementation = _implementation,
    attrs = ACTION_TOOL | _ATTRS,
    doc = "Writes exactly the bytes that a signer who is elsewhere has to sign, in one `SigningRequest` action.",
)

def wasm_oci_signing_request(*, name, image, target_compatible_with = None, testonly = None, **kwargs):
    """Writes exactly the bytes that a signer who is elsewhere has to sign, in one `SigningRequest` action without a key.

    The output is the folder `<name>`: `request.json` says what each message is. `wasm-oci import-signature` takes the
    signatures that come back, verifies them, and makes the layout or the file that signing here would have made. Where
    the component was to be signed in the build and is not, because the build has no key, Bazel skips the target.

    ```starlark
    wasm_oci_signing_request(
        name = "to_sign",
        component_signature = "detached",
        image = ":unsigned_image",
    )
    ```

    Args:
        name: name of the target.
        image: the image: a target with one OCI image layout.
        target_compatible_with: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        **kwargs: the other attributes, besides those that all rules have: `annotations`, what the manifest's signatures
            say besides the digest; `component_signature`, where the component's signature goes, `embedded` or
            `detached`, empty for none (an embedded one changes the manifest: sign the component first, then the manifest
            of the image that comes of it); `formats` of the manifest's signatures, by default `["bundle", "legacy"]`,
            empty for none; `key_id`, whether the component's signature will name its key, by default True;
            `repository`, `host[:port]/path` that the image is for, which signatures name, by default that of `image`.
    """
    _wasm_oci_signing_request(
        name = name,
        image = image,
        target_compatible_with = skipped_where_unsigned(
            name = name,
            level = "component-only",
            subject = image,
            target_compatible_with = target_compatible_with,
            testonly = testonly,
        ),
        testonly = testonly,
        **kwargs
    )
