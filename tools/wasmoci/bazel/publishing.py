"""What a target publishes, and what the command line changes of it; what a target of many such targets says."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wasmoci.bazel.runfiles import Locator
from wasmoci.bazel.signing import LayoutTarget
from wasmoci.commands.options.publishing import TagOptions
from wasmoci.commands.report.output import warn
from wasmoci.commands.report.verdict import fingerprints
from wasmoci.publish.plan import PublishRequest
from wasmoci.publish.signed import Publishing
from wasmoci.publish.tags import stamped
from wasmoci.registry.sources import ConnectionOptions
from wasmoci.values.errors import FormatError
from wasmoci.values.read_back import ReadBack

MAX_IMAGES = 10_000


def read_publishing(
    rlocation: str,
    locator: Locator,
    registries: Sequence[str],
    tagging: TagOptions,
    connection: ConnectionOptions,
    *,
    allow_placeholders: bool,
    resign: bool,
    read_back: ReadBack,
) -> tuple[Publishing, bool]:
    """Read the request at an rlocation path, and whether it wants a dry run.

    What `registries` and `tagging` say stands in place of it. Files of `tagging` and `connection` are found from where
    `bazel run` was called. Raises UsageError, FormatError, Error.
    """
    target = LayoutTarget.read(rlocation, locator)
    destination = target.destination
    here = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    status_files = [here / path for path in tagging.status_files] or destination.status_files
    repository, *others = destination.repositories_on(registries)
    request = PublishRequest(
        layout=target.layout,
        repository=repository,
        tags=stamped(tagging.tags or destination.tags, status_files),
        policy=target.trust.policies(warn).enforced().of_repositories([repository, *others]),
        placeholders=fingerprints(target.trust.placeholder_keys),
        allow_placeholders=allow_placeholders,
        if_exists=tagging.if_exists or destination.if_exists,
        read_back=read_back,
    )
    connection = connection.seen_from(here).and_insecure(destination.insecure_registries)
    return Publishing(request, others, connection, replace(target.signing, resign=resign)), destination.dry_run


def read_requests(rlocation: str, max_jobs: int, locator: Locator) -> tuple[dict[str, str], int]:
    """The rlocation paths of the requests, by the targets' names, and how many are carried out at a time.

    Reads the request at an rlocation path of a target of them all. Raises Error, FormatError.
    """
    request = locator.request(rlocation)
    jobs = request.integer("jobs")
    if not 1 <= jobs <= max_jobs:
        raise FormatError(f"the request: `jobs` must be 1 to {max_jobs}, got: {jobs}")
    paths = request.strings("requests", MAX_IMAGES)
    if not paths:
        raise FormatError("the request: `requests` names nothing to publish")
    return {path.removesuffix(".request.json"): path for path in paths}, jobs
