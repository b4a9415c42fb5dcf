"""Identities and logs for tests of what is built on them; they check no certificate and no log entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from image_fixtures import MemoryImage, attach_bundle, image_signer, legacy_layer
from wasmoci.cosign_bundle import Envelope
from wasmoci.errors import Reason, VerificationError
from wasmoci.keys.image import ImagePublicKey
from wasmoci.oci import Descriptor
from wasmoci.simple_signing import LOG_ANNOTATION
from wasmoci.strict_json import JsonObject, parse_object

HOLDER = image_signer(4)
LOGGED = {"logIndex": "1"}


@dataclass(frozen=True)
class NamedIdentity:
    fingerprint: str
    principal: str


@dataclass
class NamedIdentities:
    """A CertificateVerifier that believes what stands in the certificate field: a name, and nothing is signed.

    `trusted` maps names to the principal that lets them in.
    """

    trusted: Mapping[str, str]
    verified: list[bytes] = field(default_factory=list)

    @property
    def principals(self) -> int:
        return len(set(self.trusted.values()))

    def verify(self, bundle: bytes) -> NamedIdentity:
        self.verified.append(bundle)
        material = parse_object(bundle, "the bundle", len(bundle)).object("verificationMaterial")
        name = material.object("certificate").string("rawBytes")
        if name not in self.trusted:
            raise VerificationError(Reason.UNTRUSTED_KEY, f"{name} is not trusted")
        return NamedIdentity(name, self.trusted[name])


def attach_named(image: MemoryImage, name: str, payload: bytes | None = None) -> Descriptor:
    """A bundle that NamedIdentities takes for one of the identity `name`."""
    material = {"certificate": {"rawBytes": name}}
    return attach_bundle(image, HOLDER, payload=payload, bundle=lambda top: top.update(verificationMaterial=material))


@dataclass
class ListedEntries:
    """A LogVerifier for which an entry holds if it is LOGGED, or `logged` in the legacy format; it notes each call."""

    calls: list[tuple[object, ...]] = field(default_factory=list)

    def verify(self, entries: Sequence[JsonObject], envelope: Envelope, key: ImagePublicKey) -> None:
        assert entries, "a signature without an entry is not for a log to judge"
        self.calls.append((envelope, key))
        if any(entry.string("logIndex") != LOGGED["logIndex"] for entry in entries):
            raise VerificationError(Reason.BAD_SIGNATURE, "this entry is not in the log")

    def verify_legacy(self, entry: str, payload: bytes, signature: bytes, key: ImagePublicKey) -> None:
        self.calls.append((payload, signature, key))
        if entry != "logged":
            raise VerificationError(Reason.BAD_SIGNATURE, "this entry is not in the log")


def attach_with_entries(image: MemoryImage, *entries: Mapping[str, Any]) -> Descriptor:
    """A bundle by the usual signer with these log entries."""
    return attach_bundle(
        image, bundle=lambda top: top["verificationMaterial"].update(tlogEntries=[dict(one) for one in entries])
    )


def legacy_layer_with_entry(image: MemoryImage, entry: str) -> Descriptor:
    layer = legacy_layer(image)
    return Descriptor(layer.media_type, layer.digest, layer.size, {**layer.annotations, LOG_ANNOTATION: entry})
