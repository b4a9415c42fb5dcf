"""The component of an image, open to be read: in the image's source, or in a copy that somebody wants."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, NamedTuple

from wasmoci.oci.graph import ImageGraph
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.wasm_artifact import MAX_CONFIG_SIZE, check_manifest, is_wasm_artifact
from wasmoci.values.errors import KindError, refuse_malformed
from wasmoci.values.text import excerpt
from wasmoci.verify.passed_hashes import PassedHashes
from wasmoci.verify.policy import Policy


class OpenedComponent(NamedTuple):
    """The bytes that come out of `content`, which is seekable, are those of `layer`; `hashes` are made of them."""

    layer: Descriptor
    config: bytes
    content: BinaryIO
    hashes: PassedHashes


@contextmanager
def open_component(
    graph: ImageGraph, policy: Policy, target: BinaryIO | None = None, *, is_hashed: bool
) -> Iterator[OpenedComponent | None]:
    """Open the component; None for an image that is no Wasm artifact, where `policy` does not require a component.

    With `target`, an empty seekable file, it is copied there and read from there. With `is_hashed` its parts are hashed
    on the way. Raises VerificationError for what is no image of one component, Error where it cannot be read.
    """
    with ExitStack() as stack:
        with refuse_malformed():
            opened = _open(stack, graph, policy, target, is_hashed)
        yield opened


def _open(
    stack: ExitStack, graph: ImageGraph, policy: Policy, target: BinaryIO | None, is_hashed: bool
) -> OpenedComponent | None:
    manifest = graph.manifest
    if not is_wasm_artifact(manifest):
        if policy.required.has_component:
            raise KindError(f"the image is no Wasm artifact, its config is {excerpt(manifest.config.media_type)!r}")
        return None
    check_manifest(manifest)
    layer = manifest.layers[0]
    config = graph.source.read_blob(manifest.config, MAX_CONFIG_SIZE)
    hashes = stack.enter_context(PassedHashes())
    if target is None:
        watcher = hashes.begin if is_hashed else None
        content = stack.enter_context(graph.source.open_checked(layer, watcher))
    else:
        graph.source.copy_blob(layer, target)
        content = target
    return OpenedComponent(layer, config, content, hashes)
