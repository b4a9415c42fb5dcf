"""The rule behind runnable and test targets: a JSON request that their program reads.

User-controlled text lives only in JSON, so no shell or Make variable ever sees it.
"""

load("@rules_python//python:py_info.bzl", "PyInfo")
load(":libraries.bzl", "merged")
load(
    ":providers.bzl",
    "WasmOciIdentityInfo",
    "WasmOciImageInfo",
    "WasmTransparencyLogInfo",
    "run_time",
    "signers",
)
load(":runfiles.bzl", "rlocation")

visibility(["//wasm_oci/private/..."])

LEVELS = ["none", "component-only", "oci-only", "dual-layer"]

_ATTRS = {
    "component_keys": attr.label_list(allow_files = True),
    "dry_run": attr.bool(),
    "if_exists": attr.string(
        default = "overwrite",
        values = ["overwrite", "skip", "verify-same", "fail"],
    ),
    "image": attr.label(allow_single_file = True),
    "insecure_registries": attr.string_list(),
    "level": attr.string(mandatory = True, values = LEVELS),
    "namespace_override": attr.string(),
    "oci_keys": attr.label_list(allow_files = True),
    "oci_threshold": attr.int(default = 1),
    "reference": attr.string(),
    "registries": attr.string_list(),
    "remote_tags": attr.string_list(),
    "signed_annotations": attr.string_dict(),
    "transparency_log": attr.label(providers = [WasmTransparencyLogInfo]),
    "use_image_keys": attr.bool(),
}

def _repository(ctx, info, registry):
    own, _, path = info.repository.partition("/")
    namespace, _, name = path.rpartition("/")
    return "/".join([part for part in [
        registry or own,
        ctx.attr.namespace_override or namespace,
        name,
    ] if part])

def _at_least(level, component, image):
    """The level that has the layers of `level` and those that a signer was asked to sign."""
    component = component or level in ("component-only", "dual-layer")
    image = image or level in ("oci-only", "dual-layer")
    if component:
        return "dual-layer" if image else "component-only"
    return "oci-only" if image else "none"

def _present(members):
    return {name: value for name, value in members.items() if value}

def _optional_rlocation(ctx, file):
    return rlocation(ctx, file) if file else None

def _key(ctx, key):
    return {"publicKey": rlocation(ctx, key.public_key), "reference": key.reference}

def _keyless(ctx, identity):
    return {"keyless": _present({
        "identityToken": identity.token_path,
        "signingConfig": _optional_rlocation(ctx, identity.signing_config),
        "trustedRoot": _optional_rlocation(ctx, identity.trusted_root),
    })}

def _signer(ctx, signer):
    return _key(ctx, signer) if hasattr(signer, "reference") else _keyless(ctx, signer)

def _signer_files(signer):
    if hasattr(signer, "reference"):
        return [signer.public_key]
    return [file for file in (signer.signing_config, signer.trusted_root) if file]

def _attestation(ctx, one):
    statement = one.statement
    if hasattr(statement, "predicate"):
        return _present({
            "predicate": rlocation(ctx, statement.predicate),
            "signer": _signer(ctx, one.signer),
            "type": statement.predicate_type,
        })
    return {
        "provenance": _present({
            "builderId": statement.builder_id,
            "invocationId": statement.invocation_id,
            "materials": [{"file": rlocation(ctx, file), "name": name} for name, file in statement.materials],
            "request": rlocation(ctx, statement.request),
            "source": statement.source,
            "statusFiles": [rlocation(ctx, file) for file in statement.status_files],
        }),
        "signer": _signer(ctx, one.signer),
    }

def _statement_files(statement):
    if hasattr(statement, "predicate"):
        return [statement.predicate]
    return [statement.request] + statement.status_files + [file for _, file in statement.materials]

def _run_time(ctx, info):
    """What the program signs before it publishes."""
    return {
        "annotations": info.annotations,
        "attestations": [_attestation(ctx, one) for one in info.attestations],
        "component": [_key(ctx, key) for key in info.component_keys],
        "formats": info.formats,
        "oci": [_signer(ctx, signer) for signer in info.oci_signers],
        "signatureType": "detached" if info.component_detached else "embedded",
    }

def _identity(info):
    return _present({
        "identity": info.identity,
        "identityRegexp": info.identity_regexp,
        "issuer": info.issuer,
        "issuerRegexp": info.issuer_regexp,
    })

