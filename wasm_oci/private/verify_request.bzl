"""The rule `verify_request`: what a test verifies, an image in a layout or in a registry."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load(":providers.bzl", "WasmTransparencyLogInfo")
load(":request.bzl", "layout_image", "request_object", "write_request")
load(":request_trust.bzl", "TRUST_ATTRS", "trust_object", "trusted_by")

visibility(["//wasm_oci/private/..."])

def _implementation(ctx):
    log = ctx.attr.transparency_log
    return write_request(ctx, {
        "image": layout_image(ctx) if ctx.attr.image else request_object({
            "insecureRegistries": ctx.attr.insecure_registries,
            "reference": ctx.attr.reference,
        }),
        "trust": trust_object(
            ctx,
            level = ctx.attr.level,
            log = log[WasmTransparencyLogInfo] if log else None,
            oci_threshold = ctx.attr.oci_threshold,
            signed_annotations = ctx.attr.signed_annotations,
            trusted = trusted_by(ctx),
        ),
    })

verify_request = rule(
    implementation = _implementation,
    attrs = TRUST_ATTRS | {
        "image": attr.label(allow_single_file = True),
        "insecure_registries": attr.string_list(),
        "reference": attr.string(),
    },
    doc = "Writes what a test is to verify.",
    provides = [PyInfo],
)
