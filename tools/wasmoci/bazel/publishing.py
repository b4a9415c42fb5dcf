"""What a target publishes, and what the command line changes of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.layout_target import LayoutTarget
from wasmoci.bazel.runfiles import Locator
from wasmoci.commands.options.publishing import TagOptions
from wasmoci.commands.report.output import warn
from wasmoci.commands.report.verdict import fingerprints
from wasmoci.publish.plan import PublishRequest
from wasmoci.publish.signed import Publishing
from wasmoci.publish.tags import stamped
from wasmoci.registry.connection_options import ConnectionOptions


@dataclass(frozen=True, slots=True)
class AskedPublishing:
    """What to publish; `dry_run` is the target's own."""

    publishing: Publishing
    dry_run: bool


def read_publishing(
    rlocation: str,
    locator: Locator,
    registries: Sequence[str] = (),
    tagging: TagOptions | None = None,
    connection: ConnectionOptions | None = None,
    *,
    allow_placeholders: bool = False,
) -> AskedPublishing:
    """Read the request at an rlocation path; what `registries` and `tagging` say stands in place of it.

    Files of `tagging` and `connection` are found from where `bazel run` was called. Raises UsageError, FormatError,
    Error.
    """
    target = LayoutTarget.read(rlocation, locator)
    destination = target.destination
    here = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    tagging = tagging or TagOptions()
    status_files = [here / path for path in tagging.status_files] or destination.status_files
    repository, *others = destination.repositories_on(registries)
    request = PublishRequest(
        layout=target.layout,
        repository=repository,
        tags=stamped(tagging.tags or destination.tags, status_files),
        policy=target.trust.policy(warn),
        placeholders=fingerprints(target.trust.placeholder_keys),
        allow_placeholders=allow_placeholders,
        if_exists=tagging.if_exists or destination.if_exists,
    )
    connection = (connection or ConnectionOptions()).seen_from(here).and_insecure(destination.insecure_registries)
    return AskedPublishing(Publishing(request, others, connection, target.signing), destination.dry_run)
