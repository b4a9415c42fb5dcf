"""What a target publishes or verifies; written by wasm_oci/private/request.bzl."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.cli.bazel_runfiles import Locator, strings
from wasmoci.cli.trust_values import TrustedIdentity, TrustValues
from wasmoci.strict_json import JsonObject

MAX_IDENTITIES = 100


@dataclass(frozen=True, slots=True)
class BazelRequest:
    """What to publish or verify. Paths are those of runfiles; what a target does not say is None or empty."""

    layout: Path | None
    reference: str | None
    require: str
    trusted: TrustValues
    placeholder_keys: tuple[Path, ...]
    repository: str | None
    tags: tuple[str, ...]
    insecure_registries: tuple[str, ...]
    dry_run: bool


def read_request(rlocation: str) -> BazelRequest:
    """Read the request at an rlocation path; raises Error, FormatError."""
    locator = Locator()
    request = locator.request(rlocation)
    return BazelRequest(
        layout=locator.optional_path(request, "layout"),
        reference=request.optional_string("reference"),
        require=request.string("require"),
        trusted=_trusted(locator, request),
        placeholder_keys=locator.paths(request, "placeholderKeys"),
        repository=request.optional_string("repository"),
        tags=strings(request, "tags"),
        insecure_registries=strings(request, "insecureRegistries"),
        dry_run=request.boolean("dryRun") if "dryRun" in request else False,
    )


def _trusted(locator: Locator, request: JsonObject) -> TrustValues:
    return TrustValues(
        component_keys=locator.paths(request, "componentKeys"),
        oci_keys=tuple(str(path) for path in locator.paths(request, "ociKeys")),
        identities=_identities(request),
        oci_threshold=request.integer("ociThreshold") if "ociThreshold" in request else 1,
        annotations=request.string_map("annotations"),
        trusted_root=locator.optional_path(request, "trustedRoot"),
        require_log=request.boolean("requireLog") if "requireLog" in request else False,
    )


def _identities(request: JsonObject) -> tuple[TrustedIdentity, ...]:
    listed = request.objects("identities", MAX_IDENTITIES) if "identities" in request else []
    return tuple(
        TrustedIdentity(
            identity=one.optional_string("identity"),
            identity_regexp=one.optional_string("identityRegexp"),
            issuer=one.optional_string("issuer"),
            issuer_regexp=one.optional_string("issuerRegexp"),
        )
        for one in listed
    )
