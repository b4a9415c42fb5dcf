"""What a target signs at run time; written by wasm_oci/private/request.bzl."""

from pathlib import Path

from wasmoci.cli.attested import Attested
from wasmoci.cli.bazel_runfiles import Locator, strings
from wasmoci.cli.passwords import Password
from wasmoci.cli.provenance_options import ProvenanceOptions
from wasmoci.cli.run_time_signing import AttestationUse, LogUse, RunTimeSigning
from wasmoci.cli.signers import IdentityUse, KeyUse
from wasmoci.errors import FormatError
from wasmoci.image_provenance import MAX_FILES
from wasmoci.signature_format import SignatureFormat, SignatureType
from wasmoci.strict_json import JsonObject

MAX_SIGNERS = 100


def read_signing(request: JsonObject, locator: Locator) -> RunTimeSigning:
    """Who signs, as a request says; nobody where it says nothing.

    Raises Error, FormatError. Passwords are those of $COSIGN_PASSWORD or typed at a terminal.
    """
    log = request.optional_object("log")
    log_use = None if log is None else LogUse(_file(locator, log, "signingConfig"), _file(locator, log, "trustedRoot"))
    who = request.optional_object("runTime")
    if who is None:
        return RunTimeSigning(log=log_use)
    formats = [_format(name) for name in strings(who, "formats")]
    return RunTimeSigning(
        component=[_key(locator, one) for one in _signers(who, "component")],
        signature_type=_signature_type(who),
        oci=[_oci_signer(locator, one) for one in _signers(who, "oci")],
        # A target that names all formats means what each of its signers can make.
        formats=None if set(formats) == set(SignatureFormat) else formats or None,
        annotations=who.string_map("annotations"),
        attestations=[_attestation(locator, one) for one in _signers(who, "attestations")],
        log=log_use,
        password=Password(),
    )


def _signers(who: JsonObject, name: str) -> list[JsonObject]:
    return who.objects(name, MAX_SIGNERS) if name in who else []


def _oci_signer(locator: Locator, signer: JsonObject) -> KeyUse | IdentityUse:
    keyless = signer.optional_object("keyless")
    if keyless is None:
        return _key(locator, signer)
    token = keyless.optional_string("identityToken")
    return IdentityUse(
        None if token is None else Path(token),
        locator.optional_path(keyless, "signingConfig"),
        locator.optional_path(keyless, "trustedRoot"),
    )


def _attestation(locator: Locator, one: JsonObject) -> AttestationUse:
    return AttestationUse(_oci_signer(locator, one.object("signer")), _attested(locator, one))


def _attested(locator: Locator, one: JsonObject) -> Attested:
    provenance = one.optional_object("provenance")
    if provenance is None:
        return Attested(_file(locator, one, "predicate"), type_name=one.optional_string("type"))
    materials = provenance.objects("materials", MAX_FILES) if "materials" in provenance else []
    return Attested(
        provenance=ProvenanceOptions(
            request=_file(locator, provenance, "request"),
            builder_id=provenance.string("builderId"),
            invocation_id=provenance.optional_string("invocationId"),
            source=provenance.optional_string("source"),
            materials=tuple((material.string("name"), _file(locator, material, "file")) for material in materials),
            status_files=locator.paths(provenance, "statusFiles") if "statusFiles" in provenance else (),
        )
    )


def _key(locator: Locator, signer: JsonObject) -> KeyUse:
    return KeyUse(signer.string("reference"), _file(locator, signer, "publicKey"))


def _file(locator: Locator, of: JsonObject, name: str) -> Path:
    return locator.path(of.string(name))


def _format(name: str) -> SignatureFormat:
    try:
        return SignatureFormat(name)
    except ValueError:
        raise FormatError(f"the request: there is no signature format {name!r}") from None


def _signature_type(who: JsonObject) -> SignatureType:
    name = who.optional_string("signatureType") or SignatureType.EMBEDDED.value
    try:
        return SignatureType(name)
    except ValueError:
        raise FormatError(f"the request: there is no signature type {name!r}") from None
