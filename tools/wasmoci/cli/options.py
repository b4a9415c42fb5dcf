"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from wasmoci.files import read_bounded
from wasmoci.keys.protocols import PasswordSource

PASSWORD_VARIABLE = "COSIGN_PASSWORD"  # noqa: S105 - the name of a variable, as cosign has it

MAX_PASSWORD_SIZE = 4096

COMPONENT_KEYS_HELP = (
    "A file with a trusted component public key, or with many as in OpenSSH's authorized_keys. Repeatable."
)

_F = TypeVar("_F", bound=Callable[..., Any])


class PathArgument(click.Path):
    """A path as pathlib.Path; operations say what is wrong with it."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)


password_file = click.option(
    "--password-file",
    type=PathArgument(),
    help=f"File with the key's password (one trailing newline is ignored). Without it, ${PASSWORD_VARIABLE}.",
)

allow_readable_key = click.option(
    "--allow-readable-key",
    is_flag=True,
    help="Use the key even if its file is open to others than its owner; for test keys.",
)

kind = click.option(
    "--kind",
    type=click.Choice(["component", "module"]),
    default="component",
    show_default=True,
    help="What the file must be; the signature does not cover its header.",
)

sections = click.option(
    "--section",
    "sections",
    multiple=True,
    help="Names of custom sections, with * for any characters and ? for any one. Repeatable.",
)


def trusted_keys(command: _F) -> _F:
    """The options `--component-key` and `--oci-key`, both repeatable."""
    command = click.option(
        "--oci-key", "oci_keys", multiple=True, type=PathArgument(), help="A trusted OCI public key."
    )(command)
    return click.option(
        "--component-key", "component_keys", multiple=True, type=PathArgument(), help=COMPONENT_KEYS_HELP
    )(command)


required_level = click.option(
    "--require",
    type=click.Choice(["none", "component-only", "oci-only", "dual-layer"]),
    help="The level that the image must have; without it, every layer that a key is given for.",
)


def password_source(path: Path | None) -> PasswordSource:
    """Reads the password when it is asked for: from `path`, else from the environment."""

    def read() -> bytes | None:
        if path is None:
            return os.environb.get(PASSWORD_VARIABLE.encode())
        password = read_bounded(path, MAX_PASSWORD_SIZE, "the password file")
        return password.removesuffix(b"\n").removesuffix(b"\r")

    return read
