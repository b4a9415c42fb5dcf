"""Private keys on a command line, and their passwords: from a file, from the environment, or typed at a terminal."""

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import click
from click.types import StringParamType

from wasmoci.commands.options.declared import Option, OptionGroup, WorkingFolder
from wasmoci.disk.files import read_bounded
from wasmoci.keys.reference import has_scheme
from wasmoci.values.errors import Error, UsageError

PASSWORD_VARIABLE = "COSIGN_PASSWORD"  # noqa: S105 - the name of a variable, as cosign has it

MAX_PASSWORD_SIZE = 4096

_PROMPT = "Password of the private key"
_PASSWORD_FILE = "File with the key's password; one newline at its end is ignored."  # noqa: S105
_PASSWORD_ENV = f"Environment variable with the password. [default: {PASSWORD_VARIABLE}, then a terminal is asked]"


class KeyArgument(StringParamType):
    """The text as it is, but for a path in the working folder of the call; whoever opens it says what is wrong."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = super().convert(value, param, ctx)
        return text if not text or has_scheme(text) else str(WorkingFolder.of(ctx) / text)


class Password:
    """A PasswordSource: from `file`, else from `variable`, else from COSIGN_PASSWORD, else from the terminal.

    The terminal is asked only if stdin and stderr both are one, twice where the password `is_new`; otherwise
    there is none. Raises UsageError where `variable` is not set, Error where nothing can be read.
    """

    def __init__(
        self, file: Path | None = None, variable: str | None = None, prompt: str = _PROMPT, *, is_new: bool = False
    ) -> None:
        self._file = file
        self._variable = variable
        self._prompt = prompt
        self.is_new = is_new

    @property
    def is_named(self) -> bool:
        """Whether an option names it, and not just the environment."""
        return self._file is not None or self._variable is not None

    def __call__(self) -> bytes | None:
        if self._file is not None:
            content = read_bounded(self._file, MAX_PASSWORD_SIZE, "the password file")
            return content.removesuffix(b"\n").removesuffix(b"\r")
        value = os.environ.get(PASSWORD_VARIABLE if self._variable is None else self._variable)
        if value is not None:
            return os.fsencode(value)
        if self._variable is not None:
            # The name is not repeated: it may be the password itself, given by mistake.
            raise UsageError("the environment variable that is to hold the password is not set")
        return self._typed() if sys.stdin.isatty() and sys.stderr.isatty() else None

    def _typed(self) -> bytes:
        password = _ask(self._prompt)
        if self.is_new and password != _ask(f"{self._prompt}, again"):
            raise Error("the two passwords are not the same")
        return password


def password_group(option: str = "--password", prompt: str = _PROMPT, *, is_new: bool = False) -> OptionGroup:
    """`OPTION-file` and `OPTION-env`, of which one may be given: a Password."""

    def password(
        file: Annotated[Path | None, Option(_PASSWORD_FILE, f"{option}-file")],
        variable: Annotated[str | None, Option(_PASSWORD_ENV, f"{option}-env", metavar="NAME")],
    ) -> Password:
        if file is not None and variable is not None:
            raise UsageError(f"give {option}-file or {option}-env, not both")
        return Password(file, variable, prompt, is_new=is_new)

    return OptionGroup(password)


_NEW = "Password of the new private key"

# The password of a key, that of a key that is made, and that of a key that is made of another.
KeyPassword = Annotated[Password, password_group()]
NewPassword = Annotated[Password, password_group(prompt=_NEW, is_new=True)]
SecondPassword = Annotated[Password, password_group("--new-password", _NEW, is_new=True)]


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
