"""Copy an image to repositories and to a layout, each whatever becomes of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmoci.oci.manifest import REF_NAME_ANNOTATION
from wasmoci.oci.progress import Progress, Watch
from wasmoci.publish.copy import CopyPlan, copy_to_layout, copy_to_registry, plan_copy
from wasmoci.publish.outcome import Outcome
from wasmoci.publish.send import Destination
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.registry.sources import Sources
from wasmoci.values.errors import Error
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.notes import Notes
from wasmoci.verify.image import Policy


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """What to copy, an image by its reference or a layout's folder, and where to: repositories, each with its tags.

    Without a policy nothing is verified. An index is copied only if `recursive`.
    """

    source: str
    places: Mapping[Repository, Sequence[str]]
    policy: Policy | None = None
    layout: Path | None = None
    if_exists: IfExists = IfExists.OVERWRITE
    recursive: bool = False

    @property
    def reference(self) -> Reference | None:
        """None for a layout's folder."""
        return None if Path(self.source).is_dir() else Reference.parse(self.source)


@dataclass(frozen=True, slots=True)
class Copies:
    """What was copied, and what became of it in each repository."""

    plan: CopyPlan
    outcomes: Sequence[Outcome]


def plan_copies(request: CopyRequest, connection: ConnectionOptions) -> CopyPlan:
    """What would be copied: the source is read and verified, and nothing is sent. Raises what `plan_copy` raises."""
    with Sources(connection) as sources:
        return plan_copy(sources.open(request.source), request.policy, recursive=request.recursive)


def copy_image(request: CopyRequest, connection: ConnectionOptions, notes: Notes, watch: Watch) -> Copies:
    """Copy; `notes` gets all warnings before anything is sent. Raises what `plan_copy` and `copy_to_layout` raise."""
    with Sources(connection) as sources, watch() as progress:
        source = sources.open(request.source)
        reference = request.reference
        planned = plan_copy(source, request.policy, recursive=request.recursive)
        for warning in planned.warnings:
            notes(warning)
        if request.layout is not None:
            ref_name = source.root().annotations.get(REF_NAME_ANNOTATION) if reference is None else reference.tag
            copy_to_layout(planned, request.layout, ref_name, progress)
        destinations = (
            Destination(sources.registries().client(place), tags, request.if_exists, _path_beside(reference, place))
            for place, tags in request.places.items()
        )
        return Copies(planned, [_send(planned, destination, progress) for destination in destinations])


def _path_beside(reference: Reference | None, place: Repository) -> str | None:
    """The source's path, where that is in the registry of `place`."""
    own = None if reference is None else reference.repository
    return own.path if own is not None and own.registry == place.registry else None


def _send(planned: CopyPlan, destination: Destination, progress: Progress) -> Outcome:
    repository = destination.client.repository
    try:
        return Outcome(repository, copy_to_registry(planned, destination, progress))
    except Error as error:
        return Outcome(repository, None, error)
