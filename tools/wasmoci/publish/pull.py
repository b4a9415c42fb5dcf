"""Pull an image from a registry or a layout: its component, all of it as a layout, or both, once it is verified."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import ImageGraph, read_image
from wasmoci.publish.copy import copy_to_layout, plan_copy
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.registry.sources import open_source
from wasmoci.values.digest import Digest
from wasmoci.values.errors import refuse_malformed
from wasmoci.values.image_reference import Reference
from wasmoci.values.notes import Notes
from wasmoci.verify.image import Policy, Verified, verify_image
from wasmoci.verify.pull import component_file_name, pull, read_title


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

    @property
    def reference(self) -> Reference | None:
        """None for a layout's folder."""
        return None if Path(self.target).is_dir() else Reference.parse(self.target)


@dataclass(frozen=True, slots=True)
class Pulled:
    """The image, whose name has the digest in it, and the file of its component where that was wanted."""

    name: str
    verified: Verified
    output: Path | None


def pull_image(request: PullRequest, connection: ConnectionOptions, notes: Notes) -> Pulled:
    """Verify the image, and write what is wanted of it; `notes` gets what is wrong with the name that it gives.

    Raises UsageError for an index, VerificationError where the policy is not met, Error where something cannot be
    read or written, and where there is a file already unless `overwrite`. Then there is no component.
    """
    reference = request.reference
    output = request.output
    with open_source(request.target, connection) as source:
        with refuse_malformed():
            graph = read_image(source)
        if request.output_folder is not None:
            output = request.output_folder / _file_name(reference, graph, notes)
        if request.layout is not None:
            tag = None if reference is None else reference.tag
            copy_to_layout(plan_copy(source, request.policy, recursive=False), request.layout, tag)
            graph = read_image(Layout(request.layout))
        if output is None:
            verified = verify_image(graph, request.policy)
        else:
            verified = pull(graph, request.policy, output, overwrite=request.overwrite)
    return Pulled(_name(request.target, reference, graph.digest), verified, output)


def _file_name(reference: Reference | None, graph: ImageGraph, notes: Notes) -> str:
    path = "component" if reference is None else reference.repository.path
    name, problem = component_file_name(read_title(graph), path)
    if problem is not None:
        notes(problem)
    return name


def _name(target: str, reference: Reference | None, digest: Digest) -> str:
    return f"{target}@{digest}" if reference is None else str(reference.with_digest(digest))
