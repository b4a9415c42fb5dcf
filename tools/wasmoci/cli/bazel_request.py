"""The request that a Bazel target of ours hands to its program; written by wasm_oci/private/request.bzl."""

from dataclasses import dataclass
from pathlib import Path

from runfiles import Runfiles

from wasmoci.errors import Error
from wasmoci.files import read_bounded
from wasmoci.strict_json import JsonObject, parse_object

_MAX_REQUEST_SIZE = 1024 * 1024
_MAX_ITEMS = 1000


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


class _Locator:
    def __init__(self) -> None:
        runfiles = Runfiles.Create()
        if runfiles is None:
            raise Error("this program finds its files only under `bazel run` and `bazel test`")
        self._runfiles = runfiles

    def path(self, rlocation: str) -> Path:
        found = self._runfiles.Rlocation(rlocation)
        if found is None:
            raise Error(f"{rlocation} is not among the runfiles")
        return Path(found)

    def paths(self, request: JsonObject, name: str) -> tuple[Path, ...]:
        return tuple(self.path(item) for item in request.strings(name, _MAX_ITEMS))


def read_request(rlocation: str) -> BazelRequest:
    """Read the request at an rlocation path; raises Error, FormatError."""
    locator = _Locator()
    data = read_bounded(locator.path(rlocation), _MAX_REQUEST_SIZE, "the request")
    request = parse_object(data, "the request", _MAX_REQUEST_SIZE)
    return BazelRequest(
        layout=locator.path(request.string("layout")) if "layout" in request else None,
        reference=request.optional_string("reference"),
        require=request.string("require"),
        component_keys=locator.paths(request, "componentKeys"),
        oci_keys=locator.paths(request, "ociKeys"),
        placeholder_keys=locator.paths(request, "placeholderKeys"),
        repository=request.optional_string("repository"),
        tags=tuple(request.strings("tags", _MAX_ITEMS)) if "tags" in request else (),
        insecure_registries=tuple(request.strings("insecureRegistries", _MAX_ITEMS)),
        dry_run=request.boolean("dryRun") if "dryRun" in request else False,
    )
