"""Keys that sign far away: only their public half is here, and the signatures that came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmoci.disk.files import read_bounded
from wasmoci.keys import image
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.keys.component_files import load_component_key
from wasmoci.keys.image import ImagePublicKey
from wasmoci.values import base64_strict
from wasmoci.values.errors import FormatError, KeyFileError, Reason, VerificationError

MAX_SIGNATURE_FILE_SIZE = 64 * 1024


@dataclass(frozen=True, slots=True)
class OfflineSignature:
    """A signature as a file brings it: raw bytes, or base64 of them. `name` is the file's."""

    name: str
    readings: tuple[bytes, ...]

    @classmethod
    def load(cls, path: Path) -> "OfflineSignature":
        """Read a signature file; which of its readings is meant, verification tells."""
        data = read_bounded(path, MAX_SIGNATURE_FILE_SIZE, "the signature")
        try:
            text = b"".join(data.split(b"\n" if b"\r" not in data else b"\r\n")).decode("ascii")
            return cls(str(path), (data, base64_strict.decode(text, "the signature")))
        except (UnicodeDecodeError, FormatError):
            return cls(str(path), (data,))


@dataclass(frozen=True, slots=True)
class OfflinePublicKey:
    """The public half of a key: as a key of images, of components, or of both. `name` is the file's."""

    name: str
    image: ImagePublicKey | None
    component: ComponentPublicKey | None

    @classmethod
    def load(cls, path: Path) -> "OfflinePublicKey":
        """Read a public key file; raises KeyFileError if it is of no layer."""
        try:
            of_component = load_component_key(path)
        except KeyFileError:
            return cls(str(path), image.load_image_key(path), None)
        try:
            return cls(str(path), image.load_image_key(path), of_component)
        except KeyFileError:
            return cls(str(path), None, of_component)


class OfflineKey:
    """A SigningKey whose signatures were made before; it finds the one over a message, and verifies it."""

    def __init__(self, verifier: ImagePublicKey | ComponentPublicKey, signatures: Sequence[OfflineSignature]) -> None:
        self._verifier = verifier
        self._signatures = signatures
        self.public_key = verifier.key

    def find(self, message: bytes) -> tuple[OfflineSignature, bytes] | None:
        """The first signature over `message` by this key and its raw bytes, None where there is none."""
        for signature in self._signatures:
            for reading in signature.readings:
                try:
                    self._verifier.verify(reading, message)
                except VerificationError:
                    continue
                return signature, reading
        return None

    def sign(self, message: bytes) -> bytes:
        """Raises VerificationError where no signature is one over `message` by this key."""
        found = self.find(message)
        if found is None:
            raise VerificationError(Reason.BAD_SIGNATURE, f"{self._verifier.fingerprint} did not sign this message")
        return found[1]
