"""One call of a command inside of a process that goes on."""

import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from wasmoci.bazel.worker.arguments import arguments_of
from wasmoci.bazel.worker.output import captured
from wasmoci.commands.options.paths import WorkingFolder
from wasmoci.values.errors import Error
from wasmoci.values.text import printable


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
