"""Passwords of key files: from a file, from an environment variable, or typed at a terminal."""

import functools
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.disk.files import read_bounded
from wasmoci.values.errors import Error, UsageError

PASSWORD_VARIABLE = "COSIGN_PASSWORD"  # noqa: S105 - the name of a variable, as cosign has it

MAX_PASSWORD_SIZE = 4096

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Password:
    """A PasswordSource: from `file`, else from `variable`, else from COSIGN_PASSWORD, else from the terminal.

    The terminal is asked only if stdin and stderr both are one, twice where the password `is_new`; otherwise
    there is none. Raises UsageError where `variable` is not set, Error where nothing can be read.
    """

    file: Path | None = None
    variable: str | None = None
    prompt: str = "Password of the private key"
    is_new: bool = False

    @property
    def is_named(self) -> bool:
        """Whether an option names it, and not just the environment."""
        return self.file is not None or self.variable is not None

    def __call__(self) -> bytes | None:
        if self.file is not None:
            content = read_bounded(self.file, MAX_PASSWORD_SIZE, "the password file")
            return content.removesuffix(b"\n").removesuffix(b"\r")
        value = os.environ.get(PASSWORD_VARIABLE if self.variable is None else self.variable)
        if value is not None:
            return os.fsencode(value)
        if self.variable is not None:
            # The name is not repeated: it may be the password itself, given by mistake.
            raise UsageError("the environment variable that is to hold the password is not set")
        return self._typed() if sys.stdin.isatty() and sys.stderr.isatty() else None

    def _typed(self) -> bytes:
        password = _ask(self.prompt)
        if self.is_new and password != _ask(f"{self.prompt}, again"):
            raise Error("the two passwords are not the same")
        return password


def password_options(command: Command) -> Command:
    """`--password-file` and `--password-env`: the command gets a parameter `password`, a Password."""
    return _options(command, "password", Password())


def new_password_options(command: Command) -> Command:
    """The same for the password of a key that is made."""
    return _options(command, "password", Password(prompt="Password of the new private key", is_new=True))


def second_password_options(command: Command) -> Command:
    """`--new-password-file` and `--new-password-env`: the parameter `new_password`."""
    return _options(command, "new_password", Password(prompt="Password of the new private key", is_new=True))


def _options(command: Command, parameter: str, default: Password) -> Command:
    option = "--" + parameter.replace("_", "-")

    @click.option(
        f"{option}-file",
        type=PathArgument(),
        help="File with the key's password; one newline at its end is ignored.",
    )
    @click.option(
        f"{option}-env",
        metavar="NAME",
        help=f"Environment variable with the password. [default: {PASSWORD_VARIABLE}, then a terminal is asked]",
    )
    @functools.wraps(command)
    def wrapper(**options: Any) -> Any:
        file, variable = options.pop(f"{parameter}_file"), options.pop(f"{parameter}_env")
        if file is not None and variable is not None:
            raise click.UsageError(f"give {option}-file or {option}-env, not both")
        password = Password(file, variable, default.prompt, default.is_new)
        return command(**options, **{parameter: password})

    return wrapper


def _ask(prompt: str) -> bytes:
    import getpass

    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"{prompt}: ").encode()
        except getpass.GetPassWarning:
            raise Error("this terminal cannot hide a password: give --password-file") from None
        except UnicodeError:
            raise Error("the password that was typed is not text in the terminal's encoding") from None
