"""`wasm-oci login`: a registry's password, tried and kept where Docker keeps it."""

import os
import sys
from typing import Annotated

import click

from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.output import Report
from wasmoci.registry.credential_helper import Credential
from wasmoci.registry.login.login import log_in
from wasmoci.values.errors import UsageError
from wasmoci.values.image_reference import check_registry

MAX_PASSWORD_SIZE = 64 * 1024


@command(report_before="connection", example="wasm-oci login ghcr.io --username me --password-stdin < token.txt")
def login(
    registry: Annotated[str, Argument(metavar="HOST[:PORT]")],
    username: Annotated[str | None, Option("The user; else a terminal is asked.", "--username", "-u")],
    password_stdin: Annotated[bool, Option("Read the password from stdin; else a terminal is asked.")],
    connection: Connection,
) -> Report:
    """Log in to the registry HOST[:PORT]: try the password, and keep it where Docker does.

    That is the helper that Docker's config.json names (credHelpers, credsStore), else that file itself. A password is
    never an option: others could read it.
    """
    check_registry(registry)
    if password_stdin:
        if username is None:
            raise UsageError("--password-stdin needs --username")
        secret = _from_stdin()
    elif sys.stdin.isatty() and sys.stderr.isatty():
        username = username or click.prompt("User", err=True)
        secret = click.prompt("Password", hide_input=True, err=True)
    else:
        raise UsageError("there is no terminal to ask for the password: give --username and --password-stdin")
    if not username or not secret or ":" in username:
        raise UsageError("a user name and a password are needed, and neither is empty; a user name has no colon")
    credential = Credential(username, secret, source="stdin" if password_stdin else "the terminal")
    done = log_in(registry, credential, connection, os.environ)
    untried = f"{registry} asked for no password, so this one was not tried"
    plain = f"the password is in {done.place}, not encrypted: credsStore in that file names a program that keeps it"
    return Report(
        [f"{'logged in to' if done.is_tried else 'kept for'} {registry} as {username}, in {done.place}"],
        {"registry": registry, "username": username, "keptIn": done.place, "tried": done.is_tried},
        [*([] if done.is_tried else [untried]), *([plain] if done.is_plain else [])],
    )


def _from_stdin() -> str:
    data = sys.stdin.buffer.read(MAX_PASSWORD_SIZE + 1)
    if len(data) > MAX_PASSWORD_SIZE:
        raise UsageError(f"a password on stdin has at most {MAX_PASSWORD_SIZE} bytes")
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError("the password on stdin is no UTF-8 text") from None
