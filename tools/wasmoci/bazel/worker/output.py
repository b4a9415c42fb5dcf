"""What a call of a command prints, kept apart from what others print in the same process."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from typing import TextIO

_printed: ContextVar[io.StringIO] = ContextVar("printed")


@contextmanager
def separate_output(elsewhere: TextIO) -> Iterator[None]:
    """While the block runs, stdout and stderr go to the `captured` block that the writer is in, or `elsewhere`."""
    stream = _SeparateOutput(elsewhere)
    with redirect_stdout(stream), redirect_stderr(stream):
        yield


@contextmanager
def captured() -> Iterator[io.StringIO]:
    """What the block prints, and nobody else's."""
    token = _printed.set(io.StringIO())
    try:
        yield _printed.get()
    finally:
        _printed.reset(token)


class _SeparateOutput(io.TextIOBase):
    def __init__(self, elsewhere: TextIO) -> None:
        super().__init__()
        self._elsewhere = elsewhere

    # click writes bytes of its own to a stream that names no encoding.
    encoding = "utf-8"
    errors = "backslashreplace"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return _printed.get(self._elsewhere).write(text)

    def flush(self) -> None:
        _printed.get(self._elsewhere).flush()
