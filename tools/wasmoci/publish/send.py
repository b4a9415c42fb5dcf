"""Send an image with everything that belongs to it, so that a tag that can be seen is on a whole image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wasmoci.oci.graph import ImageGraph
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.progress import Progress
from wasmoci.publish.blob_supply import BlobSupply
from wasmoci.publish.presence import Presence, small_content, subjects_of
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.publish.registry_state import check_room
from wasmoci.publish.sending import Sending
from wasmoci.publish.tag_setting import TagSetting
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.referrers_api import Additions
from wasmoci.values.errors import Error
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository
from wasmoci.values.read_back import ReadBack


@dataclass(frozen=True, slots=True)
class Published:
    """How many blobs, manifests and signatures were sent, and how many were there; the tags set and left.

    Of those left, `tags_on_others` are on another image. `read_back` is None where nothing was.
    """

    sent: int
    present: int
    tags_set: tuple[str, ...]
    tags_left: tuple[str, ...]
    tags_on_others: tuple[str, ...] = ()
    read_back: ReadBack | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether the registry had it all."""
        return not self.sent and not self.tags_set

    def __str__(self) -> str:
        left = f", tags left as they are: {', '.join(self.tags_left)}" if self.tags_left else ""
        if self.is_nothing:
            return f"nothing to send, all of it ({self.present}) is there{left if self.tags_on_others else ''}"
        read = ", all read back" if self.read_back is ReadBack.ALL else ""
        return f"sent {self.sent}, already there {self.present}{read}{left}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an image in one repository: either what was sent there, or why that failed."""

    repository: Repository
    published: Published | None
    error: Error | None = None

    @classmethod
    def of(cls, repository: Repository, send: Callable[[], Published]) -> "Outcome":
        """Send, and keep the error where that fails."""
        try:
            return cls(repository, send())
        except Error as error:
            return cls(repository, None, error)


@dataclass(frozen=True, slots=True)
class Destination:
    """The repository behind `client`, and the tags to set there.

    `mount_from` is the path of a repository of the same registry that may have the blobs.
    """

    client: RepositoryClient
    tags: Sequence[str] = ()
    if_exists: IfExists = IfExists.OVERWRITE
    mount_from: str | None = None
    read_back: ReadBack = ReadBack.SIGNATURES


def send_image(
    graph: ImageGraph,
    blobs: BlobSupply,
    destination: Destination,
    progress: Progress,
    check: Callable[[RepositoryClient], object] | None = None,
    reads: ReadAhead | None = None,
) -> Published:
    """Send what is not there: of each image blobs, manifest, referrers, cosign's tags; an index after its entries.

    Then comes `check`, which raises where the copy that it reads from the registry is not what it should be, and the
    tags at last: they alone make the image visible, so this may fail or be killed before at any time. `reads` has
    what was asked just before. Raises RegistryError, VerificationError where a tag is not as `if_exists` wants it and
    where an SBOM is there already that is another, what `blobs` raises; LimitError, before anything is sent, where
    verifiers would not read the result.
    """
    client = destination.client
    content = [] if check is None else small_content(graph.parts())
    presence = Presence(reads := reads or ReadAhead(client))
    presence.ask_all(graph, destination.tags, content)
    tags = TagSetting(client, destination.tags, graph.descriptor, destination.if_exists, reads)
    tags.refuse()
    check_room(graph, presence)
    sending = Sending(graph, blobs, client, presence, progress)
    sending.blobs(destination.mount_from)
    additions = sending.manifests(are_checked=check is not None)

    def trusted(blob: Descriptor) -> bool:
        return destination.read_back is ReadBack.SIGNATURES and client.has_confirmed(blob)

    def verify() -> None:
        # Where nothing has changed, what was asked at first is the copy.
        copy = reads if sending.is_unchanged else ReadAhead(client, trusted)
        if check is not None and not sending.is_unchanged:
            Presence(copy).ask_again(graph, small_content(graph.parts(), trusted), presence)
        copy.ahead(copy.listed(subject) for subject in subjects_of(graph.parts()) if presence.has_api(subject))
        additions.check_lists(copy.referrers, copy.referrers_again)
        if check is not None:
            check(copy)

    tags.expire(is_changed=not sending.is_unchanged)
    _settle(client, additions, verify, tags)
    if check is not None:
        progress.step("the registry's copy is verified")
    changes = tags.set(graph.data)
    for tag, current in changes.items():
        left = "as it is" if current == graph.digest else f"on {current}"
        progress.step(f"tag {tag}" if current is None else f"tag {tag} is left {left}")
    return Published(
        sent=sending.sent,
        present=sending.present,
        tags_set=tuple(tag for tag, current in changes.items() if current is None),
        tags_left=tuple(tag for tag, current in changes.items() if current is not None),
        tags_on_others=tuple(tag for tag, current in changes.items() if current not in (None, graph.digest)),
        read_back=None if check is None else destination.read_back,
    )


def _settle(client: RepositoryClient, additions: Additions, verify: Callable[[], object], tags: TagSetting) -> None:
    """Verify the copy while others who write what was added to end, and then see to it that this stays.

    Until then they may have overwritten it: the copy is verified anew where it was not found good or added to again.
    """
    failures: list[Error] = []

    def verify_early() -> None:
        try:
            verify()
        except Error as error:
            if not additions.are_open:
                raise
            failures.append(error)

    stayed = additions.settle(verify_early, tags.asks())
    if failures or not stayed:
        verify()
        tags.expire()
        client.at_once(tags.asks())
