"""The rule `publish_request`: what a publishing target signs, verifies and sends."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load(":providers.bzl", "WasmOciImageInfo", "WasmTransparencyLogInfo", "deferred_signing", "signers")
load(":request.bzl", "layout_image", "repository_of", "request_object", "write_request")
load(":request_signing.bzl", "signing_object")
load(":request_trust.bzl", "TRUST_ATTRS", "level_with_signers", "trust_object", "trusted_by", "trusted_signers")
load(":runfiles.bzl", "rlocation")

visibility(["//wasm_oci/private/..."])

_ATTRS = {
    "dry_run": attr.bool(),
    "if_exists": attr.string(
        default = "overwrite",
        values = ["overwrite", "skip", "verify-same", "fail"],
    ),
    "image": attr.label(
        allow_single_file = True,
        mandatory = True,
    ),
    "insecure_registries": attr.string_list(),
    "namespace_override": attr.string(),
    "registries": attr.string_list(),
    "remote_tags": attr.string_list(),
}

def _destination(ctx):
    if WasmOciImageInfo not in ctx.attr.image:
        # The program says what is wrong.
        return request_object({"repositories": []})
    info = ctx.attr.image[WasmOciImageInfo]
    tags = ctx.attr.remote_tags or ([info.tag] if info.tag else [])
    stamped = [tag for tag in tags if "{" in tag]
    status_files = [ctx.info_file, ctx.version_file] if stamped else []
    return request_object(
        {
            "dryRun": ctx.attr.dry_run,
            "ifExists": ctx.attr.if_exists,
            "insecureRegistries": ctx.attr.insecure_registries,
            "repositories": [
                repository_of(info, registry, ctx.attr.namespace_override)
                for registry in ctx.attr.registries or [""]
            ],
            "statusFiles": [rlocation(ctx, file) for file in status_files],
            "tags": tags,
        },
        files = status_files,
    )

def _implementation(ctx):
    asked_to_sign = signers(ctx.attr.image)
    log = ctx.attr.transparency_log[WasmTransparencyLogInfo] if ctx.attr.transparency_log else None
    return write_request(ctx, {
        "destination": _destination(ctx),
        "image": layout_image(ctx),
        "signing": signing_object(ctx, deferred_signing(ctx.attr.image), log),
        "trust": trust_object(
            ctx,
            level = level_with_signers(asked_to_sign, ctx.attr.level),
            log = log,
            oci_threshold = ctx.attr.oci_threshold,
            placeholders = asked_to_sign.placeholders.to_list(),
            signed_annotations = ctx.attr.signed_annotations,
            trusted = trusted_signers(asked_to_sign, trusted_by(ctx)),
        ),
    })

publish_request = rule(
    implementation = _implementation,
    attrs = TRUST_ATTRS | _ATTRS,
    doc = "Writes what a publishing target is to do; trusts those who sign the image where nobody else is named.",
    provides = [PyInfo],
)
