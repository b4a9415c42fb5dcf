"""What a target publishes, and what the command line changes of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.request import BazelRequest, read_request
from wasmoci.bazel.runfiles import Locator
from wasmoci.bazel.signing import read_signing
from wasmoci.commands.options.publishing import TagOptions
from wasmoci.commands.report.output import warn
from wasmoci.commands.report.verdict import fingerprints
from wasmoci.publish.plan import PublishRequest
from wasmoci.publish.signed import Publishing
from wasmoci.publish.stamp import stamped
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.trust.policy import policy
from wasmoci.values.errors import UsageError
from wasmoci.values.image_reference import Repository


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
    said = locator.request(rlocation)
    asked = read_request(said, locator)
    here = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    tagging = tagging or TagOptions()
    if asked.layout is None or not asked.repositories:
        raise UsageError("`oci_image` must be an image of rules_wasm_oci")
    first, *others = _repositories(asked, registries)
    request = PublishRequest(
        layout=asked.layout,
        repository=first,
        tags=stamped(tagging.tags or asked.tags, [here / one for one in tagging.status_files] or asked.status_files),
        policy=policy(asked.trusted, asked.require, warn),
        placeholders=fingerprints(asked.placeholder_keys),
        allow_placeholders=allow_placeholders,
        if_exists=tagging.if_exists or asked.if_exists,
    )
    connection = (connection or ConnectionOptions()).seen_from(here).and_insecure(asked.insecure_registries)
    return AskedPublishing(Publishing(request, others, connection, read_signing(said, locator)), asked.dry_run)


def _repositories(asked: BazelRequest, registries: Sequence[str]) -> list[Repository]:
    repositories = [Repository.parse(one) for one in asked.repositories]
    return [repositories[0].on(one) for one in registries] or repositories
