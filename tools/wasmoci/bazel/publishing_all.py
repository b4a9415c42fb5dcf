"""What a target of many publishing targets says; written by wasm_oci/private/publish_all.bzl."""

from dataclasses import dataclass

from wasmoci.bazel.runfiles import Locator
from wasmoci.values.errors import FormatError

MAX_IMAGES = 10_000


@dataclass(frozen=True, slots=True)
class BazelRequests:
    """The rlocation paths of the requests, by the targets' names, and how many are carried out at a time."""

    requests: dict[str, str]
    jobs: int


def read_requests(rlocation: str, max_jobs: int, locator: Locator) -> BazelRequests:
    """Read the request at an rlocation path; raises Error, FormatError."""
    request = locator.request(rlocation)
    jobs = request.integer("jobs")
    if not 1 <= jobs <= max_jobs:
        raise FormatError(f"the request: `jobs` must be 1 to {max_jobs}, got: {jobs}")
    paths = request.strings("requests", MAX_IMAGES)
    if not paths:
        raise FormatError("the request: `requests` names nothing to publish")
    return BazelRequests({path.removesuffix(".request.json"): path for path in paths}, jobs)
