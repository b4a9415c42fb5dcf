"""An entry that a log of Rekor v2 has already, with a proof from the log's tiles."""

from collections.abc import Callable, Sequence

from wasmoci.transparency.checkpoint import Checkpoint
from wasmoci.transparency.log_entry import InclusionProof, LogEntry
from wasmoci.transparency.tiles import Tiles
from wasmoci.transparency.trusted_root import TransparencyLog
from wasmoci.values.errors import FormatError, Reason, RegistryError, VerificationError


def existing_entry(
    read: Callable[[str], bytes], index: int, body: bytes, trusted: Sequence[TransparencyLog]
) -> LogEntry:
    """The entry with this body, which the log says is at `index`; that it is there is not verified.

    `read` gets what is at a path below the log's API. Raises FormatError for a checkpoint or tile that is
    none, VerificationError where the checkpoint is not by one of the `trusted` logs, RegistryError where
    the log's checkpoint does not have the entry yet.
    """
    text = _decoded(read("checkpoint"))
    checkpoint = Checkpoint.parse(text)
    log = _signer(checkpoint, trusted)
    if index >= checkpoint.tree_size:
        raise RegistryError(f"the log {log.base_url} has the entry, and its checkpoint not yet: try again")
    hashes = Tiles(checkpoint.tree_size, read).inclusion_proof(index)
    proof = InclusionProof(index, checkpoint.tree_size, checkpoint.root, hashes, text)
    return LogEntry(index, log.log_id, "hashedrekord", "0.0.2", 0, b"", proof, body)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise FormatError("the checkpoint is not UTF-8") from None


def _signer(checkpoint: Checkpoint, trusted: Sequence[TransparencyLog]) -> TransparencyLog:
    for log in trusted:
        try:
            checkpoint.verify(log)
        except VerificationError:
            continue
        return log
    raise VerificationError(
        Reason.NOT_LOGGED, "the log has the entry already, and its checkpoint is not by a log of the trusted root"
    )
