"""What a target signs at run time; written by wasm_oci/private/request.bzl."""

from pathlib import Path

from wasmoci.bazel.runfiles import Locator, strings
from wasmoci.commands.options.private_keys import Password
from wasmoci.sign.attested import Attested, ProvenanceOptions
from wasmoci.sign.deferred import AttestationSpec, DeferredSigning, LogSpec
from wasmoci.sign.provenance import MAX_FILES
from wasmoci.trust.signers import IdentitySpec, KeySpec
from wasmoci.values.errors import FormatError
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.values.strict_json import JsonObject

MAX_SIGNERS = 100


def read_signing(request: JsonObject, locator: Locator) -> DeferredSigning:
    """Who signs, as a request says; nobody where it says nothing.

    Raises Error, FormatError. Passwords are those of $COSIGN_PASSWORD or typed at a terminal.
    """
    log = request.optional_object("log")
    log_use = None if log is None else LogSpec(_file(locator, log, "signingConfig"), _file(locator, log, "trustedRoot"))
    who = request.optional_object("runTime")
    if who is None:
        return DeferredSigning(log=log_use)
    formats = [_format(name) for name in strings(who, "formats")]
    return DeferredSigning(
        component=[_key(locator, one) for one in _signers(who, "component")],
        placement=_signature_type(who),
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


def _oci_signer(locator: Locator, signer: JsonObject) -> KeySpec | IdentitySpec:
    keyless = signer.optional_object("keyless")
    if keyless is None:
        return _key(locator, signer)
    token = keyless.optional_string("identityToken")
    return IdentitySpec(
        None if token is None else Path(token),
        locator.optional_path(keyless, "signingConfig"),
        locator.optional_path(keyless, "trustedRoot"),
    )


def _attestation(locator: Locator, one: JsonObject) -> AttestationSpec:
    return AttestationSpec(_oci_signer(locator, one.object("signer")), _attested(locator, one))


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


def _key(locator: Locator, signer: JsonObject) -> KeySpec:
    return KeySpec.parse(signer.string("reference"), _file(locator, signer, "publicKey"))


def _file(locator: Locator, of: JsonObject, name: str) -> Path:
    return locator.path(of.string(name))


def _format(name: str) -> SignatureFormat:
    try:
        return SignatureFormat(name)
    except ValueError:
        raise FormatError(f"the request: there is no signature format {name!r}") from None


def _signature_type(who: JsonObject) -> Placement:
    name = who.optional_string("signatureType") or Placement.EMBEDDED.value
    try:
        return Placement(name)
    except ValueError:
        raise FormatError(f"the request: there is no signature type {name!r}") from None
