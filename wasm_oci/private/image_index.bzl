"""The macro `wasm_component_oci_index` and the rule behind it."""

load(":actions.bzl", "ACTION_TOOL", "add_annotations", "add_line", "add_text", "run_tool", "tool_args")
load(":checks.bzl", "ASKED_ATTRS", "check_image", "refuse", "shown")
load(":deferred_signing.bzl", "deferred_signing_target")
load(":image_sign.bzl", "asked_image_sign")
load(":macros.bzl", "check_not_select", "declared", "label_list")
load(":naming.bzl", "NAMING_ATTRS", "named")
load(
    ":providers.bzl",
    "WasmOciImageInfo",
    "WasmRunTimeSigningInfo",
    "WasmSignersInfo",
    "all_signers",
    "deferred_signing",
)

visibility(["//wasm_oci/..."])

_ATTRS = ASKED_ATTRS | NAMING_ATTRS | {
    "annotations": attr.string_dict(doc = "Annotations of the index."),
    "images": attr.label_keyed_string_dict(
        allow_files = True,
        doc = "The images, and what distinguishes the entry of each: JSON with `annotations` and `platform`.",
        mandatory = True,
    ),
}

def _check_signed_in_build(ctx, image):
    deferred = deferred_signing(image)
    if deferred.component_keys or deferred.oci_signers or deferred.attestations:
        problem = "must be signed in the build: {} is signed at `bazel run`, after the index would have said what it is; "
        refuse(ctx, "images", problem.format(shown(image.label)) + "let the index's keys sign it")

def _implementation(ctx):
    for image in ctx.attr.images:
        check_image(ctx, "images", image)
        _check_signed_in_build(ctx, image)
    name = named(ctx)
    layout = ctx.actions.declare_directory(ctx.label.name)
    digest = ctx.actions.declare_file(ctx.label.name + ".digest")
    images = [image[WasmOciImageInfo].layout for image in ctx.attr.images]

    args = tool_args(ctx)
    args.add_all(images, expand_directories = False)
    args.add_all("--output", [layout], expand_directories = False)
    args.add("--digest-file", digest)
    add_annotations(args, ctx.attr.annotations)
    if name.tag and "{" not in name.tag:
        # A layout has no tag that only publishing can spell out.
        add_text(args, "--tag", name.tag)
    for image, said in ctx.attr.images.items():
        entry = json.decode(said)
        source = [image[WasmOciImageInfo].layout]
        for key, value in sorted(entry["annotations"].items()):
            args.add_all("--entry-annotation", source, expand_directories = False)
            add_line(args, "{}={}".format(key, value))
        if entry["platform"]:
            args.add_all("--entry-platform", source, expand_directories = False)
            add_line(args, entry["platform"])

    run_tool(
        ctx,
        "image_index",
        args,
        inputs = depset(images, transitive = [image[DefaultInfo].default_runfiles.files for image in ctx.attr.images]),
        outputs = [layout, digest],
        mnemonic = "WasmOciIndex",
        progress_message = "Making OCI index %{label}",
    )
    return [
        DefaultInfo(files = depset([layout]), runfiles = ctx.runfiles([layout])),
        OutputGroupInfo(digest = depset([digest])),
        WasmOciImageInfo(digest = digest, layout = layout, repository = name.repository, tag = name.tag),
        all_signers(ctx.attr.images),
        deferred_signing(None),
    ]

_wasm_oci_index = rule(
    implementation = _implementation,
    attrs = ACTION_TOOL | _ATTRS,
    doc = "Makes one OCI index of several images, with all that is attached to them, in one `WasmOciIndex` action.",
    provides = [WasmOciImageInfo, WasmRunTimeSigningInfo, WasmSignersInfo],
)

def wasm_component_oci_index(
        *,
        name,
        images,
        package_name = None,
        registry = "localhost:5000",
        namespace = "library",
        tag = "latest",
        annotations = {},
        entry_annotations = {},
        platforms = {},
        oci_signing_key = None,
        oci_signature_annotations = {},
        sign = None,
        tags = [],
        testonly = None,
        visibility = None):
    """One OCI index for several variants of a component, each an image with its own signatures.

    Outputs: the OCI image layout `<name>`, and `<name>.digest` with the index's digest. Whatever takes an image takes
    the index too: it is published and verified as a whole, and each of its images as well. Keys with a `reference` and
    identities sign at `bazel run`, of a publishing target or of `<name>.sign`.

    ```starlark
    wasm_component_oci_index(
        name = "index",
        package_name = "greetings",
        images = [
            ":image",
            ":signed_image",
        ],
        oci_signing_key = ":oci_key",
    )
    ```

    Args:
        name: name of the target.
        images: images of this rule set, in the order of the index's entries. Not configurable.
        package_name: last part of the repository's path; may contain slashes. By default it follows from the target's
            name, as that of an image.
        registry: `host[:port]` that the index is for.
        namespace: first part of the repository's path; may be empty.
        tag: the tag that is proposed when the index is published.
        annotations: annotations of the index.
        entry_annotations: annotations of entries, a dict for each image that has some, by its label in `images`. Not
            configurable.
        platforms: platforms of entries, `os/architecture[/variant]`, by their label in `images`.
        oci_signing_key: who signs the index and the images in it, a `wasm_oci_key` or a `wasm_oci_identity`, or a list
            of them.
        oci_signature_annotations: what the index's signatures say besides its digest, as `cosign sign -a`.
        sign: whether they sign in this build: `enabled`, where a missing private key is an error; `disabled`; or `auto`,
            as the build setting `//wasm_oci:sign` says.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    check_not_select(name, entry_annotations = entry_annotations, images = images, platforms = platforms)
    for said in [entry_annotations, platforms]:
        for image in said:
            if image not in images:
                fail("{}: `images` lacks {}, of which something is said".format(declared(name), image))
    index = name + ".unsigned" if oci_signing_key else name
    internal = {"tags": (tags or []) + ["manual"], "testonly": testonly, "visibility": ["//visibility:private"]}
    public = {"tags": tags, "testonly": testonly, "visibility": visibility}
    _wasm_oci_index(
        name = index,
        annotations = annotations,
        asked = {"name": name},
        images = {
            image: json.encode({
                "annotations": entry_annotations.get(image, {}),
                "platform": platforms.get(image, ""),
            })
            for image in images
        },
        namespace = namespace,
        package_name = package_name,
        registry = registry,
        tag = tag,
        **(internal if oci_signing_key else public)
    )
    if oci_signing_key:
        asked_image_sign(
            name = name,
            annotations = oci_signature_annotations,
            asked = {"keys": "oci_signing_key"},
            image = index,
            keys = label_list(oci_signing_key, name = name, attribute = "oci_signing_key", **internal),
            sign = sign,
            **public
        )
        deferred_signing_target(
            name = name,
            tags = tags,
            testonly = testonly,
            visibility = visibility,
        )
