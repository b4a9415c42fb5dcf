"""The requests of tests that verify an image, in a layout or in a registry."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load(":checks.bzl", "ASKED_ATTRS", "refuse")
load(":policy.bzl", "POLICY_ATTRS", "policy_of", "policy_trust", "repository_for")
load(":providers.bzl", "WasmTransparencyLogInfo")
load(":request.bzl", "declared", "layout_image", "request_object", "write_request")
load(":request_trust.bzl", "TRUST_ATTRS", "asked_of_trust", "trust_object", "trusted_by")

visibility(["//wasm_oci/private/..."])

def _write(ctx, image, level, trusted):
    log = ctx.attr.transparency_log
    return write_request(ctx, {
        "declared": declared(ctx),
        "image": image,
        "trust": trust_object(
            ctx,
            level = level,
            log = log[WasmTransparencyLogInfo] if log else None,
            oci_threshold = ctx.attr.oci_threshold,
            signed_annotations = ctx.attr.signed_annotations,
            signed_name = ctx.attr.signed_name,
            trusted = trusted,
        ),
    })

def _implementation(ctx):
    image = layout_image(ctx)
    policy = policy_of(ctx, asked_of_trust(ctx))
    if policy:
        trust = policy_trust(ctx, policy, named = repository_for(ctx), reads_clock = ctx.attr.uses_clock)
        return write_request(ctx, {"image": image, "trust": trust})
    if ctx.attr.uses_clock:
        refuse(ctx, "uses_clock", "is for a policy whose keys end on a day: give `policy` too")
    return _write(ctx, image, ctx.attr.level or "dual-layer", trusted_by(ctx))

verify_request = rule(
    implementation = _implementation,
    attrs = ASKED_ATTRS | TRUST_ATTRS | POLICY_ATTRS | {
        "image": attr.label(
            allow_single_file = True,
            mandatory = True,
        ),
        "uses_clock": attr.bool(),
    },
    doc = "Writes what a test of a layout is to verify.",
    provides = [PyInfo],
)

def _live_level(ctx):
    """The level that `level` or the two switches of a layer say."""
    component, manifest = ctx.attr.component_verify, ctx.attr.cosign_verify
    if ctx.attr.level:
        if not component or not manifest:
            refuse(ctx, "level", "says which layers must hold: leave out `cosign_verify` and `component_verify`")
        return ctx.attr.level
    if not manifest and not component:
        refuse(ctx, "cosign_verify", "or `component_verify` must be True, or there is nothing to verify")
    return ("dual-layer" if component else "oci-only") if manifest else "component-only"

def _check_trusted(ctx, level, trusted):
    """Fails where nobody is trusted to sign a layer that must hold."""
    if level in ("dual-layer", "oci-only") and not trusted.oci_keys and not trusted.identities:
        refuse(ctx, "trusted_oci_keys", "is missing: name who is trusted, or say `level = \"component-only\"`")
    if level in ("dual-layer", "component-only") and not trusted.component_keys:
        refuse(ctx, "trusted_component_keys", "is missing: name the trusted key, or say `level = \"oci-only\"`")

def _live_implementation(ctx):
    image = request_object({
        "insecureRegistries": ctx.attr.insecure_registries,
        "reference": ctx.attr.reference,
    })
    switches = {name: not getattr(ctx.attr, name) for name in ("component_verify", "cosign_verify")}
    policy = policy_of(ctx, asked_of_trust(ctx) | switches)
    if policy:
        return write_request(ctx, {"image": image, "trust": policy_trust(ctx, policy, named = ctx.attr.policy_repository)})
    level, trusted = _live_level(ctx), trusted_by(ctx)
    _check_trusted(ctx, level, trusted)
    return _write(ctx, image, level, trusted)

live_verify_request = rule(
    implementation = _live_implementation,
    attrs = ASKED_ATTRS | TRUST_ATTRS | POLICY_ATTRS | {
        "component_verify": attr.bool(default = True),
        "cosign_verify": attr.bool(default = True),
        "insecure_registries": attr.string_list(),
        "reference": attr.string(mandatory = True),
    },
    doc = "Writes what a test of an image in a registry is to verify.",
    provides = [PyInfo],
)
