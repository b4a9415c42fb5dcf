"""Checkpoints: the state of a log, signed by it.

Sources: C2SP tlog-checkpoint and signed-note; Rekor v1, whose origin is `NAME - TREE_ID`. The note is an
origin, a tree size and a root hash, a line each; after an empty line come the signatures, as
`— NAME base64(4 bytes that name the key | signature)`.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from wasmoci.transparency.log_entry import whole_number
from wasmoci.transparency.merkle import parse_hash
from wasmoci.transparency.trusted_root import TransparencyLog
from wasmoci.values.base64_strict import decode
from wasmoci.values.errors import FormatError, LimitError, not_logged
from wasmoci.values.text import excerpt

MAX_CHECKPOINT_SIZE = 16 * 1024
MAX_SIGNATURES = 32

_KEY_HINT_SIZE = 4
_SIGNATURE = re.compile(r"\u2014 ([!-~]+) ([A-Za-z0-9+/=]+)", re.ASCII)
_REKOR_V1_ORIGIN = re.compile(r"([!-~]+) - [0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """A line below a note: who signed, the first bytes of the key's id, and the raw signature."""

    name: str
    key_hint: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of its tree; `signed` are the bytes that the signatures are over."""

    origin: str
    tree_size: int
    root: bytes
    signed: bytes
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Raises FormatError, LimitError."""
        if len(text) > MAX_CHECKPOINT_SIZE:
            raise LimitError(f"the checkpoint has {len(text)} characters, the limit is {MAX_CHECKPOINT_SIZE}")
        note, _, below = text.partition("\n\n")
        if not below.endswith("\n"):
            raise FormatError("a checkpoint has an empty line, and signatures below it that end with a newline")
        lines = note.split("\n")
        if len(lines) < 3 or not lines[0]:
            raise FormatError("a checkpoint has an origin, a tree size and a root hash")
        signatures = below.removesuffix("\n").split("\n")
        if len(signatures) > MAX_SIGNATURES:
            raise LimitError(f"the checkpoint has {len(signatures)} signatures, the limit is {MAX_SIGNATURES}")
        return cls(
            origin=lines[0],
            tree_size=whole_number(lines[1], "the checkpoint's second line, the tree size,"),
            root=parse_hash(lines[2], "the checkpoint's root hash"),
            signed=f"{note}\n".encode(),
            signatures=tuple(_parse_signature(line) for line in signatures),
        )

    def verify(self, log: TransparencyLog) -> None:
        """Raise VerificationError unless `log` signed this; the signatures of others do not matter."""
        signer = (self._signer(log), log.log_id[:_KEY_HINT_SIZE])
        own = [made for made in self.signatures if (made.name, made.key_hint) == signer]
        if not own:
            raise not_logged(f"the checkpoint is not signed by the log {log.base_url}")
        for made in own:
            log.verify(made.signature, self.signed, "the checkpoint's signature")

    def _signer(self, log: TransparencyLog) -> str:
        """The name under which the log signs; VerificationError for the origin of another log.

        A name of Rekor v1 is what its operator chose, a name of Rekor v2 is the host of its URL.
        """
        rekor_v1 = _REKOR_V1_ORIGIN.fullmatch(self.origin)
        if rekor_v1 is not None:
            return rekor_v1[1]
        if self.origin != urlsplit(log.base_url).hostname:
            raise not_logged(f"the checkpoint is of another log than {log.base_url}: {excerpt(self.origin)!r}")
        return self.origin


def _parse_signature(line: str) -> NoteSignature:
    match = _SIGNATURE.fullmatch(line)
    if match is None:
        raise FormatError("a signature line of the checkpoint is not `— NAME SIGNATURE`")
    data = decode(match[2], "a signature of the checkpoint")
    if len(data) <= _KEY_HINT_SIZE:
        raise FormatError("a signature of the checkpoint has too few bytes")
    return NoteSignature(match[1], data[:_KEY_HINT_SIZE], data[_KEY_HINT_SIZE:])
