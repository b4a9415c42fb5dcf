"""The last net under every command: what nobody foresaw becomes one line, and a traceback only on request."""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from wasmoci.values.errors import Error
from wasmoci.values.text import printable

TRACEBACK_VARIABLE = "WASM_OCI_TRACEBACK"

_FORESEEN = (Error, click.ClickException, click.exceptions.Exit, click.Abort)


@contextmanager
def nothing_unforeseen() -> Iterator[None]:
    """What the block raises is an Error, or click's."""
    try:
        yield
    except _FORESEEN:
        raise
    except Exception as error:
        raise _as_error(error) from None


@contextmanager
def whole_program(name: str) -> Iterator[None]:
    """An exception of the block ends the process with one line and its exit code; so does a stdout without room."""
    _open_what_is_closed()
    try:
        with nothing_unforeseen():
            yield
    except Error as error:
        click.echo(f"{name}: error: {printable(str(error))}", err=True)
        sys.exit(error.exit_code)
    finally:
        _drop_what_cannot_be_printed()


@contextmanager
def nothing_taken_apart() -> Iterator[None]:
    """Where the block ends the process, it ends as ever, except that Python does not first free all that is in memory.

    That would be a tenth of a short run. No thread is waited for: nothing of a command goes on after it.
    """
    try:
        yield
    except SystemExit as ended:
        if not isinstance(ended.code, int):
            raise
        atexit._run_exitfuncs()
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(ended.code)


def _as_error(error: Exception) -> Error:
    """The system's own words where it has some; else only the kind and the place, because a text may hold anything."""
    if os.environ.get(TRACEBACK_VARIABLE):
        import traceback

        click.echo("".join(traceback.format_tb(error.__traceback__)), nl=False, err=True)
    if isinstance(error, OSError) and error.strerror:
        return Error(error.strerror if error.filename is None else f"{error.filename}: {error.strerror}")
    return Error(
        f"a bug in this program, {type(error).__qualname__}{_place(error)}: "
        f"report it, with the traceback that {TRACEBACK_VARIABLE}=1 prints"
    )


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _open_what_is_closed() -> None:
    """A stream that is closed at the start is None in Python, and its number would be that of the next file."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _drop_what_cannot_be_printed() -> None:
    """Python would try again in the end, and end with a code of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
