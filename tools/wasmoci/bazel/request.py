"""What a target publishes or verifies; written by wasm_oci/private/request.bzl."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.runfiles import Locator, strings
from wasmoci.trust.values import IdentityValues, TrustValues
from wasmoci.values.errors import FormatError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.strict_json import JsonObject

MAX_IDENTITIES = 100


@dataclass(frozen=True, slots=True)
class BazelRequest:
    """What to publish or verify. Paths are those of runfiles; what a target does not say is None or empty."""

    layout: Path | None
    reference: str | None
    require: str
    trusted: TrustValues
    placeholder_keys: tuple[Path, ...]
    repositories: tuple[str, ...]
    tags: tuple[str, ...]
    status_files: tuple[Path, ...]
    if_exists: IfExists
    insecure_registries: tuple[str, ...]
    dry_run: bool


def read_request(request: JsonObject, locator: Locator) -> BazelRequest:
    """What a request says; raises Error, FormatError."""
    return BazelRequest(
        layout=locator.optional_path(request, "layout"),
        reference=request.optional_string("reference"),
        require=request.string("require"),
        trusted=_trusted(locator, request),
        placeholder_keys=locator.paths(request, "placeholderKeys"),
        repositories=strings(request, "repositories"),
        tags=strings(request, "tags"),
        status_files=locator.paths(request, "statusFiles") if "statusFiles" in request else (),
        if_exists=_if_exists(request),
        insecure_registries=strings(request, "insecureRegistries"),
        dry_run=request.boolean("dryRun") if "dryRun" in request else False,
    )


def _if_exists(request: JsonObject) -> IfExists:
    name = request.optional_string("ifExists") or IfExists.OVERWRITE.value
    try:
        return IfExists(name)
    except ValueError:
        raise FormatError(f"the request: `ifExists` cannot be {name!r}") from None


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


def _identities(request: JsonObject) -> tuple[IdentityValues, ...]:
    listed = request.objects("identities", MAX_IDENTITIES) if "identities" in request else []
    return tuple(
        IdentityValues(
            identity=one.optional_string("identity"),
            identity_regexp=one.optional_string("identityRegexp"),
            issuer=one.optional_string("issuer"),
            issuer_regexp=one.optional_string("issuerRegexp"),
        )
        for one in listed
    )
