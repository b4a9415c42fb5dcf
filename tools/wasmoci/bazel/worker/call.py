"""One call of a command inside of a process that goes on, and what it prints, kept apart from what others print."""

import io
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import TextIO

import click

from wasmoci.bazel.worker.arguments import arguments_of
from wasmoci.commands.options.declared import WorkingFolder
from wasmoci.values.errors import Error
from wasmoci.values.text import printable

_printed: ContextVar[io.StringIO] = ContextVar("printed")


def call(command: click.Command, program: str, lines: Sequence[str], sandbox: str = "") -> tuple[int, str]:
    """The exit code and the output of `command`, as those of a process of its own with these lines of arguments.

    Relative paths are looked up in `sandbox`, and the output names them without it. It runs inside of
    `separate_output`. Of an error that is a bug the output has the place and the kind: its text may hold anything.
    """
    with captured() as printed:
        code = _exit_code(command, program, lines, sandbox)
    return code, printed.getvalue().replace(f"{sandbox}/", "") if sandbox else printed.getvalue()


def _exit_code(command: click.Command, program: str, lines: Sequence[str], sandbox: str) -> int:
    try:
        command.main(arguments_of(lines), program, obj=WorkingFolder(Path(sandbox)))
    except Error as error:
        click.echo(f"{program}: error: {printable(str(error))}", err=True)
        return error.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException as bug:
        click.echo("".join(traceback.format_tb(bug.__traceback__)) + type(bug).__qualname__, err=True)
    return 1


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

    def close(self) -> None:
        """Nothing: whoever opened the streams closes them, and when Python ends this module has no names any more."""
