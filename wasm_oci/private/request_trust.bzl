"""The object `trust` of a request: who must have signed an image, and what the signatures must say."""

load(":checks.bzl", "COMPONENT", "MANIFEST", "check_trusted")
load(":providers.bzl", "WasmOciIdentityInfo", "WasmTransparencyLogInfo")
load(":request.bzl", "present", "request_object")
load(":runfiles.bzl", "rlocation")

visibility(["//wasm_oci/private/..."])

TRUST_ATTRS = {
    "level": attr.string(values = ["", "none", "component-only", "oci-only", "dual-layer"]),
    "oci_threshold": attr.int(default = 1),
    "signed_annotations": attr.string_dict(),
    "signed_name": attr.string(),
    "transparency_log": attr.label(providers = [WasmTransparencyLogInfo]),
    "trusted_component_keys": attr.label_list(allow_files = True),
    "trusted_oci_keys": attr.label_list(allow_files = True),
}

def asked_of_trust(ctx):
    """What the attributes of a rule with `TRUST_ATTRS` say, by their names; false where they say nothing.

    Args:
        ctx: the rule's context.

    Returns:
        A dict.
    """
    asked = {name: getattr(ctx.attr, name) for name in TRUST_ATTRS}
    return asked | {"oci_threshold": ctx.attr.oci_threshold != 1}

def trusted_by(ctx):
    """Whom the attributes of a rule with `TRUST_ATTRS` name; fails for keys of the other layer.

    Args:
        ctx: the rule's context.

    Returns:
        A struct: `component_keys` and `oci_keys`, lists of Files; `identities`, a list of WasmOciIdentityInfo.
    """
    check_trusted(ctx, "trusted_component_keys", COMPONENT)
    check_trusted(ctx, "trusted_oci_keys", MANIFEST)
    return struct(
        component_keys = ctx.files.trusted_component_keys,
        identities = [
            target[WasmOciIdentityInfo]
            for target in ctx.attr.trusted_oci_keys
            if WasmOciIdentityInfo in target
        ],
        oci_keys = ctx.files.trusted_oci_keys,
    )

def trusted_signers(signers, trusted = None):
    """Whoever was asked to sign, on each layer that names nobody who is trusted.

    Args:
        signers: a WasmSignersInfo.
        trusted: a result of `trusted_by`.

    Returns:
        A struct as of `trusted_by`.
    """
    image_is_said = trusted and (trusted.oci_keys or trusted.identities)
    return struct(
        component_keys = trusted and trusted.component_keys or signers.component_keys.to_list(),
        identities = trusted.identities if image_is_said else signers.identities.to_list(),
        oci_keys = trusted.oci_keys if image_is_said else signers.oci_keys.to_list(),
    )

def level_with_signers(signers, level = "none"):
    """The level that has the layers of `level` and those that somebody was asked to sign.

    Args:
        signers: a WasmSignersInfo.
        level: a level.

    Returns:
        string: a level.
    """
    component = bool(signers.component_keys) or level in ("component-only", "dual-layer")
    image = bool(signers.oci_keys) or bool(signers.identities) or level in ("oci-only", "dual-layer")
    if component:
        return "dual-layer" if image else "component-only"
    return "oci-only" if image else "none"

def trust_object(
        ctx,
        *,
        level,
        trusted,
        placeholders = [],
        oci_threshold = 1,
        signed_annotations = {},
        signed_name = "",
        log = None):
    """The object `trust`; fails where identities and the transparency log do not share one trusted root.

    Args:
        ctx: the rule's context.
        level: the level that the image must have.
        trusted: a result of `trusted_by` or `trusted_signers`.
        placeholders: public keys whose private half everybody has, a list of Files.
        oci_threshold: how many of the trusted must have signed the manifest.
        signed_annotations: what a signature of the manifest must say.
        signed_name: the repository that it must be for, empty where that does not matter.
        log: the WasmTransparencyLogInfo of the log that must have the manifest's signatures, or None.

    Returns:
        A result of `request_object`.
    """
    sources = trusted.identities + ([log] if log else [])
    trusted_root = _shared_root([source.trusted_root for source in sources])
    return request_object(
        {
            "annotations": signed_annotations,
            "componentKeys": [rlocation(ctx, file) for file in trusted.component_keys],
            "identities": [_identity(identity) for identity in trusted.identities],
            "ociKeys": [rlocation(ctx, file) for file in trusted.oci_keys],
            "ociThreshold": oci_threshold,
            "placeholderKeys": [rlocation(ctx, file) for file in placeholders],
            "require": level,
        } | present({
            "requireLog": bool(log),
            "signedName": signed_name or None,
            "trustedRoot": rlocation(ctx, trusted_root) if trusted_root else None,
        }),
        files = trusted.component_keys + trusted.oci_keys + placeholders + ([trusted_root] if trusted_root else []),
        libraries = [source.libraries for source in sources],
    )

def _identity(info):
    return present({
        "identity": info.identity,
        "identityRegexp": info.identity_regexp,
        "issuer": info.issuer,
        "issuerRegexp": info.issuer_regexp,
    })

def _shared_root(roots):
    """The one trusted root that identities and the transparency log share; None for the public one."""
    if not roots:
        return None
    if len({root.short_path if root else "": None for root in roots}) > 1:
        fail("all identities and the transparency log of a target must have the same `trusted_root`")
    return roots[0]
