"""Open those who sign: keys by file or reference, and identities; each kind is imported where it is used."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wasmoci.cosign.signer import StatementSigner
from wasmoci.keys.protocols import PasswordSource
from wasmoci.keys.reference import KeyReference
from wasmoci.values.errors import KeyFileError, UsageError
from wasmoci.values.notes import Notes

if TYPE_CHECKING:
    from wasmoci.keys.component import ComponentSigner
    from wasmoci.keys.image import ImageSigner


class KeySpec(NamedTuple):
    """A private key, and the public key that it must belong to."""

    reference: KeyReference
    public_key: Path | None = None

    @classmethod
    def parse(cls, reference: str, public_key: Path | None = None) -> "KeySpec":
        """Raises UsageError for a text that is no reference and is not shown: it may hold a PIN."""
        return cls(KeyReference.parse(reference), public_key)

    def image_signer(self, password: PasswordSource, notes: Notes, *, private: bool) -> "ImageSigner":
        """The signer; `notes` gets a text about a key whose signatures not every cosign verifies.

        Raises KeyFileError where the key cannot be used or does not belong to the public key.
        """
        from wasmoci.keys import image

        signer = self.reference.open_image_signer(password, private=private)
        if self.public_key is not None and image.load_image_key(self.public_key) != signer.public_key:
            raise self._mismatch(self.public_key)
        if signer.public_key.portability_warning:
            notes(f"{signer.fingerprint}: {signer.public_key.portability_warning}")
        return signer

    def component_signer(self, password: PasswordSource, *, private: bool) -> "ComponentSigner":
        """Raises as `image_signer`, also for a key that is not Ed25519."""
        from wasmoci.keys.component_files import load_component_key

        signer = self.reference.open_component_signer(password, private=private)
        if self.public_key is not None and load_component_key(self.public_key) != signer.public_key:
            raise self._mismatch(self.public_key)
        return signer

    def _mismatch(self, public_key: Path) -> KeyFileError:
        return KeyFileError(f"the private key {self.reference} does not belong to the public key {public_key}")


class IdentitySpec(NamedTuple):
    """The identity of the token in a file, else of the CI job; without the others that of the public Sigstore."""

    token: Path | None = None
    signing_config: Path | None = None
    trusted_root: Path | None = None

    def signer(self) -> StatementSigner:
        """Raises UsageError, FormatError, Error where the files cannot be used or a library is missing."""
        try:
            from wasmoci.keyless.signing import KeylessSigner
        except ImportError as error:
            raise UsageError(
                f"this program signs with keys only, because it lacks {error.name}; identities sign at `bazel run`, "
                "and with the command wasm-oci"
            ) from None
        return KeylessSigner(token_file=self.token, signing_config=self.signing_config, trusted_root=self.trusted_root)


def open_signer(
    spec: KeySpec | IdentitySpec, password: PasswordSource, notes: Notes, *, private: bool
) -> StatementSigner:
    """Whoever signs manifests; raises as the two kinds do."""
    return spec.signer() if isinstance(spec, IdentitySpec) else spec.image_signer(password, notes, private=private)
