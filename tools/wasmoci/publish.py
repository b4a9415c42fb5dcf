"""Publish an image with its signatures, so that a tag that can be seen is a tag on a signed image."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from wasmoci.digest import Digest
from wasmoci.errors import Reason, UsageError, VerificationError
from wasmoci.existing_tags import stays
from wasmoci.if_exists import IfExists
from wasmoci.layout import Layout
from wasmoci.oci import IMAGE_CONFIG_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, Manifest, referrer_descriptor
from wasmoci.progress import Progress
from wasmoci.reference import Reference, Repository, check_tag
from wasmoci.referrer_list import ReferrerList
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry_source import RegistrySource
from wasmoci.simple_signing import signature_manifest, signature_tag
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
    """What publishing sends, in this order; `verified` is the verdict on the layout."""

    verified: Verified
    manifest: bytes
    blobs: Sequence[Descriptor]
    referrers: Sequence[tuple[Descriptor, bytes]]
    legacy_layers: Sequence[Descriptor]
    tags: Sequence[str]
    warnings: Sequence[str]

    @property
    def digest(self) -> Digest:
        return self.verified.subject.digest


@dataclass(frozen=True, slots=True)
class Published:
    """How many blobs, manifests and signatures were sent, and how many were there; the tags set and left."""

    sent: int
    present: int
    tags_set: tuple[str, ...]
    tags_left: tuple[str, ...]


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
        subject = verified.subject
        manifest = layout.read_manifest(subject)
        parsed = Manifest.parse(manifest)
        referrers = [_referrer(layout, descriptor) for descriptor in layout.referrers(subject.digest).descriptors]
        legacy = layout.legacy_signatures(subject.digest)
        legacy_layers = () if legacy is None else Manifest.parse(layout.read_manifest(legacy)).layers
    return Plan(
        verified=verified,
        manifest=manifest,
        blobs=(parsed.config, *parsed.layers),
        referrers=referrers,
        legacy_layers=legacy_layers,
        tags=tags,
        warnings=warnings,
    )


def publish(request: PublishRequest, planned: Plan, client: RepositoryClient, progress: Progress) -> Published:
    """Send what `plan` found: blobs, manifest, signatures, a check of the registry's copy, then the tags.

    Only the last step makes the image visible under its tags, so it may fail or be killed before at
    any time. What is there already is not sent again. Raises RegistryError, VerificationError where the
    registry's copy is not what was sent and where a tag is not as `request.if_exists` wants it.
    """
    sending = _Sending(Layout(request.layout), planned.digest, client, progress)
    for tag in planned.tags:
        stays(client, tag, planned.digest, request.if_exists)
    sending.blobs(planned.blobs)
    sending.manifest(planned.manifest)
    sending.referrers(planned.referrers)
    sending.legacy(planned.legacy_layers)
    _check_copy(request, planned, client)
    progress.step("the registry's copy is verified")
    tags_set = [tag for tag in planned.tags if sending.tag(tag, planned.manifest, request.if_exists)]
    return Published(
        sent=sending.sent,
        present=sending.present,
        tags_set=tuple(tags_set),
        tags_left=tuple(tag for tag in planned.tags if tag not in tags_set),
    )


class _Sending:
    """Sends what is not there, and counts."""

    def __init__(self, layout: Layout, digest: Digest, client: RepositoryClient, progress: Progress) -> None:
        self._layout = layout
        self._digest = digest
        self._client = client
        self._progress = progress
        self.sent = 0
        self.present = 0

    def blobs(self, blobs: Sequence[Descriptor]) -> None:
        sources = [(blob, partial(self._layout.open_blob, blob.digest)) for blob in blobs]
        self._client.put_blobs(
            sources,
            lambda blob, sent: self._count(sent, f"blob {blob.digest} ({blob.size} bytes)"),
            moved=self._progress.moved,
        )

    def manifest(self, manifest: bytes) -> None:
        missing = self._client.find_manifest(self._digest) is None
        if missing:
            self._client.put_manifest(manifest, MANIFEST_MEDIA_TYPE, self._digest)
        self._count(missing, f"manifest {self._digest}")

    def referrers(self, referrers: Sequence[tuple[Descriptor, bytes]]) -> None:
        listed = RegistrySource.attached(self._client, self._digest) if referrers else ReferrerList()
        for descriptor, data in referrers:
            self.blobs(blobs_of(data))
            missing = not listed.lists(descriptor.digest) or self._client.find_manifest(descriptor.digest) is None
            if missing:
                self._client.attach_referrer(self._digest, descriptor, data)
            self._count(missing, f"referrer {descriptor.digest}")

    def legacy(self, layers: Sequence[Descriptor]) -> None:
        """Add signature layers to the manifest at the `.sig` tag, keeping those that others put there."""
        if not layers:
            return
        self.blobs(layers)
        sent = False

        def added(manifest: bytes | None) -> bytes | None:
            nonlocal sent
            present = () if manifest is None else tuple(Manifest.parse(manifest).layers)
            missing = [layer for layer in layers if layer not in present]
            if not missing:
                return None
            sent = True
            legacy = signature_manifest((*present, *missing))
            config = Descriptor.of(IMAGE_CONFIG_MEDIA_TYPE, legacy.config)
            self._client.put_blob(config, partial(io.BytesIO, legacy.config))
            return legacy.manifest

        tag = signature_tag(self._digest)
        self._client.add_under_tag(tag, MANIFEST_MEDIA_TYPE, added)
        self._count(sent, f"signatures at tag {tag}")

    def tag(self, tag: str, manifest: bytes, if_exists: IfExists) -> bool:
        """Set a tag unless it stays as it is; return whether it was set."""
        if stays(self._client, tag, self._digest, if_exists):
            self._progress.step(f"tag {tag} is left as it is")
            return False
        self._client.put_manifest(manifest, MANIFEST_MEDIA_TYPE, tag)
        _check_tag_points(self._client, tag, self._digest)
        self._progress.step(f"tag {tag}")
        return True

    def _count(self, sent: bool, what: str) -> None:
        self.sent += sent
        self.present += not sent
        self._progress.step(what if sent else f"already there: {what}")


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


def _referrer(layout: Layout, descriptor: Descriptor) -> tuple[Descriptor, bytes]:
    data = layout.read_manifest(descriptor)
    return referrer_descriptor(Manifest.parse(data), data), data


def blobs_of(manifest: bytes) -> tuple[Descriptor, ...]:
    """The config and the layers that a manifest names."""
    parsed = Manifest.parse(manifest)
    return (parsed.config, *parsed.layers)


def _check_copy(request: PublishRequest, planned: Plan, client: RepositoryClient) -> None:
    reference = Reference(request.repository, None, planned.digest)
    copy = verify(RegistrySource(reference, client), request.policy)
    sent = {(one.format, one.signer.fingerprint) for one in planned.verified.image_signatures}
    seen = {(one.format, one.signer.fingerprint) for one in copy.image_signatures}
    if copy.level is not planned.verified.level or not sent <= seen:
        raise VerificationError(
            Reason.POLICY_UNMET, f"the registry's copy has level {copy.level.value} and lacks signatures that were sent"
        )


def _check_tag_points(client: RepositoryClient, tag: str, digest: Digest) -> None:
    descriptor, _ = client.resolve(tag)
    if descriptor.digest != digest:
        raise VerificationError(Reason.TAG_MOVED, f"tag {tag} was set to {digest} and points to {descriptor.digest}")
