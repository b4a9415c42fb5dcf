"""Publishing many images in one run, with shared connections."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from wasmoci.oci.graph import ImageGraph
from wasmoci.oci.progress import Progress, Watch
from wasmoci.publish.look import DryRun, Shown, show
from wasmoci.publish.plan import Plan, PublishRequest, publish
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.publish.registry_state import is_published
from wasmoci.publish.send import Outcome, Published
from wasmoci.publish.signed import Publishing, check_publishing, published_references, send_to_each, signed
from wasmoci.registry.client import Registries
from wasmoci.registry.sources import ConnectionOptions
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.notes import Notes
from wasmoci.verify.index import Verdict

MAX_JOBS = 32

# Manifests of an image that are kept from the check of all images to its turn; larger ones are read again then.
MAX_KEPT_SIZE = 64 * 1024


@dataclass(slots=True)
class Image:
    """What `read` says is to be published, and whether only to show that; and what became of it."""

    name: str
    read: Callable[[], tuple[Publishing, bool]]
    publishing: Publishing | None = None
    is_shown_only: bool = False
    plan: Plan | None = None
    # `repository:tag`, and the digest that is to be there where that is known before the signing.
    places: Mapping[str, str | None] = field(default_factory=dict)
    verified: Verdict | None = None
    references: Sequence[str] = ()
    warnings: Sequence[str] = ()
    outcomes: Sequence[Outcome] = ()
    failure: Error | None = None
    shown: Shown | None = None

    def errors(self) -> list[Error]:
        failed = [outcome.error for outcome in self.outcomes if outcome.error is not None]
        in_the_way = [] if self.shown is None else self.shown.errors()
        return [*([] if self.failure is None else [self.failure]), *failed, *in_the_way]


def publish_all(images: Sequence[Image], jobs: int, dry_run: DryRun, notes: Notes, watch: Watch) -> None:
    """Publish all images, `jobs` at a time, each as `publish_signed` does; what became of them is noted in them.

    All of them are read and verified before the first is signed or sent, so that what is refused without
    a registry is known then. Whatever becomes of one, the others are published. Of an image that is there
    already only that is asked (is_published). Signatures are made one at a time.
    """
    _each(_check, images, jobs)
    _refuse_shared_tags(images)
    waiting = [image for image in images if image.failure is None]
    shown = [image for image in waiting if image.is_shown_only or dry_run is not DryRun.NO]
    sent = [image for image in waiting if image not in shown]
    with _Connections() as connections:
        _each(partial(_dry_run, connections, dry_run), shown, jobs)
        with watch() as progress:
            _each(_Sending(len(sent), connections, notes, progress).image, sent, jobs)


def in_words(image: Image) -> str:
    """What became of an image, in one line."""
    if image.failure is not None:
        return str(image.failure)
    return "; ".join(f"{outcome.repository}: {outcome.published or outcome.error}" for outcome in image.outcomes)


class _Connections(ExitStack):
    """Registries that are reached in the same way share connections; what is insecure for one image is for it only."""

    def __init__(self) -> None:
        super().__init__()
        self._all: dict[ConnectionOptions, Registries] = {}
        self._lock = Lock()

    def of(self, connection: ConnectionOptions) -> Registries:
        with self._lock:
            if connection not in self._all:
                self._all[connection] = self.enter_context(connection.registries())
            return self._all[connection]


class _Sending:
    """Signs and sends images; shared by threads."""

    def __init__(self, count: int, connections: _Connections, notes: Notes, progress: Progress) -> None:
        self._count = count
        self._done = 0
        self._connections = connections
        self._notes = notes
        self._progress = progress
        self._telling = Lock()
        self._signing = Lock()

    def image(self, image: Image) -> None:
        try:
            self._send(image)
        except Error as error:
            image.failure = error
        image.plan = None
        with self._telling:
            self._done += 1
            self._progress.step(f"[{self._done}/{self._count}] {image.name}: {in_words(image)}")

    def _send(self, image: Image) -> None:
        publishing, planned = _checked(image)
        registries = self._connections.of(publishing.connection)
        with ExitStack() as stack:
            if publishing.signing:
                with self._signing:
                    publishing, planned = stack.enter_context(signed(publishing, planned, registries, self._notes))
            image.verified, image.warnings = planned.verified, planned.warnings
            send = partial(self._publish, planned, registries)
            image.outcomes = send_to_each(publishing, send)
            image.references = published_references(planned, image.outcomes)

    def _publish(self, planned: Plan, registries: Registries, request: PublishRequest) -> Published:
        client = registries.client(request.repository)
        reads = ReadAhead(client)
        if request.if_exists is not IfExists.FAIL and is_published(planned.graph, planned.tags, reads):
            return Published(0, len(list(planned.graph.steps())), (), tuple(planned.tags))
        return publish(request, planned, client, Progress(lambda _: None, self._progress.moved), reads)


def _check(image: Image) -> None:
    image.publishing, image.is_shown_only = image.read()
    planned = check_publishing(image.publishing)
    image.verified = planned.verified
    image.plan = planned if _size(planned.graph) <= MAX_KEPT_SIZE else None
    digest = None if image.publishing.signing.makes_another_image else str(planned.digest)
    repositories = [request.repository for request in image.publishing.requests()]
    image.places = {f"{repository}:{tag}": digest for repository in repositories for tag in planned.tags}


def _refuse_shared_tags(images: Sequence[Image]) -> None:
    """Of two images that would have one tag, the tag would be on the one that comes last."""
    owners: dict[str, Image] = {}
    for image in images:
        for place, digest in image.places.items():
            owner = owners.setdefault(place, image)
            if owner is not image and (digest is None or digest != owner.places[place]):
                image.failure = UsageError(f"{owner.name} publishes another image as {place}")


def _checked(image: Image) -> tuple[Publishing, Plan]:
    if image.publishing is None:
        raise AssertionError("an image without a failure was read")
    return image.publishing, image.plan or check_publishing(image.publishing)


def _dry_run(connections: _Connections, dry_run: DryRun, image: Image) -> None:
    publishing, planned = _checked(image)
    registries = connections.of(publishing.connection) if dry_run is DryRun.CHECKED else None
    image.shown = show(publishing, planned, registries)


def _size(graph: ImageGraph) -> int:
    below = sum(map(_size, (*graph.entries, *graph.referrers)))
    return len(graph.data) + sum(len(tagged.data) for tagged in graph.tagged) + below


def _each(work: Callable[[Image], None], images: Iterable[Image], jobs: int) -> None:
    """Do the work for each image; an Error becomes the image's failure."""

    def do(image: Image) -> None:
        try:
            work(image)
        except Error as error:
            image.failure = error

    with ThreadPoolExecutor(jobs) as threads:
        futures = [threads.submit(do, image) for image in images]
        try:
            for future in futures:
                future.result()
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
