"""What a target publishes or verifies; written by wasm_oci/private/request.bzl."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.cli.bazel_runfiles import Locator, strings


@dataclass(frozen=True, slots=True)
class BazelRequest:
    """What to publish or verify. Paths are those of runfiles; what a target does not say is None or empty."""

    layout: Path | None
    reference: str | None
    require: str
    component_keys: tuple[Path, ...]
    oci_keys: tuple[Path, ...]
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
        component_keys=locator.paths(request, "componentKeys"),
        oci_keys=locator.paths(request, "ociKeys"),
        placeholder_keys=locator.paths(request, "placeholderKeys"),
        repository=request.optional_string("repository"),
        tags=strings(request, "tags"),
        insecure_registries=strings(request, "insecureRegistries"),
        dry_run=request.boolean("dryRun") if "dryRun" in request else False,
    )
