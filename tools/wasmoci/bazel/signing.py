"""What a target says that signs or publishes: a layout, who signs it at `bazel run`, and where it goes."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.request import TargetDestination, TargetImage, TargetTrust
from wasmoci.bazel.runfiles import Locator, member, objects, strings
from wasmoci.commands.options.private_keys import Password
from wasmoci.sign.attested import MAX_FILES, Attested, ProvenanceOptions
from wasmoci.sign.deferred import AttestationSpec, DeferredSigning, LogSpec
from wasmoci.trust.signers import IdentitySpec, KeySpec
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.values.strict_json import JsonObject

MAX_SIGNERS = 100


@dataclass(frozen=True, slots=True)
class LayoutTarget:
    """The layout of an image, who signs it first, what it must then be, and where it goes."""

    layout: Path
    signing: DeferredSigning
    trust: TargetTrust
    destination: TargetDestination

    @classmethod
    def read(cls, rlocation: str, locator: Locator) -> "LayoutTarget":
        """Read the request at an rlocation path; raises UsageError, FormatError, Error.

        Error also for an image that lacks a signature which its target declares.
        """
        request = locator.request(rlocation)
        image = TargetImage.parse(request.object("image"), locator)
        trust = TargetTrust.parse(request.object("trust"), locator)
        destination = TargetDestination.parse(request.object("destination"), locator)
        if image.layout is None or not destination.repositories:
            raise UsageError("`oci_image` must be an image of rules_wasm_oci")
        if image.unsigned:
            raise Error(
                f"{'; '.join(image.unsigned)}: let them sign what is to leave the build; "
                "with `--@rules_wasm_oci//wasm_oci:sign=enabled` it is an error of the build where one cannot"
            )
        signing = deferred_signing(request.optional_object("signing"), locator)
        return cls(image.layout, signing, trust, destination)


def deferred_signing(said: JsonObject | None, locator: Locator) -> DeferredSigning:
    """Read the object `signing`, who signs and what; nobody where a request says nothing.

    Raises Error, FormatError. Passwords are those of $COSIGN_PASSWORD or typed at a terminal.
    """
    if said is None:
        return DeferredSigning()
    placement = said.optional_string("placement") or Placement.EMBEDDED.value
    formats = [
        member(SignatureFormat, name, "the request: there is no signature format") for name in strings(said, "formats")
    ]
    return DeferredSigning(
        component=[_key(signer, locator) for signer in objects(said, "component", MAX_SIGNERS)],
        placement=member(Placement, placement, "the request: there is no signature type"),
        oci=[_signer(signer, locator) for signer in objects(said, "oci", MAX_SIGNERS)],
        # A target that names all formats means what each of its signers can make.
        formats=None if set(formats) == set(SignatureFormat) else formats or None,
        annotations=said.string_map("annotations"),
        attestations=[_attestation(each, locator) for each in objects(said, "attestations", MAX_SIGNERS)],
        log=_log(said.optional_object("log"), locator),
        password=Password(),
    )


def _key(said: JsonObject, locator: Locator) -> KeySpec:
    return KeySpec.parse(said.string("reference"), locator.path(said, "publicKey"))


def _signer(said: JsonObject, locator: Locator) -> KeySpec | IdentitySpec:
    keyless = said.optional_object("keyless")
    if keyless is None:
        return _key(said, locator)
    token = keyless.optional_string("identityToken")
    return IdentitySpec(
        None if token is None else Path(token),
        locator.optional_path(keyless, "signingConfig"),
        locator.optional_path(keyless, "trustedRoot"),
    )


def _attestation(said: JsonObject, locator: Locator) -> AttestationSpec:
    signer = _signer(said.object("signer"), locator)
    provenance = said.optional_object("provenance")
    if provenance is not None:
        return AttestationSpec(signer, Attested(provenance=_provenance(provenance, locator)))
    document = said.object("document")
    predicate = locator.path(document, "predicate")
    return AttestationSpec(signer, Attested(predicate, type_name=document.optional_string("type")))


def _provenance(said: JsonObject, locator: Locator) -> ProvenanceOptions:
    materials = objects(said, "materials", MAX_FILES)
    return ProvenanceOptions(
        request=locator.path(said, "request"),
        builder_id=said.string("builderId"),
        invocation_id=said.optional_string("invocationId"),
        source=said.optional_string("source"),
        component=locator.optional_path(said, "component"),
        materials=tuple((material.string("name"), locator.path(material, "file")) for material in materials),
        status_files=locator.optional_paths(said, "statusFiles"),
    )


def _log(said: JsonObject | None, locator: Locator) -> LogSpec | None:
    if said is None:
        return None
    return LogSpec(locator.path(said, "signingConfig"), locator.path(said, "trustedRoot"))
