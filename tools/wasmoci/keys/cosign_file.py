"""cosign's encrypted private key files.

Source: cosign 3.1. PEM type `ENCRYPTED SIGSTORE PRIVATE KEY` (older: `ENCRYPTED COSIGN PRIVATE KEY`)
around JSON: scrypt parameters, a NaCl secretbox nonce, and the ciphertext of a PKCS#8 DER key.
"""

import base64
import binascii
import hashlib
import secrets

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from wasmoci.values.base64_strict import decode, encode
from wasmoci.values.errors import FormatError, KeyFileError
from wasmoci.values.strict_json import JsonObject, dump, parse_object

_PEM_TYPES = (b"ENCRYPTED SIGSTORE PRIVATE KEY", b"ENCRYPTED COSIGN PRIVATE KEY")
_SALT_SIZE = 32
_LINE_LENGTH = 64
_MAX_JSON_SIZE = 16 * 1024

# cosign's own parameters. A file may ask for other ones up to the cost of 256 MiB.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 65536, 8, 1
_MAX_SCRYPT_MEMORY = 256 * 1024 * 1024


def decrypt(pem: bytes, password: bytes) -> bytes:
    """The PKCS#8 DER inside; raises KeyFileError for a wrong password or a file that is not one."""
    try:
        top = parse_object(_pem_body(pem), "the encrypted key", _MAX_JSON_SIZE)
        box = _box(top.object("kdf"), password)
        cipher = top.object("cipher")
        cipher.check("name", "nacl/secretbox")
        ciphertext, nonce = _base64(top, "ciphertext"), _base64(cipher, "nonce")
    except FormatError as error:
        raise KeyFileError(f"this is no key file of cosign's: {error}") from None
    try:
        return box.decrypt(ciphertext, nonce)
    except (CryptoError, ValueError):
        raise KeyFileError("this key does not open with the password given") from None


def encrypt(pkcs8_der: bytes, password: bytes) -> bytes:
    """A PEM file that cosign opens with `password`; salt and nonce are random."""
    salt, nonce = secrets.token_bytes(_SALT_SIZE), secrets.token_bytes(SecretBox.NONCE_SIZE)
    box = SecretBox(_derive(password, salt, _SCRYPT_N, _SCRYPT_R, _SCRYPT_P))
    body = {
        "kdf": {"name": "scrypt", "params": {"N": _SCRYPT_N, "r": _SCRYPT_R, "p": _SCRYPT_P}, "salt": encode(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": encode(nonce)},
        "ciphertext": encode(box.encrypt(pkcs8_der, nonce).ciphertext),
    }
    text = base64.b64encode(dump(body))
    lines = [text[start : start + _LINE_LENGTH] for start in range(0, len(text), _LINE_LENGTH)]
    kind = _PEM_TYPES[0]
    return b"\n".join([b"-----BEGIN " + kind + b"-----", *lines, b"-----END " + kind + b"-----", b""])


def _pem_body(pem: bytes) -> bytes:
    if pem.count(b"-----BEGIN") > 1:
        raise FormatError("it has several PEM blocks")
    for kind in _PEM_TYPES:
        _, _, rest = pem.partition(b"-----BEGIN " + kind + b"-----")
        body, end, _ = rest.partition(b"-----END " + kind + b"-----")
        if end:
            try:
                return base64.b64decode(b"".join(body.split()), validate=True)
            except binascii.Error:
                break
    raise FormatError("its PEM block is broken")


def _box(kdf: JsonObject, password: bytes) -> SecretBox:
    params = kdf.object("params")
    n, r, p = params.integer("N"), params.integer("r"), params.integer("p")
    if kdf.string("name") != "scrypt" or p != _SCRYPT_P or 128 * n * r > _MAX_SCRYPT_MEMORY:
        raise FormatError(f"the key derivation must be scrypt with p=1 in at most {_MAX_SCRYPT_MEMORY} bytes")
    try:
        return SecretBox(_derive(password, _base64(kdf, "salt"), n, r, p))
    except ValueError:
        raise FormatError("the scrypt parameters are impossible") from None


def _derive(password: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    memory = _MAX_SCRYPT_MEMORY + 1024 * 1024
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=SecretBox.KEY_SIZE)


def _base64(value: JsonObject, name: str) -> bytes:
    return decode(value.string(name), f"`{name}`")
