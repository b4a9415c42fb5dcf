"""What `wasm_oci_sign` and the attesting rules have in common: they add something to the image in a layout."""

load(":checks.bzl", "MANIFEST", "check_layout_directory", "check_signers", "refuse", "shown")
load(":providers.bzl", "WasmOciImageInfo", "WasmOciKeyInfo", "deferred_signing", "signers")
load(":signing.bzl", "signs", "sorted_out")

visibility(["//wasm_oci/private/..."])

def image_to_change(ctx, verb, layer):
    """What the attributes `image` and `keys` say; fails where the build cannot do it.

    Args:
        ctx: the rule's context.
        verb: what is done to the manifest, for messages.
        layer: what is signed, as `sorted_out` takes it.

    Returns:
        A struct: `source`, the layout; `info`, a WasmOciImageInfo or None; `asked`, a result of `sorted_out`;
        `deferred_signing`, the WasmRunTimeSigningInfo of `image`.
    """
    check_layout_directory(ctx)
    if signs(ctx):
        check_signers(ctx, "keys", MANIFEST)
    image = ctx.attr.image

    # Whoever signs a manifest signs all that is behind it.
    lacks_component = "component" in [each.layer for each in signers(image).unsigned.to_list()]
    asked = sorted_out(ctx, WasmOciKeyInfo, layer, unsigned = "its component is not signed" if lacks_component else "")
    previous = deferred_signing(image)
    if asked.keys and previous.component_keys and not previous.component_detached:
        refuse(
            ctx,
            "keys",
            "need a `reference`: the component of {} is signed at `bazel run`, so no build can {} its manifest".format(
                shown(image.label),
                verb,
            ),
        )
    return struct(
        asked = asked,
        deferred_signing = previous,
        info = image[WasmOciImageInfo] if WasmOciImageInfo in image else None,
        source = ctx.file.image,
    )

def steps(ctx, keys):
    """The actions that change the image, one a key.

    Args:
        ctx: the rule's context.
        keys: keys that sign in actions.

    Returns:
        A list of structs: `key`; `name` of the output; `inputs`, a depset of the files that the layout links to.
    """
    return [
        struct(
            # An `oci_image` of rules_oci has links in its layout, to files that its runfiles have.
            inputs = depset() if index else ctx.attr.image[DefaultInfo].default_runfiles.files,
            key = key,
            name = ctx.label.name + ("" if index == len(keys) - 1 else ".{}".format(index)),
        )
        for index, key in enumerate(keys)
    ]

def changed_image(ctx, image, layout, digest, repository):
    """The providers of the image as it is now.

    Args:
        ctx: the rule's context.
        image: a struct of `image_to_change`.
        layout: the layout, which is the source where no action changed it.
        digest: the file with the manifest's digest, or None.
        repository: `host[:port]/path` that the image is for.

    Returns:
        A list of DefaultInfo and WasmOciImageInfo.
    """
    runfiles = ctx.runfiles([layout])
    return [
        DefaultInfo(
            files = depset([layout]),
            runfiles = runfiles if image.asked.keys else runfiles.merge(ctx.attr.image[DefaultInfo].default_runfiles),
        ),
        WasmOciImageInfo(
            digest = digest,
            layout = layout,
            repository = repository,
            tag = image.info.tag if image.info else "",
        ),
    ]
