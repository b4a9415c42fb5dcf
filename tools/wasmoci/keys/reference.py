"""Key references: the path of a file, or a text with a scheme as cosign spells it.

A reference is parsed where it enters, and its key is opened where it is used. What reads references with a scheme and
what opens a kind of key is imported only where there is one of these: a key that is a file needs none of it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wasmoci.keys.protocols import PasswordSource, no_password
from wasmoci.values.errors import UsageError

if TYPE_CHECKING:
    from wasmoci.keys.component import ComponentSigner
    from wasmoci.keys.image import ImagePublicKey, ImageSigner
    from wasmoci.keys.reference_forms import Form

_PKCS11 = "pkcs11:"
_SEPARATOR = "://"


def has_scheme(text: str) -> bool:
    """Whether the text, if it is a reference, is no path."""
    return text.startswith(_PKCS11) or _SEPARATOR in text


class KeyReference(NamedTuple):
    """Where a key is kept, which is not looked at before it is opened; `text` is as it was given.

    The methods raise KeyFileError where the key cannot be used or a library is missing. `password` opens an encrypted
    file or variable. With `private` files with a key or a PIN that are open to others than their owner are refused.
    """

    text: str
    place: "Path | Form"

    @classmethod
    def parse(cls, text: str) -> "KeyReference":
        """Raises UsageError for a text that is no reference; it has of the text no more than its scheme."""
        if text.startswith(_PKCS11):
            from wasmoci.keys.pkcs11_uri import Pkcs11Uri

            return cls(text, Pkcs11Uri.parse(text.removeprefix(_PKCS11)))
        scheme, separator, rest = text.partition(_SEPARATOR)
        if separator:
            from wasmoci.keys import reference_forms

            return cls(text, reference_forms.parse(scheme, rest))
        if not text or "\0" in text:
            raise UsageError("a key reference is a path or SCHEME://KEY, this one is empty or has a zero byte")
        return cls(text, Path(text))

    def __str__(self) -> str:
        return self.text

    def open_image_signer(self, password: PasswordSource = no_password, *, private: bool = False) -> "ImageSigner":
        from wasmoci.keys.image import ImageSigner, load_file_key, parse_private_key

        if isinstance(self.place, Path):
            return ImageSigner(load_file_key(self.place, password, private=private))
        from wasmoci.keys import scheme_keys

        return ImageSigner(scheme_keys.open_key(self.place, parse_private_key, password, private=private))

    def open_component_signer(
        self, password: PasswordSource = no_password, *, private: bool = False
    ) -> "ComponentSigner":
        """Raises KeyFileError also for a key that is not Ed25519."""
        from wasmoci.keys.component import ComponentSigner
        from wasmoci.keys.component_files import load_secret_key, parse_secret_key

        if isinstance(self.place, Path):
            return ComponentSigner(load_secret_key(self.place, password, private=private))
        from wasmoci.keys import scheme_keys

        return ComponentSigner(scheme_keys.open_key(self.place, parse_secret_key, password, private=private))

    def public_key(self, password: PasswordSource = no_password, *, private: bool = False) -> object:
        """The public half of a private key, an object of `cryptography`; a token without a PIN is asked without one."""
        from wasmoci.keys.image import load_file_key, parse_private_key

        if isinstance(self.place, Path):
            return load_file_key(self.place, password, private=private).public_key
        from wasmoci.keys import scheme_keys

        return scheme_keys.public_key_of(self.place, parse_private_key, password, private=private)

    def trusted_image_key(self) -> "ImagePublicKey":
        """The public key that a file or variable holds, or the public half of a key in a token or service.

        Raises KeyFileError also where a file or variable holds a private key.
        """
        from wasmoci.keys.image import load_image_key

        if isinstance(self.place, Path):
            return load_image_key(self.place)
        from wasmoci.keys import scheme_keys

        return scheme_keys.trusted_image_key(self.place)
