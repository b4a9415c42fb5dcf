"""The signers of a policy file: keys by layer, and identities, with the day on which they end."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timezone

from wasmoci.keyless.certificate import CLAIMS
from wasmoci.keyless.identity import ClaimPattern, EndedIdentity, IdentityPattern
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.keys.component_files import load_component_key
from wasmoci.keys.image import ImagePublicKey
from wasmoci.keys.reference import KeyReference
from wasmoci.policy.document import Node, Place
from wasmoci.policy.named_files import NamedFiles
from wasmoci.policy.patterns import glob_regexp
from wasmoci.values.errors import Error
from wasmoci.values.text import excerpt

_KEYS = ("componentKey", "imageKey")
_FINGERPRINT = re.compile(r"[a-z0-9-]+:([0-9a-f]{64})")
_END = ("until", "revoked")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who may sign: a key for each layer, or an identity that signs images; or a revoked key, by its fingerprint.

    Signatures count that were there before the day `ends`, in UTC; where `is_revoked` none does.
    """

    name: str
    place: Place
    component_key: ComponentPublicKey | None = None
    image_key: ImagePublicKey | None = None
    identity: IdentityPattern | None = None
    ends: date | None = None
    is_revoked: bool = False
    fingerprint: str | None = None

    @property
    def image_principal(self) -> str | None:
        """What a verifier of images names it; see verify.trust.Signatory."""
        if self.image_key is not None:
            return self.image_key.principal
        return None if self.identity is None else self.identity.name

    @property
    def who(self) -> Iterator[object]:
        """What two signers must not share: identities, and keys in whatever layer, by the SHA-256 of their SPKI."""
        for name in (self.fingerprint, *(key.fingerprint for key in (self.component_key, self.image_key) if key)):
            if name is not None:
                yield name.rpartition(":")[2]
        if self.identity is not None:
            yield self.identity

    @property
    def may_need_clock(self) -> bool:
        """Whether something has to say when it signed, and a signature may be without it: those of keys may."""
        return self.ends is not None and self.identity is None

    def has_ended(self, day: date) -> bool:
        """Whether on this day no signature counts any more that nobody vouches a time for."""
        return self.ends is not None and self.ends <= day

    @property
    def ended_identity(self) -> EndedIdentity | None:
        """Whose signatures count for nobody from the end on; None for keys, and for who has no end."""
        if self.identity is None or not (self.is_revoked or self.ends):
            return None
        midnight = None if self.ends is None else datetime.combine(self.ends, time(), timezone.utc)
        return EndedIdentity(self.identity, None if midnight is None else midnight.timestamp())


def read_signers(node: Node, files: NamedFiles) -> Mapping[str, Signer]:
    """The signers by name.

    Raises UsageError with the place of the fault, also where two signers are one key or identity.
    """
    signers = {name: _read_signer(name, member, files) for name, member in node.members().items()}
    owners: dict[object, str] = {}
    for name, signer in signers.items():
        for key in set(signer.who):
            if key in owners:
                raise signer.place.error(_twice(signers[owners[key]], signer))
            owners[key] = name
    return signers


def _twice(first: Signer, second: Signer) -> str:
    for one, other in ((first, second), (second, first)):
        if one.fingerprint is not None:
            return f"{one.name!r} is the key of {other.name!r}: say that it is revoked there"
    return f"it is who {first.name!r} is, and would count twice"


def _read_signer(name: str, node: Node, files: NamedFiles) -> Signer:
    members = node.members((*_KEYS, "key", "issuer", "identity", *CLAIMS, *_END))
    has_key = "componentKey" in members or "imageKey" in members
    has_identity = not {"issuer", "identity", *CLAIMS}.isdisjoint(members)
    if has_key + has_identity + ("key" in members) != 1:
        raise node.place.error(
            "a signer has keys (componentKey, imageKey) or an identity (issuer and identity); or it is a revoked key, "
            "with the fingerprint alone (key)"
        )
    ends, is_revoked = _read_end(members)
    component_key = image_key = None
    if "componentKey" in members:
        component_key = _read_component_key(members["componentKey"], files)
    if "imageKey" in members:
        image_key = _read_image_key(members["imageKey"], files)
    identity = _read_identity(node, members) if has_identity else None
    fingerprint = _read_fingerprint(members) if "key" in members else None
    return Signer(
        name, node.name_place or node.place, component_key, image_key, identity, ends, is_revoked, fingerprint
    )


def _read_end(members: Mapping[str, Node]) -> tuple[date | None, bool]:
    """The day on which it ends, and whether it is revoked for ever."""
    until, revoked = members.get("until"), members.get("revoked")
    is_revoked = revoked is not None and revoked.is_true
    if revoked is not None and not is_revoked:
        text = revoked.scalar("true or a date")
        if not text[:1].isdigit():
            raise revoked.place.error(f"it is true, or the date from which on, YYYY-MM-DD, got: {excerpt(text)!r}")
    days = [node.date() for node in (until, None if is_revoked else revoked) if node is not None]
    return (None, True) if is_revoked else (min(days, default=None), False)


def _read_fingerprint(members: Mapping[str, Node]) -> str:
    """Of a key that is known by its fingerprint alone, and so can only be revoked."""
    node = members["key"]
    if not _FINGERPRINT.fullmatch(node.text()):
        raise node.place.error(f"a fingerprint is sha256:HEX or TYPE:HEX with 64 digits, got: {excerpt(node.text())!r}")
    if "revoked" not in members:
        raise node.place.error("by a fingerprint no signature can be verified: give the key's file, or say revoked")
    return node.text()


def _read_component_key(node: Node, files: NamedFiles) -> ComponentPublicKey:
    path = files.path(node)
    with _at(node):
        return load_component_key(path)


def _read_image_key(node: Node, files: NamedFiles) -> ImagePublicKey:
    reference = files.reference(node)
    with _at(node):
        return KeyReference.parse(reference).trusted_image_key()


def _read_identity(node: Node, members: Mapping[str, Node]) -> IdentityPattern:
    if "issuer" not in members or "identity" not in members:
        raise node.place.error("an identity is named by issuer and identity, both")
    name, issuer = members["identity"].text(), members["issuer"].literal()
    claims = [_read_claim(claim, members[claim]) for claim in CLAIMS if claim in members]
    with _at(members["identity"]):
        if "*" in name:
            return IdentityPattern.of(identity_regexp=glob_regexp(name), issuer=issuer, claims=claims)
        return IdentityPattern.of(identity=name, issuer=issuer, claims=claims)


def _read_claim(name: str, node: Node) -> ClaimPattern:
    text = node.text()
    with _at(node):
        return ClaimPattern.of(name, regexp=glob_regexp(text)) if "*" in text else ClaimPattern.of(name, text=text)


@contextmanager
def _at(node: Node) -> Iterator[None]:
    """An error is one of this place."""
    try:
        yield
    except Error as error:
        raise node.place.error(str(error)) from None
