"""The options of a command that signs an image on both layers when it publishes it."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from wasmoci.cli.options import PathArgument
from wasmoci.cli.run_time_signing import LogUse, RunTimeSigning
from wasmoci.cli.signers import KeyUse
from wasmoci.cli.signing_options import SigningOptions, signing_options
from wasmoci.errors import UsageError
from wasmoci.signature_format import SignatureFormat, SignatureType


@dataclass(frozen=True, slots=True)
class RunTimeOptions:
    """What the options of `run_time_options` say."""

    manifest: SigningOptions
    formats: Sequence[str]
    component_keys: Sequence[str]
    signature_type: str
    log_config: Path | None

    def run_time_signing(self, annotations: Mapping[str, str], trusted_root: Path | None) -> RunTimeSigning:
        """Who signs, with these annotations; UsageError where the options contradict each other."""
        if self.formats and not self.manifest:
            raise UsageError("--format goes with --key or --keyless")
        log = None
        if self.log_config is not None:
            if trusted_root is None:
                raise UsageError("--log-config needs --trusted-root, with the keys of the logs")
            log = LogUse(self.log_config, trusted_root)
        return RunTimeSigning(
            component=[KeyUse(reference) for reference in self.component_keys],
            signature_type=SignatureType(self.signature_type),
            oci=self.manifest.uses(trusted_root),
            formats=[SignatureFormat(name) for name in self.formats] or None,
            annotations=annotations,
            log=log,
            password=self.manifest.password,
            private=self.manifest.private,
        )


def run_time_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives the command a parameter `signing`, a RunTimeOptions."""

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
        type=click.Choice([one.value for one in SignatureType]),
        default=SignatureType.EMBEDDED.value,
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
        asked = RunTimeOptions(signing, formats, component_signing_keys, component_signature, log_config)
        command(signing=asked, **options)

    return wrapper
