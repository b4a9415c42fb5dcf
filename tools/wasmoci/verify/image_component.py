"""Verify the component of an image, whose signature is embedded in it or travels as a referrer."""

from collections.abc import Sequence
from typing import BinaryIO

from wasmoci.keys.component import ComponentPublicKey
from wasmoci.oci.graph import ImageGraph
from wasmoci.oci.wasm_artifact import component_signature_layer
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.verify.attached_bundles import noted, readable_referrers, refusal_of_all
from wasmoci.verify.checks import MAX_CHECKS_ATTACHED
from wasmoci.verify.component import OpenComponent, VerifiedComponent, check_count
from wasmoci.verify.passed_hashes import PassedHashes
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import MAX_DATA_SIZE


def verify_image_component(
    graph: ImageGraph,
    component: BinaryIO,
    hashes: PassedHashes,
    trusted: Sequence[ComponentPublicKey],
    threshold: int = 1,
) -> VerifiedComponent:
    """Check that enough trusted keys signed exactly `component`, the layer of the image, which `hashes` were made of.

    Only a component without a signature of its own is looked up among the referrers. There a
    signature that does not hold is reported and hides no good one, and `threshold` counts the keys of
    all that hold. Raises as `verify_component` does.
    """
    opened = OpenComponent(component, Kind.COMPONENT, hashes)
    try:
        return opened.verify(trusted, threshold=threshold)
    except VerificationError as error:
        if error.reason is not Reason.UNSIGNED:
            raise
        unsigned = error
    problems: list[VerificationError] = []
    keys: dict[ComponentPublicKey, None] = {}
    warnings: list[str] = []
    for referrer, manifest in readable_referrers(graph, problems):
        with noted(problems, referrer.digest):
            layer = component_signature_layer(manifest, graph.digest)
            if layer is None:
                continue
            signature = graph.source.read_blob(layer, MAX_DATA_SIZE)
            verified = opened.verify(trusted, signature, limit=MAX_CHECKS_ATTACHED)
            keys |= dict.fromkeys(verified.keys)
            warnings += verified.warnings
    if not keys:
        raise refusal_of_all(problems or [unsigned])
    check_count(tuple(keys), threshold)
    return VerifiedComponent(tuple(keys), (*warnings, *map(str, problems)), is_detached=True)
