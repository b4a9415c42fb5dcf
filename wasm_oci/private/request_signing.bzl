"""The object `signing` of a request: what is signed at `bazel run`, and by whom."""

load(":request.bzl", "present", "request_object")
load(":runfiles.bzl", "rlocation")

visibility(["//wasm_oci/private/..."])

def signing_object(ctx, deferred, log = None):
    """The object `signing`.

    Args:
        ctx: the rule's context.
        deferred: a WasmRunTimeSigningInfo.
        log: the WasmTransparencyLogInfo of the log that signatures made with keys are added to, or None.

    Returns:
        A result of `request_object`; None where nothing is signed or logged.
    """
    image_signers = deferred.oci_signers + [attestation.signer for attestation in deferred.attestations]
    signers = deferred.component_keys + image_signers
    if not signers and not log:
        return None
    members = {
        "annotations": deferred.annotations,
        "attestations": [_attestation(ctx, attestation) for attestation in deferred.attestations],
        "component": [_key(ctx, key) for key in deferred.component_keys],
        "formats": deferred.formats,
        "oci": [_signer(ctx, signer) for signer in deferred.oci_signers],
        "placement": "detached" if deferred.component_detached else "embedded",
    }
    files = [key.public_key for key in deferred.component_keys]
    for signer in image_signers:
        files += _signer_files(signer)
    for attestation in deferred.attestations:
        files += _statement_files(attestation.statement)
    if log:
        members["log"] = {
            "signingConfig": rlocation(ctx, log.signing_config),
            "trustedRoot": rlocation(ctx, log.trusted_root),
        }
        files += [log.signing_config, log.trusted_root]
    return request_object(
        members,
        files = files,
        # A key in a file of the machine needs no library of its own.
        libraries = [signer.libraries for signer in signers if signer.libraries] + ([log.libraries] if log else []),
    )

def _key(ctx, key):
    return {"publicKey": rlocation(ctx, key.public_key), "reference": key.reference}

def _optional_rlocation(ctx, file):
    return rlocation(ctx, file) if file else None

def _signer(ctx, signer):
    if signer.kind == "key":
        return _key(ctx, signer)
    return {"keyless": present({
        "identityToken": signer.token_path,
        "signingConfig": _optional_rlocation(ctx, signer.signing_config),
        "trustedRoot": _optional_rlocation(ctx, signer.trusted_root),
    })}

def _signer_files(signer):
    if signer.kind == "key":
        return [signer.public_key]
    return [file for file in (signer.signing_config, signer.trusted_root) if file]

def _attestation(ctx, attestation):
    statement = attestation.statement
    return {
        "signer": _signer(ctx, attestation.signer),
        statement.kind: _document(ctx, statement) if statement.kind == "document" else _provenance(ctx, statement),
    }

def _document(ctx, statement):
    return present({"predicate": rlocation(ctx, statement.predicate), "type": statement.predicate_type})

def _provenance(ctx, statement):
    return present({
        "builderId": statement.builder_id,
        "component": _optional_rlocation(ctx, statement.component),
        "invocationId": statement.invocation_id,
        "materials": [{"file": rlocation(ctx, file), "name": name} for name, file in statement.materials],
        "request": rlocation(ctx, statement.request),
        "source": statement.source,
        "statusFiles": [rlocation(ctx, file) for file in statement.status_files],
    })

def _statement_files(statement):
    if statement.kind == "document":
        return [statement.predicate]
    component = [statement.component] if statement.component else []
    return [statement.request] + component + statement.status_files + [file for _, file in statement.materials]
