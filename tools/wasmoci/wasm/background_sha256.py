"""SHA-256 in a thread of its own: whoever reads long content, or copies it, goes on meanwhile."""

import hashlib
from queue import Queue
from threading import Thread


class BackgroundSha256:
    """As an object of `hashlib`; blocks must not be changed once they are given. Use it in a `with`.

    The caller waits where more than one block is to be hashed, so that memory stays flat.
    """

    def __init__(self) -> None:
        self._state = hashlib.sha256()
        self._blocks: Queue[bytes | memoryview | None] = Queue(maxsize=1)
        self._thread = Thread(target=self._run, name="sha256", daemon=True)

    def update(self, block: bytes | memoryview) -> None:
        self._blocks.put(block)

    def digest(self) -> bytes:
        """Of all blocks up to now; more may follow."""
        self._blocks.join()
        return self._state.digest()

    def __enter__(self) -> "BackgroundSha256":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._blocks.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (block := self._blocks.get()) is not None:
            self._state.update(block)
            self._blocks.task_done()
