"""The options of a command that signs an image on both layers when it publishes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import PathArgument, one_of
from wasmoci.commands.options.group import Option, OptionGroup, options
from wasmoci.commands.options.signing import SigningOptions
from wasmoci.sign.deferred import DeferredSigning, LogSpec
from wasmoci.trust.signers import KeySpec
from wasmoci.values.errors import UsageError
from wasmoci.values.signature_format import Placement, SignatureFormat


@dataclass(frozen=True, slots=True)
class DeferredSigningOptions:
    """Who signs, and where signatures go."""

    manifest: Annotated[SigningOptions, OptionGroup(SigningOptions)]
    formats: Annotated[
        Sequence[str],
        Option("--format", multiple=True, type=one_of(SignatureFormat), help="What --key signs; default: both."),
    ]
    component_keys: Annotated[
        Sequence[str],
        Option(
            "--component-signing-key",
            multiple=True,
            metavar="KEY",
            help="An Ed25519 private key that signs the component: a file or a key reference. Repeatable.",
        ),
    ]
    placement: Annotated[
        Placement,
        Option(
            "--component-signature",
            type=one_of(Placement),
            convert=Placement,
            default=Placement.EMBEDDED.value,
            show_default=True,
            help="Where it goes; `embedded` packages the image again.",
        ),
    ]
    log_config: Annotated[
        Path | None,
        Option(
            "--log-config",
            type=PathArgument(),
            help="Log keyed signatures where this signing configuration (cosign's JSON) says; needs --trusted-root.",
        ),
    ]

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
            placement=self.placement,
            oci=self.manifest.specs(trusted_root),
            formats=[SignatureFormat(name) for name in self.formats] or None,
            annotations=annotations,
            log=log,
            password=self.manifest.password,
            private=self.manifest.private,
        )


# Gives a command a parameter `signing`, a DeferredSigningOptions.
deferred_signing_options = options("signing", OptionGroup(DeferredSigningOptions))
