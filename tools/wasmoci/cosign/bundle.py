"""cosign's bundle format: a Sigstore bundle v0.3 that is a referrer of the image.

Source: cosign 3.1.1. The bundle holds a DSSE envelope around an in-toto statement v1 whose subject
is the image's manifest digest and whose predicate type says that it is a signature.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wasmoci.oci.manifest import EMPTY_CONFIG, EMPTY_MEDIA_TYPE, Descriptor, Manifest
from wasmoci.values.base64_strict import decode, encode
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, Reason, VerificationError
from wasmoci.values.strict_json import JsonObject, dump, parse_object

BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
SIGNATURE_PREDICATE_TYPE = "https://sigstore.dev/cosign/sign/v1"
CONTENT_ANNOTATION = "dev.sigstore.bundle.content"
PREDICATE_TYPE_ANNOTATION = "dev.sigstore.bundle.predicateType"

MAX_BUNDLE_SIZE = 10 * 1024 * 1024
MAX_SUBJECTS = 1024
MAX_SUBJECT_DIGESTS = 32
MAX_LOG_ENTRIES = 32

_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope with its one signature; both fields as raw bytes."""

    payload: bytes
    signature: bytes

    @property
    def signed_message(self) -> bytes:
        """The pre-authentication encoding (DSSE v1) of the payload."""
        payload_type = PAYLOAD_TYPE.encode()
        return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type, len(self.payload), self.payload)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A Sigstore bundle v0.3. `log_entries` are its transparency log entries, in protobuf's JSON, not checked."""

    envelope: Envelope
    has_certificate: bool
    log_entries: tuple[JsonObject, ...]


def statement(subject: Digest, annotations: Mapping[str, str] | None = None) -> bytes:
    """The statement that says: the manifest `subject` is signed, with these annotations."""
    return dump(
        {
            "_type": _STATEMENT_TYPE,
            "subject": [{"digest": {"sha256": subject.hex}, "annotations": dict(sorted((annotations or {}).items()))}],
            "predicateType": SIGNATURE_PREDICATE_TYPE,
            "predicate": {},
        }
    )


def bundle(envelope: Envelope, hint: str) -> bytes:
    """The bundle of an envelope that the key with this `hint` signed."""
    return dump(
        {
            "mediaType": BUNDLE_MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": hint}},
            "dsseEnvelope": {
                "payload": encode(envelope.payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": encode(envelope.signature)}],
            },
        }
    )


def referrer(bundle_blob: bytes, subject: Descriptor, predicate_type: str = SIGNATURE_PREDICATE_TYPE) -> Manifest:
    """The manifest that attaches a bundle with a statement of this type to `subject`."""
    return Manifest(
        config=Descriptor.of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG),
        layers=(Descriptor.of(BUNDLE_MEDIA_TYPE, bundle_blob),),
        annotations={CONTENT_ANNOTATION: "dsse-envelope", PREDICATE_TYPE_ANNOTATION: predicate_type},
        subject=Descriptor(subject.media_type, subject.digest, subject.size),
        artifact_type=BUNDLE_MEDIA_TYPE,
    )


def bundle_layer(manifest: Manifest) -> Descriptor | None:
    """The bundle that a referrer carries, None where it carries something else."""
    layers = manifest.layers
    if not any(layer.media_type.startswith("application/vnd.dev.sigstore.bundle") for layer in layers):
        return None
    if len(layers) != 1:
        raise FormatError(f"a bundle's manifest has exactly one layer, this one has {len(layers)}")
    if layers[0].media_type != BUNDLE_MEDIA_TYPE:
        raise FormatError(f"the bundle's media type must be {BUNDLE_MEDIA_TYPE}, got: {layers[0].media_type!r}")
    return layers[0]


def parse_bundle(data: bytes) -> Bundle:
    """Read a bundle made with a key or a certificate; FormatError for anything else.

    The public key hint is a name and not a key, so it is not used. A certificate is not looked at.
    """
    top = parse_object(data, "the bundle", MAX_BUNDLE_SIZE)
    if top.string("mediaType") != BUNDLE_MEDIA_TYPE:
        raise FormatError(f"the bundle's `mediaType` must be {BUNDLE_MEDIA_TYPE}, got: {top.string('mediaType')!r}")
    material = top.object("verificationMaterial")
    signed_by = material.names() - {"tlogEntries", "timestampVerificationData"}
    if signed_by not in ({"publicKey"}, {"certificate"}):
        raise FormatError(f"the bundle must have a key's hint or a certificate, its material is: {sorted(signed_by)}")
    material.object(*signed_by)
    if "messageSignature" in top:
        raise FormatError("the bundle must hold a DSSE envelope and nothing else")
    entries = material.objects("tlogEntries", MAX_LOG_ENTRIES) if "tlogEntries" in material else ()
    return Bundle(_parse_dsse(top.object("dsseEnvelope")), signed_by == {"certificate"}, tuple(entries))


def check_statement(payload: bytes, subject: Digest) -> dict[str, str]:
    """The annotations that the statement signs with `subject`; what is no text is none.

    Raises VerificationError unless the statement says that `subject` is signed, FormatError if it is none.
    """
    top = parse_object(payload, "the statement", MAX_BUNDLE_SIZE)
    if top.string("_type") != _STATEMENT_TYPE:
        raise FormatError(f"the statement's `_type` must be {_STATEMENT_TYPE}, got: {top.string('_type')!r}")
    if top.string("predicateType") != SIGNATURE_PREDICATE_TYPE:
        raise VerificationError(
            Reason.UNSIGNED, f"an attestation is not a signature: predicate type {top.string('predicateType')!r}"
        )
    subjects = top.objects("subject", MAX_SUBJECTS)
    meant = [one for one in subjects if _sha256_of(one) == subject.hex]
    if not meant:
        raise VerificationError(Reason.WRONG_SUBJECT, f"the signature is not for {subject}")
    if len(meant) > 1:
        raise FormatError(f"the statement names {subject} {len(meant)} times")
    return meant[0].text_members("annotations")


def _sha256_of(subject: JsonObject) -> str | None:
    digests = subject.object("digest")
    count = len(digests.names())
    if count > MAX_SUBJECT_DIGESTS:
        raise LimitError(f"{digests.where} has {count} digests, the limit is {MAX_SUBJECT_DIGESTS}")
    return digests.optional_string("sha256")


def _parse_dsse(envelope: JsonObject) -> Envelope:
    if envelope.string("payloadType") != PAYLOAD_TYPE:
        raise FormatError(f"the payload type must be {PAYLOAD_TYPE}, got: {envelope.string('payloadType')!r}")
    signatures = envelope.objects("signatures", limit=MAX_SUBJECTS)
    if len(signatures) != 1:
        raise FormatError(f"a bundle has exactly one DSSE signature, this one has {len(signatures)}")
    if signatures[0].optional_string("keyid"):
        raise FormatError("the DSSE signature must have no `keyid`")
    return Envelope(
        payload=decode(envelope.string("payload"), "the DSSE payload"),
        signature=decode(signatures[0].string("sig"), "the DSSE signature"),
    )
