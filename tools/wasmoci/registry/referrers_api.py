"""Manifests that refer to a subject: the referrers API, and the tag schema where there is none.

The referrers tag schema (distribution-spec 1.1) is an index at tag `sha256-<hex>`.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from enum import Enum
from functools import partial

from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor
from wasmoci.oci.referrers import (
    MAX_LISTED,
    ReferrerList,
    fallback_entries,
    fallback_tag,
    with_entries,
    without_entries,
)
from wasmoci.registry.auth import Access
from wasmoci.registry.manifests import ManifestClient
from wasmoci.registry.session import RegistryConnection
from wasmoci.registry.tag_race import OpenAddition, TagAddition, TagAdditions, random_pause
from wasmoci.registry.transport import Request, Response
from wasmoci.registry.url import Url
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, LimitError, RegistryError

MAX_PAGES = 100

Ask = Callable[[Digest], ReferrerList | None]

# Finds the manifest at a tag, as the client's methods do.
Find = Callable[[str], tuple[Descriptor, bytes] | None]
MAX_LISTING_ATTEMPTS = 5

_OK = 200

# How registries say that they have no such API, beside 404. GHCR sends the asker to GitHub's web pages (303:
# https://github.com/artifacthub/hub/issues/4785); others answer 400, Artifactory 406, or 200 with a page of their own.
_API_ABSENT = frozenset({303, 400, 404, 406})

_NEXT_LINK = re.compile(r'<([^<>]*)>[^,<>]*;[ \t]*rel="?next"?')


class Listing(str, Enum):
    """Where a referrer is listed."""

    API = "api"
    FALLBACK_INDEX = "fallback-index"


class ReferrersClient(ManifestClient):
    """The part of a RepositoryClient that lists and attaches referrers, and adds to what tags name."""

    def referrers(
        self, subject: Digest, artifact_type: str | None = None, *, limit: int = MAX_LISTED
    ) -> ReferrerList | None:
        """What the referrers API lists, of every artifact type or of one; None where the registry has no such API.

        All pages are read, and only the first of a list of all types can say that there is no API: a registry may
        refuse to filter, or not do it. Any other failure is an error; more than `limit` raise LimitError.
        """
        url = self._session.url(f"referrers/{subject}")
        if artifact_type is not None:
            url = url.with_query([("artifactType", artifact_type)])
        found = ReferrerList()
        headers = {"Accept": INDEX_MEDIA_TYPE}
        for page in range(MAX_PAGES):
            request = Request("GET", url, headers, idempotent=True)
            may_be_absent = not page and artifact_type is None
            expected = {_OK, *_API_ABSENT} if may_be_absent else {_OK}
            with self._session.request(request, expected, Access.PULL) as response:
                if may_be_absent and (response.status != _OK or response.media_type != INDEX_MEDIA_TYPE):
                    return None
                found += _read_page(response)
                next_page = self._next_page(response)
            found.check_count(subject, limit)
            if next_page is None:
                return found
            url = next_page
        raise LimitError(f"the referrers of {subject} have more pages than the limit of {MAX_PAGES}")

    def read_fallback_index(self, subject: Digest, find: Find | None = None) -> ReferrerList | None:
        """What the index at tag `sha256-<hex>` lists; None where `find`, by default `find_manifest`, finds none."""
        index = self._read_fallback_index(subject, find or self.find_manifest)
        return None if index is None else fallback_entries(index)

    @contextmanager
    def additions(self) -> Iterator["Additions"]:
        """For what is added under tags in the body; it counts, and stays against others, when the `with` has ended."""
        made = self.new_additions()
        yield made
        made.write_lists()
        made.check_lists(self.referrers, self.referrers)
        made.settle()

    def new_additions(self) -> "Additions":
        """The same for a caller who sees to each of its steps."""
        return Additions(self, self._session.connection)

    def add_under_tag(self, tag: str, media_type: str, added: Callable[[bytes | None], bytes | None]) -> None:
        """Let `tag` name the manifest that `added` makes of the one it names now, against others who do the same.

        `added` gets None where the tag names nothing, and returns None where there is nothing left to
        add; content that its manifest needs it puts first. It may be called many times.
        """
        with self.additions() as made:
            made.add(self.addition_under_tag(tag, media_type, added))

    def addition_under_tag(
        self, tag: str, media_type: str, added: Callable[[bytes | None], bytes | None]
    ) -> TagAddition:
        """What `add_under_tag` adds."""

        def read() -> bytes | None:
            found = self.find_attached(tag)
            return None if found is None else found[1]

        return TagAddition(tag, read, added, lambda data: self.put_manifest(data, media_type, tag))

    def attach_referrer(
        self, subject: Digest, entry: Descriptor, data: bytes, additions: "Additions | None" = None
    ) -> Listing | None:
        """Put the manifest `data`, whose subject is `subject`, and see to it that `entry` is listed.

        Its blobs must be there. `entry` describes `data` as an index does (oci.referrer_descriptor). That it is listed
        is one of `additions`, and not known before these count; without them it is when this returns.
        """
        with self.additions() if additions is None else nullcontext(additions) as made:
            made.attached(subject, entry, claims_api=self.put_manifest(data, entry.media_type, entry.digest))
        return made.listing(subject) if additions is None else None

    def remove_from_fallback_index(self, subject: Digest, gone: Collection[Digest]) -> bool:
        """Take entries out of the index at tag `sha256-<hex>`; false where the registry lists by its API."""
        if self.referrers(subject) is not None:
            return False
        with self.additions() as made:
            made.add(self.addition_to_index(subject, lambda index: without_entries(index, gone)))
        return True

    def addition_to_index(self, subject: Digest, added: Callable[[bytes | None], bytes | None]) -> TagAddition:
        """Lets the index at tag `sha256-<hex>` be what `added` makes of it."""
        tag, read = fallback_tag(subject), partial(self._read_fallback_index, subject, self.find_attached)
        return TagAddition(tag, read, added, lambda data: self.put_manifest(data, INDEX_MEDIA_TYPE, tag))

    def _read_fallback_index(self, subject: Digest, find: Find) -> bytes | None:
        tag = fallback_tag(subject)
        found = find(tag)
        # GitLab takes the tag for the digest and answers the subject itself: https://github.com/oras-project/oras-go/issues/1396
        if found is None or found[0].digest == subject:
            return None
        descriptor, data = found
        if descriptor.media_type != INDEX_MEDIA_TYPE:
            raise FormatError(f"tag {tag} must be an index of referrers, but it is {descriptor.media_type}")
        return data

    def _next_page(self, response: Response) -> Url | None:
        link = response.header("Link")
        if link is None:
            return None
        match = _NEXT_LINK.search(link)
        if match is None:
            raise response.error(f"a Link that names no next page: {response.quote('Link')}")
        return self._session.own_location(response, match[1])


def _read_page(response: Response) -> ReferrerList:
    """Raises RegistryError, LimitError for a list that is larger than an image may have."""
    where = f"the list of referrers at {response.url}"
    if response.media_type != INDEX_MEDIA_TYPE:
        raise response.error(f"Content-Type must be {INDEX_MEDIA_TYPE}, got: {response.quote('Content-Type')}")
    try:
        return ReferrerList.parse(response.read(MAX_MANIFEST_SIZE, where), where).bare()
    except LimitError:
        raise
    except FormatError as error:
        raise RegistryError(str(error), response.status) from None


class Additions(TagAdditions):
    """What is added under tags, and listed: as the referrers API decides, for OCI-Subject is a claim only."""

    def __init__(self, client: ReferrersClient, connection: RegistryConnection) -> None:
        super().__init__(connection.sleep, connection.looks.run)
        self._client = client
        # What was attached to each subject, and whether the registry then claimed to have a referrers API.
        self._entries: dict[Digest, list[Descriptor]] = {}
        self._claims: set[Digest] = set()
        # What was read of each subject: by the API, None where there is none; of the fallback index.
        self._listed: dict[Digest, ReferrerList | None] = {}
        self._opened: dict[Digest, OpenAddition] = {}

    def attached(self, subject: Digest, entry: Descriptor, *, claims_api: bool) -> None:
        """The manifest of `entry` is there, and is to be listed for `subject`."""
        self._entries.setdefault(subject, []).append(entry)
        if claims_api:
            self._claims.add(subject)

    def looks(self, subject: Digest) -> list[Callable[[], object]]:
        """What is read of the lists of a subject that is there, before `write_lists` or by that."""
        return [partial(self._ask_api, subject), partial(self._read_index, subject)]

    def write_lists(self) -> None:
        """Add all that is attached to the fallback index of its subject, where the registry has no referrers API."""
        self.at_once([partial(self._list, subject) for subject in self._entries])

    def has_api(self, subject: Digest) -> None:
        """The registry is known to have a referrers API, which lists nothing of what is attached yet."""
        self._listed[subject] = ReferrerList()

    def check_lists(self, ask: Ask, ask_again: Ask) -> None:
        """Wait until the referrers API lists what is attached; RegistryError where it never does."""
        for subject, entries in self._entries.items():
            if self.listing(subject) is Listing.API:
                self._check_list(subject, entries, ask, ask_again)

    def listing(self, subject: Digest) -> Listing:
        """Where something is listed that was attached."""
        return Listing.FALLBACK_INDEX if self._listed[subject] is None else Listing.API

    def _list(self, subject: Digest) -> None:
        # A registry may say that it has no such API, of a subject to which nothing was attached yet.
        if self._listed.get(subject) is None and (subject not in self._listed or subject in self._claims):
            self._listed[subject] = self._client.referrers(subject)
        if self.listing(subject) is Listing.FALLBACK_INDEX:
            self.write(self._opened.get(subject) or self.read(self._addition(subject)))

    def _check_list(self, subject: Digest, entries: Sequence[Descriptor], ask: Ask, ask_again: Ask) -> None:
        looks: list[Ask] = [self._listed.__getitem__, ask, *[ask_again] * (MAX_LISTING_ATTEMPTS - 1)]
        for attempt, look in enumerate(looks):
            if attempt > 1:
                self.sleep(random_pause(attempt - 2))
            listed = look(subject)
            missing = [entry.digest for entry in entries if listed is None or not listed.lists(entry.digest)]
            if not missing:
                return
        raise RegistryError(f"the registry took the referrer {missing[0]} but does not list it for {subject}")

    def _addition(self, subject: Digest) -> TagAddition:
        return self._client.addition_to_index(subject, lambda index: with_entries(index, self._entries[subject]))

    def _ask_api(self, subject: Digest) -> None:
        with suppress(Error):
            self._listed[subject] = self._client.referrers(subject)

    def _read_index(self, subject: Digest) -> None:
        with suppress(Error):
            self._opened[subject] = self.read(self._addition(subject))
