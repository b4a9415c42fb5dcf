"""The rule `publish_request`: what a publishing target signs, verifies and sends."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load(":checks.bzl", "ASKED_ATTRS", "asked_attribute", "check_image", "refuse", "shown")
load(":policy.bzl", "POLICY_ATTRS", "policy_of", "policy_trust")
load(":providers.bzl", "WasmOciImageInfo", "WasmSignersInfo", "WasmTransparencyLogInfo", "deferred_signing", "signers")
load(":request.bzl", "layout_image", "repository_of", "request_object", "write_request")
load(":request_signing.bzl", "signing_object")
load(":request_trust.bzl", "TRUST_ATTRS", "asked_of_trust", "level_with_signers", "trust_object", "trusted_by", "trusted_signers")
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
    "registry_override": attr.string(),
    "remote_tags": attr.string_list(),
    "secure": attr.bool(
        doc = "Whether the image must be signed by those of its target.",
        mandatory = True,
    ),
    "tag_override": attr.string(),
}

def _given_once(ctx, single, several):
    """The values of two attributes that say the same thing, a string and a list of strings."""
    value, values = getattr(ctx.attr, single), getattr(ctx.attr, several)
    if value and values:
        refuse(ctx, single, "and `{}` say the same thing: give one of them".format(several))
    return [value] if value else values

def _check_signed(ctx, level, trusted):
    """Fails where a layer must be signed that nobody signs, or whose signers nobody knows."""
    image = ctx.attr.image
    if ctx.attr.secure and level == "none":
        refuse(ctx, "level", "must be a signed one, got none: `wasm_component_publish` publishes unsigned images")
    known = signers(image)
    nobody_signs_manifest = not known.oci_keys.to_list() and not known.identities.to_list()
    layers = [
        struct(
            attribute = "trusted_component_keys",
            is_trusted = trusted.component_keys,
            levels = ("component-only", "dual-layer"),
            name = "component",
            # A component may have been signed before it came in.
            signed = True,
        ),
        struct(
            attribute = "trusted_oci_keys",
            is_trusted = trusted.oci_keys or trusted.identities,
            levels = ("oci-only", "dual-layer"),
            name = "manifest",
            signed = not ctx.attr.secure or WasmSignersInfo not in image or not nobody_signs_manifest,
        ),
    ]
    for layer in layers:
        if level in layer.levels and not (layer.is_trusted and layer.signed):
            refuse(ctx, "image", "must be signed as `level` {} says, but nobody signs the {} of {}: {}".format(
                level,
                layer.name,
                shown(image.label),
                "sign it, publish it with another `level`{}".format(
                    " or name who signed it by `{}`".format(asked_attribute(ctx, layer.attribute)) if layer.signed else "",
                ),
            ))

def _own_name(ctx):
    """The repository that signatures name which are made by the image's targets; empty where these make none."""
    known = signers(ctx.attr.image)
    is_signed = known.oci_keys.to_list() or known.identities.to_list()
    return ctx.attr.image[WasmOciImageInfo].repository if is_signed else ""

def _destination(ctx):
    info = ctx.attr.image[WasmOciImageInfo]
    tags = _given_once(ctx, "tag_override", "remote_tags") or ([info.tag] if info.tag else [])
    stamped = [tag for tag in tags if "{" in tag]
    status_files = [ctx.info_file, ctx.version_file] if stamped else []
    return request_object(
        {
            "dryRun": ctx.attr.dry_run,
            "ifExists": ctx.attr.if_exists,
            "insecureRegistries": ctx.attr.insecure_registries,
            "repositories": [
                repository_of(info, registry, ctx.attr.namespace_override)
                for registry in _given_once(ctx, "registry_override", "registries") or [""]
            ],
            "statusFiles": [rlocation(ctx, file) for file in status_files],
            "tags": tags,
        },
        files = status_files,
    )

def _trust(ctx, log):
    asked_to_sign = signers(ctx.attr.image)
    placeholders = asked_to_sign.placeholders.to_list()

    # A log is asked of signatures, and gets those that are made.
    asked = asked_of_trust(ctx) | {"transparency_log": None}
    policy = policy_of(ctx, asked)
    if policy:
        return policy_trust(ctx, policy, named = ctx.attr.policy_repository, placeholders = placeholders)
    trusted = trusted_signers(asked_to_sign, trusted_by(ctx))
    level = ctx.attr.level or ("dual-layer" if ctx.attr.secure else "none")
    _check_signed(ctx, level, trusted)
    return trust_object(
        ctx,
        level = level_with_signers(asked_to_sign, level),
        log = log,
        oci_threshold = ctx.attr.oci_threshold,
        placeholders = placeholders,
        signed_annotations = ctx.attr.signed_annotations,
        signed_name = ctx.attr.signed_name or _own_name(ctx),
        trusted = trusted,
    )

def _implementation(ctx):
    check_image(ctx, "image", ctx.attr.image)
    log = ctx.attr.transparency_log[WasmTransparencyLogInfo] if ctx.attr.transparency_log else None
    return write_request(ctx, {
        "destination": _destination(ctx),
        "image": layout_image(ctx),
        "signing": signing_object(ctx, deferred_signing(ctx.attr.image), log),
        "trust": _trust(ctx, log),
    })

publish_request = rule(
    implementation = _implementation,
    attrs = ASKED_ATTRS | TRUST_ATTRS | POLICY_ATTRS | _ATTRS,
    doc = "Writes what a publishing target is to do; trusts those who sign the image where nobody else is named.",
    provides = [PyInfo],
)
