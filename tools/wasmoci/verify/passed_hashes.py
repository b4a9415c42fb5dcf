"""The hashes of a file's parts, made while somebody else reads the file: both take one pass."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from wasmoci.values.errors import FormatError
from wasmoci.wasm.parts import ComponentParts, hash_parts, read_parts, sha256_of

if TYPE_CHECKING:
    from wasmoci.wasm.background_sha256 import BackgroundSha256


class PassedHashes:
    """The hashes of the parts of one file. Use it in a `with`, around `begin` and the pass."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._parts: ComponentParts | None = None
        self._hashes: list[bytes] = []
        self._position = 0

    def begin(self, file: BinaryIO) -> Callable[[bytes], object]:
        """What takes all bytes of `file` in turn, block by block.

        Where its parts lie is read before, and counts for nothing but in `of`.
        """
        with suppress(FormatError):
            self._parts = parts = read_parts(file)
            return partial(self._take, parts, self._stack.enter_context(sha256_of(parts.ends[-1] - parts.content)))
        return lambda _: None

    def of(self, stream: BinaryIO, parts: ComponentParts) -> tuple[bytes, ...]:
        """As `hash_parts`, which reads the file again only where it was not passed, or is not what it was then.

        The caller vouches that `stream` has the bytes that were passed, if any were.
        """
        is_known = parts == self._parts and len(self._hashes) == len(parts.ends)
        return tuple(self._hashes) if is_known else hash_parts(stream, parts)

    def _take(self, parts: ComponentParts, state: "hashlib._Hash | BackgroundSha256", block: bytes) -> None:
        first, self._position = self._position, self._position + len(block)
        start = max(first, parts.content)
        view = memoryview(block)
        for end in parts.ends[len(self._hashes) :]:
            stop = min(end, self._position)
            if start < stop:
                state.update(view[start - first : stop - first])
                start = stop
            if self._position < end:
                return
            self._hashes.append(state.digest())

    def __enter__(self) -> "PassedHashes":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
