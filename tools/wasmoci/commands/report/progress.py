"""How commands show a transfer: bars on a terminal, else lines, on stderr."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from wasmoci.commands.report.output import is_quiet
from wasmoci.oci.progress import SILENT, Progress
from wasmoci.values.text import printable


@contextmanager
def progress_output() -> Iterator[Progress]:
    """Bars where stderr is a terminal that a person looks at; nothing with `--quiet`."""
    if is_quiet():
        yield SILENT
    elif _is_watched():
        from wasmoci.commands.report.progress_bars import Bars

        with Bars() as bars:
            yield bars.progress
    else:
        lock = threading.Lock()

        def line(text: str) -> None:
            with lock:
                click.echo(printable(text), err=True)

        yield Progress(line)


def _is_watched() -> bool:
    """CI systems set CI, some of them beside a terminal."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and os.environ.get("CI", "") in ("", "0", "false")
