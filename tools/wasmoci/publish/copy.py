"""Copy an image or index with everything that belongs to it, digests and all, between registries and layouts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from wasmoci.disk.files import atomic_folder
from wasmoci.disk.layout import Layout
from wasmoci.disk.layout_writer import LayoutWriter, attached_entries, root_entry
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.oci.manifest import REF_NAME_ANNOTATION
from wasmoci.oci.progress import SILENT, Progress, Watch
from wasmoci.oci.source import ImageSource
from wasmoci.publish.blob_supply import blobs_of
from wasmoci.publish.copy_source import Looks, open_to_copy
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.publish.send import Destination, Outcome, Published, send_image
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.registry.sources import ConnectionOptions, Sources, reference_of
from wasmoci.values.errors import Error, UsageError, refuse_malformed
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.notes import Notes
from wasmoci.values.read_back import ReadBack
from wasmoci.verify.index import Verdict, check_copy, verify_graph
from wasmoci.verify.policy import Policy

NOTHING_VERIFIED = (
    "nothing was verified, the bytes are copied as they are: name whom you trust, "
    "as by --component-key and --oci-key, and the image is verified here and there"
)


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What copying sends; `verified` is the verdict on the source, None where nobody is trusted.

    `missing` says what was left out because it is not there, and is among the warnings.
    """

    graph: ImageGraph
    verified: Verdict | None
    warnings: Sequence[str]
    missing: Sequence[str] = ()


def plan_copy(source: ImageSource, policy: Policy | None, *, recursive: bool, skip_missing: bool = False) -> CopyPlan:
    """Verify the source where there is a policy, and read what belongs to it; sends nothing.

    Raises UsageError for an index unless `recursive`, VerificationError where the policy is not met and for
    anything attached that is malformed or more than the limits allow, Error where the source cannot be read and
    where something attached is not there; with `skip_missing` that is left out and a warning.
    """
    missing: list[str] = []
    with refuse_malformed():
        graph = read_graph(source)
        if graph.is_index and not recursive:
            raise UsageError("the source is an index of several images: copy it and all of them with --recursive")
        verified = None if policy is None else verify_graph(graph, policy)
        graph.whole(missing)
    if missing and not skip_missing:
        raise Error(f"{missing[0]}; the rest is copied with --skip-missing")
    warnings = (NOTHING_VERIFIED,) if verified is None else verified.warnings
    left_out = [f"left out, {lack}" for lack in missing]
    return CopyPlan(graph, verified, (*warnings, *left_out), left_out)


def copy_to_registry(
    planned: CopyPlan, destination: Destination, progress: Progress, reads: ReadAhead | None = None
) -> Published:
    """Send what is not there, verify the copy where the source was verified, set the tags; see `send_image`."""
    client = destination.client
    verified = planned.verified

    def check(copy: RepositoryClient) -> None:
        if verified is not None:
            reference = Reference(client.repository, None, planned.graph.digest)
            check_copy(RegistrySource(reference, copy, forbidden_is_absent=True), verified)

    with blobs_of(planned.graph.source) as blobs:
        return send_image(planned.graph, blobs, destination, progress, None if verified is None else check, reads)


def copy_to_layout(planned: CopyPlan, output: Path, ref_name: str | None, progress: Progress = SILENT) -> None:
    """Write a layout, and verify it where the source was verified, before it gets the name `output`.

    `ref_name` is the tag that it proposes. Raises Error unless `output` is new or an empty folder, and where
    something cannot be read or written; VerificationError as `check_copy`, for blobs that are not what their
    descriptors say, and where the layout could not be read again.
    """
    graph = planned.graph
    with atomic_folder(output) as folder:
        writer = LayoutWriter.start(folder)
        with refuse_malformed():
            writer.add_graph(graph, progress)
            root = root_entry(graph.descriptor, ref_name, has_referrers=bool(graph.referrers))
            writer.finish([root, *attached_entries(graph, of_root=True)])
            read_graph(Layout(folder)).whole()
        if planned.verified is not None:
            check_copy(Layout(folder), planned.verified)
            progress.step("the layout is verified")


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """What to copy, an image by its reference or a layout's folder, and where to: repositories, each with its tags.

    Without a policy nothing is verified. An index is copied only if `recursive`, and what is attached and not there
    is left out only with `skip_missing`.
    """

    source: str
    places: Mapping[Repository, Sequence[str]]
    policy: Policy | None = None
    layout: Path | None = None
    if_exists: IfExists = IfExists.OVERWRITE
    recursive: bool = False
    skip_missing: bool = False
    read_back: ReadBack = ReadBack.SIGNATURES

    def plan(self, source: ImageSource) -> CopyPlan:
        """Raises what `plan_copy` raises."""
        return plan_copy(source, self.policy, recursive=self.recursive, skip_missing=self.skip_missing)


@dataclass(frozen=True, slots=True)
class Copies:
    """What was copied, and what became of it in each repository."""

    plan: CopyPlan
    outcomes: Sequence[Outcome]


def plan_copies(request: CopyRequest, connection: ConnectionOptions) -> CopyPlan:
    """What would be copied: the source is read and verified, and nothing is sent. Raises what `plan_copy` raises."""
    with Sources(connection) as sources:
        return request.plan(open_to_copy(request.source, sources, recursive=request.recursive))


def copy_image(request: CopyRequest, connection: ConnectionOptions, notes: Notes, watch: Watch) -> Copies:
    """Copy; `notes` gets all warnings before anything is sent. Raises what `plan_copy` and `copy_to_layout` raise."""
    with Sources(connection) as sources, watch() as progress:
        reference, client = reference_of(request.source), sources.registries().client
        # What the others have is asked when their turn comes.
        looks = {
            place: Looks(ReadAhead(client(place)), tags, is_checked=request.policy is not None)
            for place, tags in islice(request.places.items(), 1)
        }
        source = open_to_copy(request.source, sources, *looks.values(), recursive=request.recursive)
        planned = request.plan(source)
        for warning in planned.warnings:
            notes(warning)
        if request.layout is not None:
            ref_name = source.root().annotations.get(REF_NAME_ANNOTATION) if reference is None else reference.tag
            copy_to_layout(planned, request.layout, ref_name, progress)

        def send(place: Repository, tags: Sequence[str]) -> Published:
            own, beside = client(place), _path_beside(reference, place)
            destination = Destination(own, tags, request.if_exists, beside, request.read_back)
            reads = looks[place].reads.by(own) if place in looks else None
            return copy_to_registry(planned, destination, progress, reads)

        outcomes = [Outcome.of(place, partial(send, place, tags)) for place, tags in request.places.items()]
        return Copies(planned, outcomes)


def _path_beside(reference: Reference | None, place: Repository) -> str | None:
    """The source's path, where that is in the registry of `place`."""
    own = None if reference is None else reference.repository
    return own.path if own is not None and own.registry == place.registry else None
