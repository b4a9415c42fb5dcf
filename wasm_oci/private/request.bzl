"""The rule behind runnable and test targets: a JSON request that their program reads.

User-controlled text lives only in JSON, so no shell or Make variable ever sees it.
"""

load(":providers.bzl", "WasmOciImageInfo", "signers")
load(":runfiles.bzl", "rlocation")

visibility(["//wasm_oci/private/..."])

LEVELS = ["none", "component-only", "oci-only", "dual-layer"]

_ATTRS = {
    "component_keys": attr.label_list(allow_files = True),
    "dry_run": attr.bool(),
    "image": attr.label(allow_single_file = True),
    "insecure_registries": attr.string_list(),
    "level": attr.string(mandatory = True, values = LEVELS),
    "namespace_override": attr.string(),
    "oci_keys": attr.label_list(allow_files = True),
    "reference": attr.string(),
    "registry_override": attr.string(),
    "remote_tags": attr.string_list(),
    "use_image_keys": attr.bool(),
}

def _repository(ctx, info):
    registry, _, path = info.repository.partition("/")
    namespace, _, name = path.rpartition("/")
    return "/".join([part for part in [
        ctx.attr.registry_override or registry,
        ctx.attr.namespace_override or namespace,
        name,
    ] if part])

def _at_least(level, component, image):
    """The level that has the layers of `level` and those that a signing action made."""
    component = component or level in ("component-only", "dual-layer")
    image = image or level in ("oci-only", "dual-layer")
    if component:
        return "dual-layer" if image else "component-only"
    return "oci-only" if image else "none"

def _implementation(ctx):
    image = ctx.attr.image
    component_keys = ctx.files.component_keys
    oci_keys = ctx.files.oci_keys
    placeholders = []
    signed_component = False
    signed_image = False
    request = {
        "insecureRegistries": ctx.attr.insecure_registries,
    }
    runfiles = ctx.runfiles()
    if image:
        known = signers(image)
        placeholders = known.placeholders.to_list()
        if ctx.attr.use_image_keys:
            signed_component = bool(known.component_keys)
            signed_image = bool(known.oci_keys)
            component_keys = component_keys or known.component_keys.to_list()
            oci_keys = oci_keys or known.oci_keys.to_list()
        request["layout"] = rlocation(ctx, ctx.file.image)
        runfiles = runfiles.merge(ctx.runfiles([ctx.file.image])).merge(image[DefaultInfo].default_runfiles)
    if image and WasmOciImageInfo in image:
        info = image[WasmOciImageInfo]
        request["repository"] = _repository(ctx, info)
        request["tags"] = ctx.attr.remote_tags or ([info.tag] if info.tag else [])
        request["dryRun"] = ctx.attr.dry_run
    if ctx.attr.reference:
        request["reference"] = ctx.attr.reference
    request["require"] = _at_least(ctx.attr.level, signed_component, signed_image)
    request["componentKeys"] = [rlocation(ctx, file) for file in component_keys]
    request["ociKeys"] = [rlocation(ctx, file) for file in oci_keys]
    request["placeholderKeys"] = [rlocation(ctx, file) for file in placeholders]

    output = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(output, json.encode_indent(request) + "\n")
    return [DefaultInfo(
        files = depset([output]),
        runfiles = runfiles.merge(ctx.runfiles([output] + component_keys + oci_keys + placeholders)),
    )]

wasm_oci_request = rule(
    implementation = _implementation,
    attrs = _ATTRS,
    doc = "Writes what a publishing or verifying program is to do; its runfiles are what that program needs.",
)
