"""Who signs: the options that name keys or an identity, and the signers that they stand for."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from wasmoci.cli.options import PathArgument, allow_readable_key
from wasmoci.cli.passwords import Password, password_options
from wasmoci.errors import KeyFileError, UsageError
from wasmoci.keys.image import ImageSigner, load_public_key, load_signer
from wasmoci.keys.protocols import PasswordSource
from wasmoci.statement_signer import StatementSigner

trusted_root = click.option(
    "--trusted-root",
    type=PathArgument(),
    help="Sigstore's trusted root (JSON), which everything keyless and logged is checked with; offline.",
)


@dataclass(frozen=True, slots=True)
class SigningOptions:
    """What the options of `signing_options` say. `private` refuses key files that are open to others."""

    keys: Sequence[str] = ()
    public_keys: Sequence[Path] = ()
    password: PasswordSource = lambda: None
    private: bool = True
    keyless: bool = False
    identity_token: Path | None = None
    signing_config: Path | None = None

    def __bool__(self) -> bool:
        return bool(self.keys) or self.keyless

    def signers(self, trusted_root: Path | None = None) -> list[StatementSigner]:
        """Open the keys and the identity, in the order in which they were given.

        Raises UsageError where the options contradict each other or name nobody, KeyFileError where a key
        cannot be used or does not belong to its public key.
        """
        if not self:
            raise UsageError("nobody is named who signs: give --key, or --keyless")
        if self.public_keys and len(self.public_keys) != len(self.keys):
            raise UsageError(
                f"--public-key is given once for each --key, in their order, got: {len(self.public_keys)} "
                f"for {len(self.keys)}"
            )
        if not self.keyless and (self.identity_token or self.signing_config):
            raise UsageError("--identity-token and --signing-config go with --keyless")
        signers: list[StatementSigner] = [self._key(index) for index in range(len(self.keys))]
        if self.keyless:
            signers.append(keyless_signer(self.identity_token, self.signing_config, trusted_root))
        return signers

    def _key(self, index: int) -> ImageSigner:
        public_key = self.public_keys[index] if self.public_keys else None
        return image_signer(self.keys[index], public_key, self.password, private=self.private)


def signing_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives the command a parameter `signing`, a SigningOptions; `--trusted-root` is for the command to add."""

    @click.option("--key", "keys", multiple=True, metavar="KEY", help="A private key: a file or a key reference.")
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


def image_signer(reference: str, public_key: Path | None, password: PasswordSource, *, private: bool) -> ImageSigner:
    """Open the private key that a file or key reference names; KeyFileError if it does not belong to `public_key`."""
    signer = load_signer(Path(reference), password, private=private)
    if public_key is not None and load_public_key(public_key) != signer.public_key:
        raise KeyFileError(f"the private key {reference} does not belong to the public key {public_key}")
    return signer


def keyless_signer(token: Path | None, signing_config: Path | None, trusted_root: Path | None) -> StatementSigner:
    """The identity of the token in this file, else of the CI job; None is the public good Sigstore."""
    from wasmoci.keyless.signing import KeylessSigner

    return KeylessSigner(token_file=token, signing_config=signing_config, trusted_root=trusted_root)
