"""Verify an image on both layers, from a layout or a registry, on the bytes that are deployed.

The numbers are those of the steps in docs/security.md, "What a verdict means".
"""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from wasmoci.disk.files import atomic_output
from wasmoci.oci.graph import ImageGraph, read_image
from wasmoci.oci.source import ImageSource
from wasmoci.oci.wasm_artifact import check_config
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, Reason, VerificationError, refuse_malformed
from wasmoci.values.level import Level
from wasmoci.verify.component import VerifiedComponent
from wasmoci.verify.image_component import verify_image_component
from wasmoci.verify.opened import OpenedComponent, open_component
from wasmoci.verify.policy import Policy, Verified
from wasmoci.verify.signatures import VerifiedImage, verify_image_signatures
from wasmoci.wasm.interface import Interface, read_interface

if TYPE_CHECKING:
    from wasmoci.wasm.typed_interface import TypedInterface

# The digest of the component and its interface, None where there is none, and who signed it.
_Component = tuple[Digest | None, Interface | None, VerifiedComponent]
_NONE: _Component = None, None, VerifiedComponent()


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
    same = _find_same(known, graph, policy) if component_target is None else None
    if same is not None:
        with refuse_malformed():
            component = _check_component(graph, same)
        return _verify_rest(graph, policy, component)
    with open_component(graph, policy, component_target, is_hashed=bool(policy.component_keys)) as opened:
        return verify_opened(graph, policy, opened)


def verify_opened(graph: ImageGraph, policy: Policy, opened: OpenedComponent | None) -> Verified:
    """As `verify_image`, of an image whose component is open; None where it has none and needs none."""
    with refuse_malformed():
        component = _NONE if opened is None else _verify_component(graph, policy, opened)
    return _verify_rest(graph, policy, component)


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


def _verify_component(graph: ImageGraph, policy: Policy, opened: OpenedComponent) -> _Component:
    # 3. One component, and a config that describes it.
    digest, content = opened.layer.digest, opened.content
    interface = read_interface(content)
    check_config(opened.config, digest, interface)
    if policy.reads_types:
        interface = interface._replace(types=_read_types(content))
    if not policy.component_keys:
        return digest, interface, VerifiedComponent()
    try:
        # 4. The component's signature over the whole file. 6. Enough distinct keys.
        keys, threshold = policy.component_keys, policy.component_threshold
        verified = verify_image_component(graph, content, opened.hashes, keys, threshold)
    except VerificationError as error:
        warning = _tolerated(error, policy.required.has_component, "component")
        verified = VerifiedComponent(warnings=(warning,))
    return digest, interface, verified


def _verify_rest(graph: ImageGraph, policy: Policy, component: _Component) -> Verified:
    """The verdict on an image with this component."""
    digest, interface, signed = component
    with refuse_malformed():
        image = verify_image_layer(graph, policy)
    verified = Verified(
        policy=policy,
        subject=graph.descriptor,
        level=Level.of(component=bool(signed.keys), image=bool(image.signatures)),
        component=digest,
        component_keys=signed.keys,
        image_signatures=image.signatures,
        warnings=once(signed.warnings, image.warnings),
        component_is_detached=signed.is_detached,
        interface=interface,
    )
    if policy.demands is None:
        return verified
    return verified._replace(warnings=once(verified.warnings, policy.demands.check_image(verified)))


def once(*warnings: Sequence[str]) -> tuple[str, ...]:
    """All of these in their order, each once."""
    return tuple(dict.fromkeys(chain(*warnings)))


def _read_types(component: BinaryIO) -> "TypedInterface":
    """Raises Error where they cannot be read: runtimes may know of more than there is here."""
    from wasmoci.wasm.typed_interface import read_typed_interface

    try:
        return read_typed_interface(component)
    except FormatError as error:
        raise Error(f"the types that the component imports cannot be read: {error}") from None


def _tolerated(error: VerificationError, required: bool, layer: str) -> str:
    """Raise `error` where its layer is required, else the warning that the layer does not hold."""
    if required:
        raise VerificationError(error.reason, f"{layer} layer: {error}")
    return f"{layer} layer does not hold: {error.reason.value}: {error}"
