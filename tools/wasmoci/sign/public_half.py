"""The public half of a private key, which verifiers get."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.keys.component import ComponentPublicKey, pem_public
from wasmoci.keys.component_files import load_secret_key
from wasmoci.keys.image import ImagePublicKey
from wasmoci.keys.protocols import PasswordSource
from wasmoci.keys.reference import KeyReference


@dataclass(frozen=True, slots=True)
class PublicHalf:
    """A public key as PEM, and its name in reports."""

    pem: bytes
    fingerprint: str


def public_half(reference: KeyReference, password: PasswordSource, *, of_component: bool, private: bool) -> PublicHalf:
    """The public half of a component's key, or of an image's; raises KeyFileError where it cannot be read or is none.

    `private` refuses key files that are open to others.
    """
    if not of_component:
        image_key = ImagePublicKey.of(reference.public_key(password, private=private))
        return PublicHalf(image_key.pem(), image_key.fingerprint)
    if isinstance(reference.place, Path):
        found: object = load_secret_key(reference.place, password, private=private).public_key
    else:
        found = reference.public_key(password, private=private)
    component_key = ComponentPublicKey.of_key(found)
    return PublicHalf(pem_public(component_key), component_key.fingerprint)
