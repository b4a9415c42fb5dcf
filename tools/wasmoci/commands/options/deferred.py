"""The options of a command that signs an image on both layers when it publishes it."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.options.signing import SigningOptions, signing_options
from wasmoci.sign.deferred import DeferredSigning, LogSpec
from wasmoci.trust.signers import KeySpec
from wasmoci.values.errors import UsageError
from wasmoci.values.signature_format import Placement, SignatureFormat


@dataclass(frozen=True, slots=True)
class DeferredSigningOptions:
    """What the options of `deferred_signing_options` say."""

    manifest: SigningOptions
    formats: Sequence[str]
    component_keys: Sequence[str]
    placement: str
    log_config: Path | None

    def deferred_signing(self, annotations: Mapping[str, str], trusted_root: Path | None) -> DeferredSigning:
        """Who signs, with these annotations; UsageError where the options contradict each other."""
        if self.formats and not self.manifest:
            raise UsageError("--format goes with --key or --keyless")
        log = None
        if self.log_config is not None:
            if trusted_root is None:
                raise UsageError("--log-config needs --trusted-root, with the keys of the logs")
            log = LogSpec(self.log_config, trusted_root)
        return DeferredSigning(
            component=[KeySpec.parse(reference) for reference in self.component_keys],
            placement=Placement(self.placement),
            oci=self.manifest.specs(trusted_root),
            formats=[SignatureFormat(name) for name in self.formats] or None,
            annotations=annotations,
            log=log,
            password=self.manifest.password,
            private=self.manifest.private,
        )


def deferred_signing_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives the command a parameter `signing`, a DeferredSigningOptions."""

    @signing_options
    @click.option(
        "--format",
        "formats",
        multiple=True,
        type=click.Choice([one.value for one in SignatureFormat]),
        help="What --key signs; default: both.",
    )
    @click.option(
        "--component-signing-key",
        "component_signing_keys",
        multiple=True,
        metavar="KEY",
        help="An Ed25519 private key that signs the component: a file or a key reference. Repeatable.",
    )
    @click.option(
        "--component-signature",
        type=click.Choice([one.value for one in Placement]),
        default=Placement.EMBEDDED.value,
        show_default=True,
        help="Where it goes; `embedded` packages the image again.",
    )
    @click.option(
        "--log-config",
        type=PathArgument(),
        help="Log keyed signatures where this signing configuration (cosign's JSON) says; needs --trusted-root.",
    )
    @functools.wraps(command)
    def wrapper(
        signing: SigningOptions,
        formats: tuple[str, ...],
        component_signing_keys: tuple[str, ...],
        component_signature: str,
        log_config: Path | None,
        **options: Any,
    ) -> None:
        asked = DeferredSigningOptions(signing, formats, component_signing_keys, component_signature, log_config)
        command(signing=asked, **options)

    return wrapper
