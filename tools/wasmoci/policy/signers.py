"""The signers of a policy file: keys by layer, and identities, with the day on which they end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from typing import TYPE_CHECKING

from wasmoci.keys.component import ComponentPublicKey
from wasmoci.keys.component_files import load_component_key
from wasmoci.keys.image import ImagePublicKey
from wasmoci.keys.reference import KeyReference
from wasmoci.policy.document import Node, Place
from wasmoci.policy.named_files import NamedFiles
from wasmoci.values.errors import Error

if TYPE_CHECKING:
    from wasmoci.keyless.identity import EndedIdentity, IdentityPattern

_MEMBERS = ("componentKey", "imageKey", "issuer", "identity", "until", "revoked")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who may sign: a key for each layer, or an identity that signs images.

    Signatures count that were there before the day `ends`, in UTC; where `is_revoked` none does.
    """

    name: str
    place: Place
    component_key: ComponentPublicKey | None = None
    image_key: ImagePublicKey | None = None
    identity: "IdentityPattern | None" = None
    ends: date | None = None
    is_revoked: bool = False

    @property
    def image_principal(self) -> str | None:
        """What a verifier of images names it; see verify.trust.Signatory."""
        if self.image_key is not None:
            return self.image_key.principal
        return None if self.identity is None else self.identity.name

    @property
    def may_need_clock(self) -> bool:
        """Whether something has to say when it signed, and a signature may be without it: those of keys may."""
        return self.ends is not None and self.identity is None

    def counts_by_clock(self, day: date) -> bool:
        """Whether a signature counts on this day that nobody vouches a time for."""
        return not self.is_revoked and (self.ends is None or day < self.ends)

    @property
    def ended_identity(self) -> "EndedIdentity | None":
        """Whose signatures count for nobody from the end on; None for keys, and for who has no end."""
        if self.identity is None or not (self.is_revoked or self.ends):
            return None
        from wasmoci.keyless.identity import EndedIdentity

        midnight = None if self.ends is None else datetime.combine(self.ends, time(), timezone.utc)
        return EndedIdentity(self.identity, None if midnight is None else midnight.timestamp())


def read_signers(node: Node, files: NamedFiles) -> Mapping[str, Signer]:
    """The signers by name.

    Raises UsageError with the place of the fault, also where two signers are one key or identity.
    """
    signers = {name: _read_signer(name, member, files) for name, member in node.members().items()}
    owners: dict[object, str] = {}
    for name, signer in signers.items():
        for key in (signer.component_key, signer.image_key, signer.identity):
            if key is None:
                continue
            if key in owners:
                raise signer.place.error(f"it is who {owners[key]!r} is, and would count twice")
            owners[key] = name
    return signers


def _read_signer(name: str, node: Node, files: NamedFiles) -> Signer:
    members = node.members(_MEMBERS)
    has_key = "componentKey" in members or "imageKey" in members
    has_identity = "issuer" in members or "identity" in members
    if has_key == has_identity:
        raise node.place.error("a signer has keys (componentKey, imageKey) or an identity (issuer and identity)")
    ends, is_revoked = _read_end(members)
    component_key = image_key = None
    if "componentKey" in members:
        component_key = _read_component_key(members["componentKey"], files)
    if "imageKey" in members:
        image_key = _read_image_key(members["imageKey"], files)
    identity = _read_identity(node, members) if has_identity else None
    return Signer(name, node.name_place or node.place, component_key, image_key, identity, ends, is_revoked)


def _read_end(members: Mapping[str, Node]) -> tuple[date | None, bool]:
    """The day on which it ends, and whether it is revoked for ever."""
    until, revoked = members.get("until"), members.get("revoked")
    if revoked is not None and revoked.is_true:
        return None, True
    days = [node.date() for node in (until, revoked) if node is not None]
    return min(days, default=None), False


def _read_component_key(node: Node, files: NamedFiles) -> ComponentPublicKey:
    path = files.path(node)
    try:
        return load_component_key(path)
    except Error as error:
        raise node.place.error(str(error)) from None


def _read_image_key(node: Node, files: NamedFiles) -> ImagePublicKey:
    reference = files.reference(node)
    try:
        return KeyReference.parse(reference).trusted_image_key()
    except Error as error:
        raise node.place.error(str(error)) from None


def _read_identity(node: Node, members: Mapping[str, Node]) -> "IdentityPattern":
    from wasmoci.keyless.identity import IdentityPattern
    from wasmoci.policy.patterns import glob_regexp

    if "issuer" not in members or "identity" not in members:
        raise node.place.error("an identity is named by issuer and identity, both")
    name, issuer = members["identity"].text(), members["issuer"].text()
    try:
        if "*" in name:
            return IdentityPattern.of(identity_regexp=glob_regexp(name), issuer=issuer)
        return IdentityPattern.of(identity=name, issuer=issuer)
    except Error as error:
        raise members["identity"].place.error(str(error)) from None
