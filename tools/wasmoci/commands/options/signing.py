"""Who signs: the options that name keys or an identity, and the signers that they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import AllowReadableKey
from wasmoci.commands.options.declared import Option, OptionGroup
from wasmoci.commands.options.private_keys import KeyArgument, password_group
from wasmoci.cosign.signer import StatementSigner
from wasmoci.keys.protocols import PasswordSource, no_password
from wasmoci.trust.signers import IdentitySpec, KeySpec, open_signer
from wasmoci.values.errors import UsageError
from wasmoci.values.notes import Notes

_PUBLIC_KEYS = "Refuse to sign unless the private key belongs to this one. Once for each --key, in their order."
_IDENTITY_TOKEN = "File with the identity token; by default that of the CI job."  # noqa: S105


@dataclass(frozen=True, slots=True)
class SigningOptions:
    """Keys and an identity that sign; `--trusted-root` is for the command to add."""

    keys: Annotated[
        Sequence[str], Option("A private key: a file or a key reference.", "--key", type=KeyArgument(), metavar="KEY")
    ] = ()
    public_keys: Annotated[Sequence[Path], Option(_PUBLIC_KEYS, "--public-key")] = ()
    password: Annotated[PasswordSource, password_group()] = no_password
    readable_keys: AllowReadableKey = False
    keyless: Annotated[bool, Option("Sign as an identity, with a certificate of Fulcio; bundles only.")] = False
    identity_token: Annotated[Path | None, Option(_IDENTITY_TOKEN)] = None
    signing_config: Annotated[Path | None, Option("The Sigstore services to sign with (cosign's JSON).")] = None

    def __bool__(self) -> bool:
        return bool(self.keys) or self.keyless

    @property
    def private(self) -> bool:
        """Whether key files that are open to others are refused."""
        return not self.readable_keys

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


Signing = Annotated[SigningOptions, OptionGroup(SigningOptions, "Who signs")]
