"""The object `trust` of a request; written by wasm_oci/private/request_trust.bzl."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.runfiles import Locator
from wasmoci.trust.policy import policy
from wasmoci.trust.values import IdentityValues, TrustValues
from wasmoci.values.level import Level
from wasmoci.values.notes import Notes
from wasmoci.values.strict_json import JsonObject
from wasmoci.verify.image import Policy

MAX_IDENTITIES = 100


@dataclass(frozen=True, slots=True)
class TargetTrust:
    """Whom a target trusts, the level that its image must have, and which public keys are placeholders'."""

    require: str
    values: TrustValues
    placeholder_keys: tuple[Path, ...]

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetTrust":
        """Raises Error, FormatError."""
        values = TrustValues(
            component_keys=locator.paths(said, "componentKeys"),
            oci_keys=tuple(map(str, locator.paths(said, "ociKeys"))),
            identities=_identities(said),
            oci_threshold=said.integer("ociThreshold") if "ociThreshold" in said else 1,
            annotations=said.string_map("annotations"),
            trusted_root=locator.optional_path(said, "trustedRoot"),
            require_log=said.boolean("requireLog") if "requireLog" in said else False,
        )
        return cls(said.string("require"), values, locator.paths(said, "placeholderKeys"))

    def policy(self, notes: Notes) -> Policy:
        """The policy that the image must meet; raises as `wasmoci.trust.policy.policy` does."""
        return policy(self.values, Level(self.require), notes)


def _identities(said: JsonObject) -> tuple[IdentityValues, ...]:
    listed = said.objects("identities", MAX_IDENTITIES) if "identities" in said else []
    return tuple(
        IdentityValues(
            identity=identity.optional_string("identity"),
            identity_regexp=identity.optional_string("identityRegexp"),
            issuer=identity.optional_string("issuer"),
            issuer_regexp=identity.optional_string("issuerRegexp"),
        )
        for identity in listed
    )
