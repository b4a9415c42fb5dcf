"""OpenSSH's forms of Ed25519 keys.

They are `openssh-key-v1` files, and lines of `authorized_keys` (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").
"""

import base64
import binascii
import re
import struct
from typing import cast

BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"

_MAGIC = b"openssh-key-v1\0"
_TYPE = b"ssh-ed25519"
_OTHER_TYPES = (b"ssh-", b"ecdsa-", b"sk-ssh-", b"sk-ecdsa-")

# Options of a line that limit what its key may do in a way that is not checked here.
_LIMITING_OPTIONS = (b"cert-authority", b"expiry-time")

# Options that a line may start with. Spaces and commas may be quoted; `\"` neither starts nor ends a quotation.
_QUOTED = rb'\\"|"(?:\\"|[^"])*"?'
_OPTIONS = rb'(?:%b|[^" \t])+' % _QUOTED
_OPTION = rb'(?:%b|[^",])+' % _QUOTED


class SkippedLineError(Exception):
    """A line whose key is not for components."""


def ed25519_key_in(line: bytes) -> bytes | None:
    """The type and key of a line, without options and comment; None for a line that is none of a list.

    Raises SkippedLineError for keys of other types, and for those that an option limits in a way that is not checked.
    """
    options = None if line.startswith(_OTHER_TYPES) else re.match(_OPTIONS, line)
    kind, *rest = line[options.end() if options else 0 :].split(maxsplit=2) or [b""]
    names = [option.lower().partition(b"=")[0] for option in re.findall(_OPTION, options[0])] if options else []
    limiting = [name for name in _LIMITING_OPTIONS if name in names]
    if limiting:
        raise SkippedLineError(f"its key is limited by `{limiting[0].decode()}`, which is not checked here")
    if kind == _TYPE:
        return b" ".join([kind, *rest[:1]])
    if kind.startswith(_OTHER_TYPES):
        raise SkippedLineError("its key is not an Ed25519 key")
    return None


def public_half(data: bytes) -> bytes | None:
    """What stands in the clear at the head of an `openssh-key-v1` file; None for a file that is none."""
    body = b"".join(line for line in data.splitlines() if line and not line.startswith(b"-----"))
    try:
        blob = base64.b64decode(body, validate=True)
        position = len(_MAGIC)
        for _ in ("cipher", "kdf", "kdf options"):
            _, position = _string(blob, position)
        public_blob, _ = _string(blob, position + 4)
        _, position = _string(public_blob, 0)
        return _string(public_blob, position)[0]
    except (binascii.Error, struct.error):
        return None


def _string(blob: bytes, position: int) -> tuple[bytes, int]:
    (length,) = cast(tuple[int], struct.unpack_from(">I", blob, position))
    end = position + 4 + length
    return blob[position + 4 : end], end
