"""Pull an image from a registry or a layout: its component, all of it as a layout, or both, once it is verified."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import ImageGraph, read_image
from wasmoci.oci.manifest import TITLE_ANNOTATION
from wasmoci.oci.wasm_artifact import component_signature_layer
from wasmoci.publish.copy import copy_to_layout, plan_copy
from wasmoci.publish.copy_source import open_to_copy
from wasmoci.registry.sources import ConnectionOptions, Sources, reference_of
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, refuse_malformed
from wasmoci.values.image_reference import Reference
from wasmoci.values.notes import Notes
from wasmoci.values.text import excerpt
from wasmoci.verify.image import pull, verify_asked
from wasmoci.verify.policy import Policy, Verified

_SUFFIX = ".wasm"
_TITLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,122}\.wasm")

# Names that are devices in every folder of Windows, whatever follows the first dot.
_DEVICES = re.compile(r"(?:aux|con|nul|prn|(?:com|lpt)[0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What to pull: an image by its reference, or a layout's folder; and where its component and all of it go.

    The component goes to the file `output`, or into the folder `output_folder` by the name that the image gives it.
    """

    target: str
    policy: Policy
    output: Path | None = None
    output_folder: Path | None = None
    layout: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Pulled:
    """The image, whose name has the digest in it, and the file of its component where that was wanted.

    `reference` is what was asked for, None for a layout. `carriers` are the manifests with the signatures that hold; of
    a component whose signatures are beside it, all that have such.
    """

    name: str
    verified: Verified
    output: Path | None
    reference: Reference | None
    carriers: tuple[Digest, ...]


def pull_image(request: PullRequest, connection: ConnectionOptions, notes: Notes) -> Pulled:
    """Verify the image, and write what is wanted of it; `notes` gets what is wrong with the name that it gives, and
    what is attached and not there where the layout is wanted.

    Raises UsageError for an index, VerificationError where the policy is not met, Error where something cannot be
    read or written, and where there is a file already unless `overwrite`. Then there is no component.
    """
    reference = reference_of(request.target)
    output = request.output
    with Sources(connection) as sources:
        if request.layout is None:
            source = sources.open(request.target, signatures=bool(request.policy.image))
        else:
            source = open_to_copy(request.target, sources, recursive=False)
        with refuse_malformed():
            graph = read_image(source)
        if request.output_folder is not None:
            output = request.output_folder / _file_name(reference, graph, notes)
        if request.layout is not None:
            tag = None if reference is None else reference.tag
            planned = plan_copy(source, request.policy, recursive=False, skip_missing=True)
            for lack in planned.missing:
                notes(lack)
            copy_to_layout(planned, request.layout, tag)
            graph = read_image(Layout(request.layout))
        if output is None:
            verified = verify_asked(graph, request.policy)
        else:
            verified = pull(graph, request.policy, output, overwrite=request.overwrite)
        carriers = _carriers(graph, verified)
    name = f"{request.target}@{graph.digest}" if reference is None else str(reference.with_digest(graph.digest))
    return Pulled(name, verified, output, reference, carriers)


def _carriers(graph: ImageGraph, verified: Verified) -> tuple[Digest, ...]:
    found = [signature.carrier for signature in verified.image_signatures]
    for referrer in graph.referrers if verified.component_is_detached else ():
        with suppress(FormatError):
            if component_signature_layer(referrer.manifest, graph.digest) is not None:
                found.append(referrer.digest)
    return tuple(dict.fromkeys(found))


def _file_name(reference: Reference | None, graph: ImageGraph, notes: Notes) -> str:
    """The name for the component's file, of which the image's proposal is not verified, and any text."""
    with refuse_malformed():
        layers = graph.manifest.layers
    title = layers[0].annotations.get(TITLE_ANNOTATION) if layers else None
    path = "component" if reference is None else reference.repository.path
    name, problem = component_file_name(title, path)
    if problem is not None:
        notes(problem)
    return name


def component_file_name(title: str | None, path: str) -> tuple[str, str | None]:
    """The layer's title where it is a plain name that ends in `.wasm`, else one from the repository's path, as wkg's.

    The second value says why a title is passed over. A title comes from whoever made the image: it
    neither leaves the folder nor hides in it, nor is an option of a program that finds it there.
    """
    fallback = path.replace("/", "_") + _SUFFIX
    if title is None:
        return fallback, None
    if not _TITLE.fullmatch(title) or _DEVICES.fullmatch(title.partition(".")[0]):
        return fallback, f"the layer's title is no plain name of a .wasm file, so it is not used: {excerpt(title)!r}"
    return title, None
