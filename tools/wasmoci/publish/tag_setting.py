"""Setting the tags of an image, which make it visible."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from wasmoci.oci.manifest import Descriptor
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.publish.tags import TagChange, stays_on, tag_state
from wasmoci.registry.client import RepositoryClient
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, Reason, VerificationError
from wasmoci.values.if_exists import IfExists


class TagSetting:
    """The tags to set on `image`, as `if_exists` says; `reads` has what they named at first. Raises as `stays_on`."""

    def __init__(
        self, client: RepositoryClient, tags: Sequence[str], image: Descriptor, if_exists: IfExists, reads: ReadAhead
    ) -> None:
        self._client = client
        self._image = image
        self._if_exists = if_exists
        self._reads = dict.fromkeys(tags, reads)

    def refuse(self) -> None:
        """Raise for a tag that would be refused."""
        if self._if_exists in (IfExists.VERIFY_SAME, IfExists.FAIL):
            self._stay()

    def expire(self, *, is_changed: bool = True) -> None:
        """Forget what the tags named, as that was some time ago: not where one is overwritten whatever it names.

        Nor where one stays and the repository is not changed, so that nothing but its name is told.
        """
        for tag in self._reads:
            change = None
            with suppress(Error):
                change = tag_state(self._reads[tag], tag, self._image.digest, self._if_exists).change
            is_overwritten = self._if_exists is IfExists.OVERWRITE and change in (TagChange.SET, TagChange.MOVED)
            if not is_overwritten and (is_changed or change is not TagChange.LEFT):
                self._reads[tag] = ReadAhead(self._client)

    def asks(self) -> list[Callable[[], object]]:
        """What is asked about the tags before `set`; nothing is where it is known."""
        return [partial(self._ask, tag) for tag in self._reads]

    def set(self, data: bytes) -> Mapping[str, Digest | None]:
        """Let the tags name the manifest `data`; give what those name that stay, and None for those that were set.

        Raises VerificationError (TAG_MOVED) where one that was set names something else.
        """
        stay = self._stay()
        new = [tag for tag, current in stay.items() if current is None]
        lane = self._client.at_once
        lane([partial(self._client.put_manifest, data, self._image.media_type, tag) for tag in new])
        lane([partial(self._check, tag) for tag in new])
        return stay

    def _ask(self, tag: str) -> None:
        with suppress(Error):
            self._reads[tag].resolve(tag)

    def _stay(self) -> dict[str, Digest | None]:
        return {tag: stays_on(reads, tag, self._image.digest, self._if_exists) for tag, reads in self._reads.items()}

    def _check(self, tag: str) -> None:
        found, _ = self._client.resolve(tag)
        if found.digest != self._image.digest:
            raise VerificationError(
                Reason.TAG_MOVED, f"tag {tag} was set to {self._image.digest} and points to {found.digest}"
            )
