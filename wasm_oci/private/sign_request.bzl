"""The rule `sign_request`: what a signing target signs at `bazel run`, and verifies before it writes."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load(":providers.bzl", "WasmOciImageInfo", "deferred_signing", "signers")
load(":request.bzl", "layout_image", "repository_of", "request_object", "write_request")
load(":request_signing.bzl", "signing_object")
load(":request_trust.bzl", "level_with_signers", "trust_object", "trusted_signers")

visibility(["//wasm_oci/private/..."])

def _implementation(ctx):
    asked_to_sign = signers(ctx.attr.image)
    return write_request(ctx, {
        # Nothing is sent there: signatures name it.
        "destination": request_object({"repositories": [repository_of(ctx.attr.image[WasmOciImageInfo])]}),
        "image": layout_image(ctx),
        "signing": signing_object(ctx, deferred_signing(ctx.attr.image)),
        "trust": trust_object(
            ctx,
            level = level_with_signers(asked_to_sign),
            trusted = trusted_signers(asked_to_sign),
        ),
    })

sign_request = rule(
    implementation = _implementation,
    attrs = {
        "image": attr.label(
            allow_single_file = True,
            mandatory = True,
            providers = [WasmOciImageInfo],
        ),
    },
    doc = "Writes what a signing target is to do.",
    provides = [PyInfo],
)
