"""cosign's bundle format: a Sigstore bundle v0.3 that is a referrer of the image.

Source: cosign 3.1.3. The bundle holds a DSSE envelope around a statement about the image's manifest digest.
"""

from typing import NamedTuple

from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE
from wasmoci.oci.manifest import Descriptor, Manifest
from wasmoci.oci.referrers import BUNDLE_TYPE, BUNDLE_TYPES
from wasmoci.values.base64_strict import decode
from wasmoci.values.errors import FormatError
from wasmoci.values.strict_json import JsonObject, Shape, dump, parse_object
from wasmoci.values.text import excerpt

BUNDLE_MEDIA_TYPE = BUNDLE_TYPE
BUNDLE_MEDIA_TYPES = BUNDLE_TYPES
CONTENT_ANNOTATION = "dev.sigstore.bundle.content"
PREDICATE_TYPE_ANNOTATION = "dev.sigstore.bundle.predicateType"

MAX_BUNDLE_SIZE = 10 * 1024 * 1024
MAX_LOG_ENTRIES = 32
MAX_TIME_STAMPS = 32

_SHA256_SIZE = 32

# The members of sigstore_bundle.proto and of what it holds, in protobuf's JSON; cosign refuses any other, too.
LOG_ENTRY_SHAPE: Shape = {
    "logIndex": None,
    "logId": {"keyId": None},
    "kindVersion": {"kind": None, "version": None},
    "integratedTime": None,
    "inclusionPromise": {"signedEntryTimestamp": None},
    "inclusionProof": {
        "logIndex": None,
        "rootHash": None,
        "treeSize": None,
        "hashes": None,
        "checkpoint": {"envelope": None},
    },
    "canonicalizedBody": None,
}
_SHAPE: Shape = {
    "mediaType": None,
    "verificationMaterial": {
        "publicKey": {"hint": None},
        "certificate": {"rawBytes": None},
        "tlogEntries": LOG_ENTRY_SHAPE,
        "timestampVerificationData": {"rfc3161Timestamps": {"signedTimestamp": None}},
    },
    "dsseEnvelope": None,
}


class Bundle(NamedTuple):
    """A Sigstore bundle v0.3.

    `log_entries` are its transparency log entries, in protobuf's JSON, and `time_stamps` its answers of time
    stamping authorities (RFC 3161, DER); neither are checked. `named_key` is what its hint says of the key: the
    SHA-256 of the key's SubjectPublicKeyInfo in hex, empty where it says nothing of that form; a name and no proof.
    """

    envelope: Envelope
    has_certificate: bool
    log_entries: tuple[JsonObject, ...]
    time_stamps: tuple[bytes, ...] = ()
    named_key: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it has neither a certificate, nor log entries, nor time stamps."""
        return not (self.has_certificate or self.log_entries or self.time_stamps)


def bundle(envelope: Envelope, hint: str) -> bytes:
    """The bundle of an envelope that the key with this `hint` signed."""
    return dump(
        {
            "mediaType": BUNDLE_MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": hint}},
            "dsseEnvelope": envelope.to_json(),
        }
    )


def referrer(bundle_blob: bytes, subject: Descriptor, predicate_type: str = SIGNATURE_PREDICATE_TYPE) -> Manifest:
    """The manifest that attaches a bundle with a statement of this type to `subject`."""
    annotations = {CONTENT_ANNOTATION: "dsse-envelope", PREDICATE_TYPE_ANNOTATION: predicate_type}
    return Manifest.attaching(Descriptor.of(BUNDLE_MEDIA_TYPE, bundle_blob), subject, annotations)


def bundle_layer(manifest: Manifest) -> Descriptor | None:
    """The bundle that a referrer carries, None where it carries something else."""
    layers = manifest.layers
    if not any(layer.media_type.startswith("application/vnd.dev.sigstore.bundle") for layer in layers):
        return None
    if len(layers) != 1:
        raise FormatError(f"a bundle's manifest has exactly one layer, this one has {len(layers)}")
    if layers[0].media_type not in BUNDLE_MEDIA_TYPES:
        raise FormatError(
            f"the bundle's media type must be {BUNDLE_MEDIA_TYPE}, got: {excerpt(layers[0].media_type)!r}"
        )
    return layers[0]


def parse_bundle(data: bytes) -> Bundle:
    """Read a bundle made with a key or a certificate; FormatError for anything else, and for names that are unknown.

    The public key hint is a name and not a key, so nothing depends on it. A certificate is not looked at.
    """
    top = parse_object(data, "the bundle", MAX_BUNDLE_SIZE)
    if top.string("mediaType") not in BUNDLE_MEDIA_TYPES:
        raise FormatError(
            f"the bundle's `mediaType` must be {BUNDLE_MEDIA_TYPE}, got: {excerpt(top.string('mediaType'))!r}"
        )
    material = top.object("verificationMaterial")
    signed_by = material.names() - {"tlogEntries", "timestampVerificationData"}
    if signed_by not in ({"publicKey"}, {"certificate"}):
        raise FormatError(f"the bundle must have a key's hint or a certificate, its material is: {sorted(signed_by)}")
    hint = material.object(*signed_by).optional_string("hint")
    if "messageSignature" in top:
        raise FormatError("the bundle must hold a DSSE envelope and nothing else")
    top.only(_SHAPE)
    entries = material.objects("tlogEntries", MAX_LOG_ENTRIES) if "tlogEntries" in material else ()
    envelope = Envelope.parse(top.object("dsseEnvelope"))
    named_key = _named_key(hint or "")
    return Bundle(envelope, signed_by == {"certificate"}, tuple(entries), _time_stamps(material), named_key)


def _time_stamps(material: JsonObject) -> tuple[bytes, ...]:
    data = material.optional_object("timestampVerificationData")
    if data is None or not data.names():
        return ()
    return tuple(stamp.base64("signedTimestamp") for stamp in data.objects("rfc3161Timestamps", MAX_TIME_STAMPS))


def _named_key(hint: str) -> str:
    try:
        named = decode(hint, "the hint")
    except FormatError:
        return ""
    return named.hex() if len(named) == _SHA256_SIZE else ""
