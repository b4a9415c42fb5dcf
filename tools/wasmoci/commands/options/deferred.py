"""The options of a command that signs an image on both layers when it publishes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Option, OptionGroup
from wasmoci.commands.options.signing import Signing
from wasmoci.sign.deferred import DeferredSigning, LogSpec
from wasmoci.trust.signers import KeySpec
from wasmoci.values.errors import UsageError
from wasmoci.values.signature_format import Placement, SignatureFormat

_COMPONENT_KEYS = "An Ed25519 private key that signs the component: a file or a key reference. Repeatable."
_PLACEMENT = "Where it goes; `embedded` packages the image again."
_LOG_CONFIG = "Log keyed signatures where this signing configuration (cosign's JSON) says; needs --trusted-root."


@dataclass(frozen=True, slots=True)
class DeferredSigningOptions:
    """Who signs, and where signatures go."""

    manifest: Signing
    formats: Annotated[Sequence[SignatureFormat], Option("What --key signs; default: both.", "--format")]
    component_keys: Annotated[Sequence[str], Option(_COMPONENT_KEYS, "--component-signing-key", metavar="KEY")]
    placement: Annotated[
        Placement,
        Option(_PLACEMENT, "--component-signature", default=Placement.EMBEDDED),
    ]
    log_config: Annotated[Path | None, Option(_LOG_CONFIG)]

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
            formats=self.formats or None,
            annotations=annotations,
            log=log,
            password=self.manifest.password,
            private=self.manifest.private,
        )


DeferredSigningAsked = Annotated[DeferredSigningOptions, OptionGroup(DeferredSigningOptions)]
