"""Entries that a log of Rekor v2 has already, and their inclusion proofs, from its tiles.

Source: C2SP tlog-tiles. Tile N of level L has the hashes of up to 256 complete subtrees of 256**L leaves
each, in order; the last one of a level has fewer, and its path says how many.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from wasmoci.transparency.checkpoint import Checkpoint
from wasmoci.transparency.log_entry import InclusionProof, LogEntry
from wasmoci.transparency.merkle import HASH_SIZE, node_hash
from wasmoci.transparency.trusted_root import TransparencyLog
from wasmoci.values.errors import FormatError, RegistryError, VerificationError, not_logged

TILE_HEIGHT = 8
TILE_WIDTH = 2**TILE_HEIGHT


def existing_entry(
    read: Callable[[str], bytes], index: int, body: bytes, trusted: Sequence[TransparencyLog]
) -> LogEntry:
    """The entry with this body, which the log says is at `index`; that it is there is not verified.

    `read` gets what is at a path below the log's API. Raises FormatError for a checkpoint or tile that is
    none, VerificationError where the checkpoint is not by one of the `trusted` logs, RegistryError where
    the log's checkpoint does not have the entry yet.
    """
    try:
        text = read("checkpoint").decode()
    except UnicodeDecodeError:
        raise FormatError("the checkpoint is not UTF-8") from None
    checkpoint = Checkpoint.parse(text)
    log = _signer(checkpoint, trusted)
    if index >= checkpoint.tree_size:
        raise RegistryError(f"the log {log.base_url} has the entry, and its checkpoint not yet: try again")
    hashes = Tiles(checkpoint.tree_size, read).inclusion_proof(index)
    proof = InclusionProof(index, checkpoint.tree_size, checkpoint.root, hashes, text)
    return LogEntry(index, log.log_id, "hashedrekord", "0.0.2", 0, b"", proof, body)


class Tiles:
    """The tree of `size` leaves of a log; `fetch` gets a tile by its path, such as `tile/0/x001/067.p/5`."""

    def __init__(self, size: int, fetch: Callable[[str], bytes]) -> None:
        self._size = size
        self._fetch = fetch
        self._fetched: dict[tuple[int, int], bytes] = {}

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """The proof for the leaf at `index`, which is below the size; FormatError for a tile that is none."""
        proof = []
        start, end = 0, self._size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                proof.append(self._root_of(middle, end))
                end = middle
            else:
                proof.append(self._root_of(start, middle))
                start = middle
        return tuple(reversed(proof))

    def _root_of(self, start: int, end: int) -> bytes:
        """The root of the leaves from `start` up to `end`; `start` is a multiple of the largest subtree in it."""
        count = end - start
        if count & (count - 1) == 0:
            return self._subtree(count.bit_length() - 1, start // count)
        middle = start + _split(count)
        return node_hash(self._root_of(start, middle), self._root_of(middle, end))

    def _subtree(self, height: int, number: int) -> bytes:
        """The root of the complete subtree `number` of 2**height leaves."""
        level, above = divmod(height, TILE_HEIGHT)
        if above:
            return node_hash(self._subtree(height - 1, 2 * number), self._subtree(height - 1, 2 * number + 1))
        tile, position = divmod(number, TILE_WIDTH)
        return self._tile(level, tile)[position * HASH_SIZE : (position + 1) * HASH_SIZE]

    def _tile(self, level: int, number: int) -> bytes:
        if (level, number) not in self._fetched:
            width = min(TILE_WIDTH, (self._size >> (TILE_HEIGHT * level)) - number * TILE_WIDTH)
            path = f"tile/{level}/{_path_of(number)}" + (f".p/{width}" if width < TILE_WIDTH else "")
            data = self._fetch(path)
            if len(data) != width * HASH_SIZE:
                raise FormatError(f"{path} must have {width * HASH_SIZE} bytes, got: {len(data)}")
            self._fetched[level, number] = data
        return self._fetched[level, number]


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _path_of(number: int) -> str:
    """`x001/x234/067` for 1234067."""
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03}")
    return "/".join(groups)


def _signer(checkpoint: Checkpoint, trusted: Sequence[TransparencyLog]) -> TransparencyLog:
    for log in trusted:
        with suppress(VerificationError):
            checkpoint.verify(log)
            return log
    raise not_logged("the log has the entry already, and its checkpoint is not by a log of the trusted root")