def _trusted_root(roots):
    """The one trusted root that identities and the transparency log share; None for the public one."""
    if not roots:
        return None
    if len({root.short_path if root else "": None for root in roots}) > 1:
        fail("all identities and the transparency log of a target must have the same `trusted_root`")
    return roots[0]

def _implementation(ctx):
    image = ctx.attr.image
    component_keys = ctx.files.component_keys
    identities = [target[WasmOciIdentityInfo] for target in ctx.attr.oci_keys if WasmOciIdentityInfo in target]
    oci_keys = ctx.files.oci_keys
    placeholders = []
    signed_component = False
    signed_image = False
    libraries = []
    request = {
        "insecureRegistries": ctx.attr.insecure_registries,
    }
    files = []
    runfiles = ctx.runfiles()
    if image:
        known = signers(image)
        placeholders = known.placeholders.to_list()
        if ctx.attr.use_image_keys:
            signed_component = bool(known.component_keys)
            signed_image = bool(known.oci_keys) or bool(known.identities)
            component_keys = component_keys or known.component_keys.to_list()
            if not oci_keys and not identities:
                oci_keys = known.oci_keys.to_list()
                identities = known.identities.to_list()
            later = run_time(image)
            if later.component_keys or later.oci_signers or later.attestations:
                request["runTime"] = _run_time(ctx, later)
                attestors = [one.signer for one in later.attestations]
                for signer in later.component_keys + later.oci_signers + attestors:
                    libraries.append(signer.libraries)
                    files += _signer_files(signer)
                for one in later.attestations:
                    files += _statement_files(one.statement)
        request["layout"] = rlocation(ctx, ctx.file.image)
        runfiles = runfiles.merge(ctx.runfiles([ctx.file.image])).merge(image[DefaultInfo].default_runfiles)
    if image and WasmOciImageInfo in image:
        info = image[WasmOciImageInfo]
        tags = ctx.attr.remote_tags or ([info.tag] if info.tag else [])
        if [tag for tag in tags if "{" in tag]:
            status_files = [ctx.info_file, ctx.version_file]
            files += status_files
            request["statusFiles"] = [rlocation(ctx, file) for file in status_files]
        request["ifExists"] = ctx.attr.if_exists
        request["repositories"] = [_repository(ctx, info, registry) for registry in ctx.attr.registries or [""]]
        request["tags"] = tags
        request["dryRun"] = ctx.attr.dry_run
    if ctx.attr.reference:
        request["reference"] = ctx.attr.reference

    roots = [identity.trusted_root for identity in identities]
    libraries += [identity.libraries for identity in identities]
    if ctx.attr.transparency_log:
        log = ctx.attr.transparency_log[WasmTransparencyLogInfo]
        libraries.append(log.libraries)
        roots.append(log.trusted_root)
        files += [log.signing_config, log.trusted_root]
        request["requireLog"] = True
        if ctx.attr.use_image_keys:
            request["log"] = {
                "signingConfig": rlocation(ctx, log.signing_config),
                "trustedRoot": rlocation(ctx, log.trusted_root),
            }
    root = _trusted_root(roots)
    if root:
        files.append(root)
        request["trustedRoot"] = rlocation(ctx, root)
    request["annotations"] = ctx.attr.signed_annotations
    request["identities"] = [_identity(identity) for identity in identities]
    request["ociThreshold"] = ctx.attr.oci_threshold
    request["require"] = _at_least(ctx.attr.level, signed_component, signed_image)
    request["componentKeys"] = [rlocation(ctx, file) for file in component_keys]
    request["ociKeys"] = [rlocation(ctx, file) for file in oci_keys]
    request["placeholderKeys"] = [rlocation(ctx, file) for file in placeholders]

    output = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(output, json.encode_indent(request) + "\n")
    needed = merged(ctx, [one for one in libraries if one])
    return [
        DefaultInfo(
            files = depset([output]),
            runfiles = runfiles
                .merge(ctx.runfiles([output] + component_keys + oci_keys + placeholders + files))
                .merge(needed.runfiles),
        ),
        needed.py,
    ]

wasm_oci_request = rule(
    implementation = _implementation,
    attrs = _ATTRS,
    doc = """\
Writes what a publishing, signing or verifying program is to do.

Its runfiles are what that program needs, and so are the Python libraries that it provides.
""",
    provides = [PyInfo],
)
