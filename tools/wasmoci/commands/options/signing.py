"""Who signs: the options that name keys or an identity, and the signers that they stand for."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from wasmoci.commands.options.common import PathArgument, allow_readable_key
from wasmoci.commands.options.key import KeyArgument
from wasmoci.commands.options.passwords import Password, password_options
from wasmoci.cosign.signer import StatementSigner
from wasmoci.keys.protocols import PasswordSource, no_password
from wasmoci.trust.signers import IdentitySpec, KeySpec, open_signer
from wasmoci.values.errors import UsageError
from wasmoci.values.notes import Notes


@dataclass(frozen=True, slots=True)
class SigningOptions:
    """What the options of `signing_options` say. `private` refuses key files that are open to others."""

    keys: Sequence[str] = ()
    public_keys: Sequence[Path] = ()
    password: PasswordSource = no_password
    private: bool = True
    keyless: bool = False
    identity_token: Path | None = None
    signing_config: Path | None = None

    def __bool__(self) -> bool:
        return bool(self.keys) or self.keyless

    def specs(self, trusted_root: Path | None = None) -> list[KeySpec | IdentitySpec]:
        """Who signs, in the order in which they were given; UsageError where the options contradict each other."""
        if self.public_keys and len(self.public_keys) != len(self.keys):
            raise UsageError(
                f"--public-key is given once for each --key, in their order, got: {len(self.public_keys)} "
                f"for {len(self.keys)}"
            )
        if not self.keyless and (self.identity_token or self.signing_config):
            raise UsageError("--identity-token and --signing-config go with --keyless")
        public_keys: Sequence[Path | None] = self.public_keys or [None] * len(self.keys)
        specs: list[KeySpec | IdentitySpec] = [
            KeySpec.parse(*pair) for pair in zip(self.keys, public_keys, strict=True)
        ]
        if self.keyless:
            specs.append(IdentitySpec(self.identity_token, self.signing_config, trusted_root))
        return specs

    def signers(self, notes: Notes, trusted_root: Path | None = None) -> list[StatementSigner]:
        """Open the keys and the identity; see `open_signer`.

        Raises UsageError as `specs` and where nobody is named, KeyFileError where a key cannot be used or
        does not belong to its public key.
        """
        specs = self.specs(trusted_root)
        if not specs:
            raise UsageError("nobody is named who signs: give --key, or --keyless")
        return [open_signer(spec, self.password, notes, private=self.private) for spec in specs]


def signing_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives the command a parameter `signing`, a SigningOptions; `--trusted-root` is for the command to add."""

    @click.option(
        "--key",
        "keys",
        type=KeyArgument(),
        multiple=True,
        metavar="KEY",
        help="A private key: a file or a key reference.",
    )
    @click.option(
        "--public-key",
        "public_keys",
        multiple=True,
        type=PathArgument(),
        help="Refuse to sign unless the private key belongs to this one. Once for each --key, in their order.",
    )
    @password_options
    @allow_readable_key
    @click.option("--keyless", is_flag=True, help="Sign as an identity, with a certificate of Fulcio; bundles only.")
    @click.option(
        "--identity-token", type=PathArgument(), help="File with the identity token; by default that of the CI job."
    )
    @click.option("--signing-config", type=PathArgument(), help="The Sigstore services to sign with (cosign's JSON).")
    @functools.wraps(command)
    def wrapper(
        keys: tuple[str, ...],
        public_keys: tuple[Path, ...],
        password: Password,
        allow_readable_key: bool,
        keyless: bool,
        identity_token: Path | None,
        signing_config: Path | None,
        **options: Any,
    ) -> None:
        signing = SigningOptions(
            keys=keys,
            public_keys=public_keys,
            password=password,
            private=not allow_readable_key,
            keyless=keyless,
            identity_token=identity_token,
            signing_config=signing_config,
        )
        command(signing=signing, **options)

    return wrapper
