"""Verify an image on both layers, from a layout or a registry, on the bytes that are deployed.

The numbers are those of the steps in docs/security.md, "What a verdict means".
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from wasmoci.disk.files import atomic_output
from wasmoci.oci.graph import ImageGraph, read_image
from wasmoci.oci.source import ImageSource
from wasmoci.oci.wasm_artifact import MAX_CONFIG_SIZE, check_config, check_manifest, is_wasm_artifact
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, KindError, Reason, VerificationError, refuse_malformed
from wasmoci.values.level import Level
from wasmoci.values.text import excerpt
from wasmoci.verify.component import VerifiedComponent
from wasmoci.verify.image_component import verify_image_component
from wasmoci.verify.policy import Policy, Verified
from wasmoci.verify.signatures import VerifiedImage, verify_image_signatures
from wasmoci.wasm.interface import Interface, read_interface

if TYPE_CHECKING:
    from wasmoci.wasm.typed_interface import TypedInterface

# A component of at most so many bytes is verified in memory, a larger one in a temporary file.
MAX_IN_MEMORY = 1024 * 1024


# The digest of the component and its interface, None where there is none, and who signed it.
_Component = tuple[Digest | None, Interface | None, VerifiedComponent]


def verify(
    source: ImageSource,
    policy: Policy,
    component_target: BinaryIO | None = None,
    *,
    known: Sequence[Verified] = (),
) -> Verified:
    """Read the graph of one image and verify it; see `verify_asked`. An index is refused."""
    with refuse_malformed():
        # 1. The reference is resolved to a digest; all that follows is asked for by digest.
        graph = read_image(source)
    return verify_asked(graph, policy, component_target, known=known)


def verify_asked(
    graph: ImageGraph,
    policy: Policy,
    component_target: BinaryIO | None = None,
    *,
    known: Sequence[Verified] = (),
) -> Verified:
    """As `verify_image`, of an image that is what was asked for and no entry of an index: with its attestations."""
    verified = verify_image(graph, policy, component_target, known=known)
    if policy.demands is None:
        return verified
    return verified._replace(warnings=once(verified.warnings, policy.demands.check_root(graph)))


def verify_image(
    graph: ImageGraph,
    policy: Policy,
    component_target: BinaryIO | None = None,
    *,
    known: Sequence[Verified] = (),
) -> Verified:
    """Check digests, the artifact's shape, and both signature layers; return what was observed.

    `component_target` is an empty seekable file that receives the component; its content counts
    only if this returns. Where `known` has a verdict by this very policy on an image of the same digest, it says
    what there is to say of a component with its signatures in it, whose bytes are only read and checked by their
    digest; not so with a `component_target`. Raises VerificationError with the reason where the policy is not met,
    Error where the image cannot be read.
    """
    # 2. The graph's source checks digest and size of every byte string before this sees it.
    with refuse_malformed():
        same = _find_same(known, graph, policy) if component_target is None else None
        if same is None:
            digest, interface, component = _verify_component(graph, policy, component_target)
        else:
            digest, interface, component = _check_component(graph, same)
        image = verify_image_layer(graph, policy)
    verified = Verified(
        policy=policy,
        subject=graph.descriptor,
        level=Level.of(component=bool(component.keys), image=bool(image.signatures)),
        component=digest,
        component_keys=component.keys,
        image_signatures=image.signatures,
        warnings=once(component.warnings, image.warnings),
        component_is_detached=component.is_detached,
        interface=interface,
    )
    if policy.demands is None:
        return verified
    return verified._replace(warnings=once(verified.warnings, policy.demands.check_image(verified)))


def once(*warnings: Sequence[str]) -> tuple[str, ...]:
    """All of these in their order, each once."""
    return tuple(dict.fromkeys(chain(*warnings)))


def pull(graph: ImageGraph, policy: Policy, output: Path, *, overwrite: bool = False) -> Verified:
    """Write the image's component to `output` once the image meets `policy`, else leave no file.

    Raises VerificationError, also for an image without a component; Error where something cannot be
    read or written, and where there is such a file already unless `overwrite`.
    """
    with atomic_output(output, replace=overwrite) as target:
        verified = verify_asked(graph, policy, target)
        if verified.component is None:
            raise VerificationError(Reason.WRONG_KIND, "the image is no Wasm artifact, so it has no component")
    return verified


def verify_image_layer(graph: ImageGraph, policy: Policy) -> VerifiedImage:
    """The signatures of a manifest or index that hold; none where nobody is trusted for them.

    Raises VerificationError where the policy requires them, else a layer that does not hold is a warning.
    """
    if not policy.image:
        return VerifiedImage((), ())
    try:
        # 5. Each cosign signature on its own. 6. Enough distinct signers.
        return verify_image_signatures(graph, policy.image)
    except VerificationError as error:
        return VerifiedImage((), (_tolerated(error, policy.required.has_image, "OCI"),))


def _find_same(known: Sequence[Verified], graph: ImageGraph, policy: Policy) -> Verified | None:
    """The verdict that depends on nothing but the policy and the bytes of the artifact, if there is one."""
    for verdict in known:
        if verdict.subject.digest == graph.digest and verdict.policy is policy:
            return verdict if verdict.component and not verdict.component_is_detached else None
    return None


def _check_component(graph: ImageGraph, same: Verified) -> _Component:
    """Check that the artifact, on which `same` is the verdict, is there with all its bytes."""
    for blob in graph.blobs:
        graph.source.copy_blob(blob, None)
    return same.component, same.interface, VerifiedComponent(same.component_keys)


def _verify_component(graph: ImageGraph, policy: Policy, component_target: BinaryIO | None) -> _Component:
    # 3. One component, and a config that describes it.
    manifest = graph.manifest
    if not is_wasm_artifact(manifest):
        if policy.required.has_component:
            raise KindError(f"the image is no Wasm artifact, its config is {excerpt(manifest.config.media_type)!r}")
        return None, None, VerifiedComponent()
    check_manifest(manifest)
    layer = manifest.layers[0]
    config = graph.source.read_blob(manifest.config, MAX_CONFIG_SIZE)
    with _component_file(component_target, layer.size) as target:
        graph.source.copy_blob(layer, target)
        interface = read_interface(target)
        check_config(config, layer.digest, interface)
        if policy.reads_types:
            interface = interface._replace(types=_read_types(target))
        if not policy.component_keys:
            return layer.digest, interface, VerifiedComponent()
        try:
            # 4. The component's signature over the whole file. 6. Enough distinct keys.
            verified = verify_image_component(graph, target, policy.component_keys, policy.component_threshold)
        except VerificationError as error:
            warning = _tolerated(error, policy.required.has_component, "component")
            verified = VerifiedComponent(warnings=(warning,))
    return layer.digest, interface, verified


def _read_types(component: BinaryIO) -> "TypedInterface":
    """Raises Error where they cannot be read: runtimes may know of more than there is here."""
    from wasmoci.wasm.typed_interface import read_typed_interface

    try:
        return read_typed_interface(component)
    except FormatError as error:
        raise Error(f"the types that the component imports cannot be read: {error}") from None


@contextmanager
def _component_file(given: BinaryIO | None, size: int) -> Iterator[BinaryIO]:
    """The file that the component is copied to: the one that is given, else memory or a temporary file."""
    if given is not None:
        yield given
    elif size <= MAX_IN_MEMORY:
        yield BytesIO()
    else:
        import tempfile

        with tempfile.TemporaryFile() as temporary:
            yield temporary


def _tolerated(error: VerificationError, required: bool, layer: str) -> str:
    """Raise `error` where its layer is required, else the warning that the layer does not hold."""
    if required:
        raise VerificationError(error.reason, f"{layer} layer: {error}")
    return f"{layer} layer does not hold: {error.reason.value}: {error}"
