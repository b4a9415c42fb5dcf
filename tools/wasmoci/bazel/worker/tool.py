"""The start of a tool of Bazel actions."""

import os
import sys
from contextlib import suppress
from pathlib import Path

import click

from wasmoci.bazel.worker.arguments import expanded
from wasmoci.commands.report.unforeseen import nothing_taken_apart, whole_program
from wasmoci.values.errors import Error
from wasmoci.values.text import printable

_WORKER = "--persistent_worker"


def run_tool(command: click.Command) -> None:
    """Call `command` once, with the command line or the params file that it names; or serve Bazel as a worker.

    Ends the process, with the exit code of the command; 0 where a worker is told no more, 1 where it is told
    what it does not understand.
    """
    program = Path(sys.argv[0]).name
    try:
        if sys.argv[1:] == [_WORKER]:
            _serve(command, program)
            sys.exit()
        arguments = expanded(sys.argv[1:])
    except Error as error:
        click.echo(f"{program}: error: {printable(str(error))}", err=True)
        sys.exit(error.exit_code)
    with nothing_taken_apart(), whole_program(program):
        command.main(arguments, program)


def _serve(command: click.Command, program: str) -> None:
    from wasmoci.bazel.worker.call import call, separate_output
    from wasmoci.bazel.worker.serve import serve

    # The protocol has descriptors of its own: nobody else reads a request, or writes between responses.
    # A Bazel that has gone wants no answer.
    with (
        suppress(BrokenPipeError),
        os.fdopen(os.dup(0), "rb") as requests,
        os.fdopen(os.dup(1), "wb") as responses,
    ):
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        with separate_output(sys.stderr):
            serve(lambda request: call(command, program, request.arguments, request.sandbox), requests, responses)
