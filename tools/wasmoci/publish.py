"""Publish an image with its signatures, so that a tag that can be seen is a tag on a signed image."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from wasmoci.blob_supply import LayoutBlobs
from wasmoci.digest import Digest
from wasmoci.errors import Reason, UsageError, VerificationError
from wasmoci.if_exists import IfExists
from wasmoci.image_contents import Contents, read_contents
from wasmoci.layout import Layout
from wasmoci.progress import Progress
from wasmoci.reference import Reference, Repository, check_tag
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry_source import RegistrySource
from wasmoci.send_image import Destination, Published, send_image
from wasmoci.verify import Policy, Verified, refuse_malformed, verify


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """What to publish where. `placeholders` are fingerprints of keys that everybody has."""

    layout: Path
    repository: Repository
    tags: Sequence[str]
    policy: Policy
    placeholders: Collection[str] = field(default_factory=frozenset)
    allow_placeholders: bool = False
    if_exists: IfExists = IfExists.OVERWRITE


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing sends; `verified` is the verdict on the layout."""

    verified: Verified
    contents: Contents
    tags: Sequence[str]
    warnings: Sequence[str]

    @property
    def digest(self) -> Digest:
        return self.contents.descriptor.digest


def plan(request: PublishRequest) -> Plan:
    """Verify the layout and say what publishing would send; sends nothing.

    Raises VerificationError where the policy is not met, UsageError for a bad tag or for a
    placeholder key on a registry that is not on this machine.
    """
    if not request.tags:
        raise UsageError("give at least one tag to publish under")
    tags = [check_tag(tag) for tag in dict.fromkeys(request.tags)]
    with refuse_malformed():
        layout = Layout(request.layout)
    verified = verify(layout, request.policy)
    warnings = [*verified.warnings, *placeholder_warnings(request, verified)]
    with refuse_malformed():
        contents = read_contents(layout)
    return Plan(verified, contents, tags, warnings)


def publish(
    request: PublishRequest,
    planned: Plan,
    client: RepositoryClient,
    progress: Progress,
    *,
    mount_from: str | None = None,
) -> Published:
    """Send what `plan` found as `send_image` does, with a check of the registry's copy before the tags.

    `mount_from` is the path of a repository of the same registry that may have the blobs. Raises
    RegistryError, VerificationError where the registry's copy is not what was sent and where a tag is not as
    `request.if_exists` wants it.
    """
    return send_image(
        planned.contents,
        LayoutBlobs(Layout(request.layout), check=False),
        Destination(client, planned.tags, request.if_exists, mount_from),
        progress,
        partial(_check_copy, request, planned, client),
    )


def placeholder_warnings(request: PublishRequest, verified: Verified) -> list[str]:
    """One for each placeholder key that signed; raises UsageError where the registry must not get such an image."""
    used = {key.fingerprint for key in verified.component_keys}
    used |= {signature.signer.fingerprint for signature in verified.image_signatures}
    placeholders = sorted(used & set(request.placeholders))
    if placeholders and not request.repository.is_loopback and not request.allow_placeholders:
        raise UsageError(
            f"{placeholders[0]} is a placeholder key, which everybody has: sign with a key of your own, "
            f"or allow placeholder keys for {request.repository.registry}"
        )
    return [f"{one} is a placeholder key, which everybody has: this signature protects nothing" for one in placeholders]


def _check_copy(request: PublishRequest, planned: Plan, client: RepositoryClient) -> None:
    reference = Reference(request.repository, None, planned.digest)
    copy = verify(RegistrySource(reference, client), request.policy)
    sent = {(one.format, one.signer.fingerprint) for one in planned.verified.image_signatures}
    seen = {(one.format, one.signer.fingerprint) for one in copy.image_signatures}
    if copy.level is not planned.verified.level or not sent <= seen:
        raise VerificationError(
            Reason.POLICY_UNMET, f"the registry's copy has level {copy.level.value} and lacks signatures that were sent"
        )
