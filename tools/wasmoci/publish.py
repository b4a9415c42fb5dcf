"""Publish an image with its signatures, so that a tag that can be seen is a tag on a signed image."""

import io
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from wasmoci.digest import Digest
from wasmoci.errors import Error, Reason, UsageError, VerificationError
from wasmoci.layout import Layout
from wasmoci.oci import IMAGE_CONFIG_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, Manifest, referrer_descriptor
from wasmoci.reference import Reference, Repository, check_tag
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry_source import RegistrySource
from wasmoci.simple_signing import signature_manifest, signature_tag
from wasmoci.verify import Policy, Verified, refuse_malformed, verify

Progress = Callable[[str], None]

# Others may publish signatures of the same image at the same time.
_LEGACY_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """What to publish where. `placeholders` are fingerprints of keys that everybody has."""

    layout: Path
    repository: Repository
    tags: Sequence[str]
    policy: Policy
    placeholders: Collection[str] = field(default_factory=frozenset)
    allow_placeholders: bool = False


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
    warnings = [*verified.warnings, *_placeholder_warnings(request, verified)]
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


def publish(request: PublishRequest, planned: Plan, client: RepositoryClient, progress: Progress) -> None:
    """Send what `plan` found: blobs, manifest, signatures, a check of the registry's copy, then the tags.

    Only the last step makes the image visible under its tags, so it may fail or be killed before at
    any time. Raises RegistryError, VerificationError where the registry's copy is not what was sent.
    """
    layout = Layout(request.layout)
    digest = planned.digest
    for blob in planned.blobs:
        _put_blob(client, layout, blob, progress)
    client.put_manifest(planned.manifest, MANIFEST_MEDIA_TYPE, digest)
    progress(f"manifest {digest}")
    for descriptor, data in planned.referrers:
        for blob in _blobs_of(data):
            _put_blob(client, layout, blob, progress)
        client.attach_referrer(digest, descriptor, data)
        progress(f"referrer {descriptor.digest}")
    if planned.legacy_layers:
        for blob in planned.legacy_layers:
            _put_blob(client, layout, blob, progress)
        _put_legacy(client, digest, planned.legacy_layers)
        progress(f"signatures at tag {signature_tag(digest)}")
    _check_copy(request, planned, client)
    progress("the registry's copy is verified")
    for tag in planned.tags:
        client.put_manifest(planned.manifest, MANIFEST_MEDIA_TYPE, tag)
        _check_tag_points(client, tag, digest)
        progress(f"tag {tag}")


def _placeholder_warnings(request: PublishRequest, verified: Verified) -> Iterator[str]:
    used = {key.fingerprint for key in verified.component_keys}
    used |= {signature.signer.fingerprint for signature in verified.image_signatures}
    for fingerprint in sorted(used & set(request.placeholders)):
        if not request.repository.is_loopback and not request.allow_placeholders:
            raise UsageError(
                f"{fingerprint} is a placeholder key, which everybody has: sign with a key of your own, "
                f"or allow placeholder keys for {request.repository.registry}"
            )
        yield f"{fingerprint} is a placeholder key, which everybody has: this signature protects nothing"


def _referrer(layout: Layout, descriptor: Descriptor) -> tuple[Descriptor, bytes]:
    data = layout.read_manifest(descriptor)
    return referrer_descriptor(Manifest.parse(data), data), data


def _blobs_of(manifest: bytes) -> tuple[Descriptor, ...]:
    parsed = Manifest.parse(manifest)
    return (parsed.config, *parsed.layers)


def _put_blob(client: RepositoryClient, layout: Layout, blob: Descriptor, progress: Progress) -> None:
    uploaded = client.put_blob(blob, partial(layout.open_blob, blob.digest))
    progress(f"{'blob' if uploaded else 'blob already there:'} {blob.digest} ({blob.size} bytes)")


def _put_legacy(client: RepositoryClient, subject: Digest, layers: Sequence[Descriptor]) -> None:
    """Add signature layers to the manifest at the `.sig` tag, keeping those that others put there."""
    tag = signature_tag(subject)
    for _ in range(_LEGACY_ATTEMPTS):
        found = client.find_manifest(tag)
        present = () if found is None else tuple(Manifest.parse(found[1]).layers)
        missing = [layer for layer in layers if layer not in present]
        if not missing:
            return
        legacy = signature_manifest((*present, *missing))
        client.put_blob(Descriptor.of(IMAGE_CONFIG_MEDIA_TYPE, legacy.config), partial(io.BytesIO, legacy.config))
        client.put_manifest(legacy.manifest, MANIFEST_MEDIA_TYPE, tag)
    raise Error(f"the tag {tag} does not keep the signatures: others write it at the same time")


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
