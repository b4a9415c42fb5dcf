"""The requests of tests that verify an image, in a layout or in a registry."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load(":checks.bzl", "ASKED_ATTRS", "COMPONENT", "MANIFEST", "check_trusted", "refuse")
load(":providers.bzl", "WasmOciIdentityInfo", "WasmTransparencyLogInfo")
load(":request.bzl", "declared", "layout_image", "request_object", "write_request")
load(":request_trust.bzl", "TRUST_ATTRS", "trust_object", "trusted_by")

visibility(["//wasm_oci/private/..."])

def _write(ctx, image, level, oci_threshold, trusted):
    log = ctx.attr.transparency_log
    return write_request(ctx, {
        "declared": declared(ctx),
        "image": image,
        "trust": trust_object(
            ctx,
            level = level,
            log = log[WasmTransparencyLogInfo] if log else None,
            oci_threshold = oci_threshold,
            signed_annotations = ctx.attr.signed_annotations,
            signed_name = ctx.attr.signed_name,
            trusted = trusted,
        ),
    })

def _implementation(ctx):
    return _write(ctx, layout_image(ctx), ctx.attr.level, ctx.attr.oci_threshold, trusted_by(ctx))

verify_request = rule(
    implementation = _implementation,
    attrs = ASKED_ATTRS | TRUST_ATTRS | {
        "image": attr.label(
            allow_single_file = True,
            mandatory = True,
        ),
    },
    doc = "Writes what a test of a layout is to verify.",
    provides = [PyInfo],
)

def _live_implementation(ctx):
    component, manifest = ctx.attr.component_verify, ctx.attr.cosign_verify
    if not manifest and not component:
        refuse(ctx, "cosign_verify", "or `component_verify` must be True, or there is nothing to verify")
    if manifest and not ctx.attr.oci_public_key:
        refuse(ctx, "oci_public_key", "is missing: name who is trusted, or say `cosign_verify = False`")
    if component and not ctx.attr.component_public_key:
        refuse(ctx, "component_public_key", "is missing: name the trusted key, or say `component_verify = False`")
    check_trusted(ctx, "component_public_key", COMPONENT)
    check_trusted(ctx, "oci_public_key", MANIFEST)
    signer = ctx.attr.oci_public_key if manifest else None
    trusted = struct(
        component_keys = ctx.files.component_public_key if component else [],
        identities = [signer[WasmOciIdentityInfo]] if signer and WasmOciIdentityInfo in signer else [],
        oci_keys = ctx.files.oci_public_key if manifest else [],
    )
    image = request_object({
        "insecureRegistries": ctx.attr.insecure_registries,
        "reference": ctx.attr.oci_image_ref,
    })
    return _write(ctx, image, ("dual-layer" if component else "oci-only") if manifest else "component-only", 1, trusted)

live_verify_request = rule(
    implementation = _live_implementation,
    attrs = ASKED_ATTRS | {
        "component_public_key": attr.label(allow_files = True),
        "component_verify": attr.bool(mandatory = True),
        "cosign_verify": attr.bool(mandatory = True),
        "insecure_registries": attr.string_list(),
        "oci_image_ref": attr.string(mandatory = True),
        "oci_public_key": attr.label(allow_files = True),
        "signed_annotations": TRUST_ATTRS["signed_annotations"],
        "signed_name": TRUST_ATTRS["signed_name"],
        "transparency_log": TRUST_ATTRS["transparency_log"],
    },
    doc = "Writes what a test of an image in a registry is to verify.",
    provides = [PyInfo],
)
