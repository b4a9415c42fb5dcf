"""Files with Ed25519 keys that sign components.

Forms: wasmsign2's compact files, DER SubjectPublicKeyInfo and PKCS#8, the same in PEM, and OpenSSH's
`ssh-ed25519` and `openssh-key-v1`. PKCS#8 and `openssh-key-v1` may be encrypted. Many public keys stand in a
file as in `authorized_keys`, which is also what GitHub shows at `USER.keys`.

Compact and plain files need none of `cryptography`'s code for files, which is slow to import.
"""

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wasmoci.disk.files import read_bounded, read_secret
from wasmoci.keys import key_files, openssh, plain_ed25519
from wasmoci.keys.component import COMPACT_PUBLIC, COMPACT_SECRET, OTHER_TYPE, ComponentPublicKey, SecretKey
from wasmoci.keys.key_files import PEM_BEGIN
from wasmoci.keys.plain_ed25519 import KEY_SIZE
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE, PasswordSource, no_password
from wasmoci.values.errors import KeyFileError, refusals_about

_FORMS = "a compact wasmsign2, DER, PEM or OpenSSH file"
_NO_PUBLIC_KEY = f"an Ed25519 public key is {_FORMS}"
_NO_SECRET_KEY = f"an Ed25519 secret key is {_FORMS}"
_DER_SEQUENCE = b"\x30"


def load_component_key(path: Path) -> ComponentPublicKey:
    """Read a file with one public key in any of the forms; raises KeyFileError that names the file."""
    keys = load_component_keys(path)
    if len(keys) != 1:
        raise KeyFileError(f"{path}: one public key is wanted here, this file has {len(keys)}")
    return keys[0]


def load_component_keys(
    path: Path, on_skipped: Callable[[str], object] = lambda _: None
) -> tuple[ComponentPublicKey, ...]:
    """Read the distinct public keys of a file: one key in any of the forms, or OpenSSH keys, one a line.

    Lines of such a list that are empty or comments mean nothing. Those whose key is of another type, or
    limited by an option that is not checked here, are skipped: `on_skipped` gets a text about each.
    Raises KeyFileError that names the file, also where not one key is left.
    """
    data = read_bounded(path, MAX_KEY_FILE_SIZE, "the component public key")
    with refusals_about(path, KeyFileError):
        return _parse_public_keys(data, lambda text: on_skipped(f"{path}: {text}"))


def load_secret_key(path: Path, password: PasswordSource = no_password, *, private: bool = False) -> SecretKey:
    """Read a secret key file in any of the forms; raises KeyFileError that names the file.

    Where the file holds both halves they must match. With `private` a file that is open to others than
    its owner is refused.
    """
    data = read_secret(
        *(path, MAX_KEY_FILE_SIZE, "the component secret key"), private=private, is_secret=_is_no_public_key
    )
    with refusals_about(path, KeyFileError):
        return parse_secret_key(data, password)


def _parse_public_keys(data: bytes, on_skipped: Callable[[str], object]) -> tuple[ComponentPublicKey, ...]:
    if len(data) == 1 + KEY_SIZE and data.startswith(COMPACT_PUBLIC):
        return (ComponentPublicKey.of(data[1:]),)
    if data.startswith(COMPACT_SECRET) or b"PRIVATE KEY-----" in data:
        raise KeyFileError("this is a secret key where a public key is wanted")
    plain = plain_ed25519.public_key_in(data)
    if plain is not None:
        return (ComponentPublicKey.of(plain),)
    if not data.startswith(_DER_SEQUENCE) and PEM_BEGIN not in data:
        return _parse_openssh_list(data, on_skipped)
    return (ComponentPublicKey.of_key(key_files.open_public_key(data, _NO_PUBLIC_KEY)),)


def _parse_openssh_list(data: bytes, on_skipped: Callable[[str], object]) -> tuple[ComponentPublicKey, ...]:
    keys: dict[ComponentPublicKey, None] = {}
    lines = data.splitlines()
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith(b"#"):
            try:
                keys[_parse_openssh_line(text)] = None
            except openssh.SkippedLineError as skipped:
                on_skipped(f"line {number} is skipped: {skipped}")
            except KeyFileError as error:
                raise KeyFileError(str(error) if len(lines) == 1 else f"line {number}: {error}") from None
    if not keys and any(line.strip() for line in lines):
        raise KeyFileError("components are signed with Ed25519, and this file has no such key that can be trusted")
    if not keys:
        raise KeyFileError(f"the file is empty; {_NO_PUBLIC_KEY}")
    return tuple(keys)


def _parse_openssh_line(line: bytes) -> ComponentPublicKey:
    key = openssh.ed25519_key_in(line)
    if key is None:
        raise KeyFileError(_NO_PUBLIC_KEY)
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    return ComponentPublicKey.of_key(key_files.open_public_key(key, _NO_PUBLIC_KEY, load_ssh_public_key))


def parse_secret_key(data: bytes, password: PasswordSource) -> SecretKey:
    """The key in the bytes of a secret key file; raises KeyFileError."""
    if len(data) == 1 + 2 * KEY_SIZE and data.startswith(COMPACT_SECRET):
        return _matching(data[1 : 1 + KEY_SIZE], data[1 + KEY_SIZE :])
    if not _is_no_public_key(data):
        raise KeyFileError("this is a public key where a secret key is wanted")
    plain = plain_ed25519.seed_in(data)
    if plain is not None:
        return SecretKey(plain)
    key = key_files.open_private_key(data, password, _NO_SECRET_KEY, _load_private)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(OTHER_TYPE)
    seed = key.private_bytes_raw()
    if not data.startswith(openssh.BEGIN):
        return SecretKey(seed)
    public = openssh.public_half(data)
    if public is None:
        raise KeyFileError(_NO_SECRET_KEY)
    return _matching(seed, public)


def _is_no_public_key(data: bytes) -> bool:
    is_compact = len(data) == 1 + KEY_SIZE and data.startswith(COMPACT_PUBLIC)
    return key_files.is_no_public_key(data) and not is_compact


def _load_private(data: bytes, password: bytes | None) -> object:
    if not data.startswith(openssh.BEGIN):
        return key_files.load_private(data, password)
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    return load_ssh_private_key(data, password)


def _matching(seed: bytes, public: bytes) -> SecretKey:
    key = SecretKey(seed)
    if key.public_key.public_bytes_raw() != public:
        raise KeyFileError("the secret and the public half in this file do not belong together")
    return key
