"""Manifests that refer to a subject: the referrers API, and the tag schema where there is none.

The referrers tag schema (distribution-spec 1.1) is an index at tag `sha256-<hex>`. Entries of other tools stay in it as
they are, member for member: it is changed as JSON, not as Descriptors.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from enum import Enum
from functools import partial
from typing import Any

from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor
from wasmoci.oci.referrers import MAX_LISTED, MAX_REFERRERS, ReferrerList
from wasmoci.registry.auth import Access
from wasmoci.registry.manifests import ManifestClient
from wasmoci.registry.tag_race import TagAddition, TagAdditions, random_pause
from wasmoci.registry.transport import Request, Response
from wasmoci.registry.url import Url
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, RegistryError
from wasmoci.values.strict_json import dump

MAX_PAGES = 100

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
            if found.count > limit:
                raise LimitError(
                    f"the list of referrers of {subject} has {found.count} or more referrers, the limit is {limit}"
                )
            if next_page is None:
                return found
            url = next_page
        raise LimitError(f"the referrers of {subject} have more pages than the limit of {MAX_PAGES}")

    def read_fallback_index(self, subject: Digest, find: Find | None = None) -> ReferrerList | None:
        """What the index at tag `sha256-<hex>` lists; None where `find`, by default `find_manifest`, finds none."""
        index = self._read_fallback_index(subject, find or self.find_manifest)
        return None if index is None else _fallback_entries(index)

    @contextmanager
    def additions(self) -> Iterator[TagAdditions]:
        """For what is added under tags in the body; it counts, and stays against others, when the `with` has ended."""
        made = TagAdditions(self._session.connection.sleep)
        yield made
        made.settle()

    def add_under_tag(
        self,
        tag: str,
        media_type: str,
        added: Callable[[bytes | None], bytes | None],
        additions: TagAdditions | None = None,
    ) -> None:
        """Let `tag` name the manifest that `added` makes of the one it names now, against others who do the same.

        `added` gets None where the tag names nothing, and returns None where there is nothing left to
        add; content that its manifest needs it puts first. It may be called many times. The addition is one
        of `additions`; without these it counts when this returns.
        """

        def read() -> bytes | None:
            found = self.find_attached(tag)
            return None if found is None else found[1]

        self._add(TagAddition(tag, read, added, lambda data: self.put_manifest(data, media_type, tag)), additions)

    def attach_referrer(
        self, subject: Digest, entry: Descriptor, data: bytes, additions: TagAdditions | None = None
    ) -> Listing:
        """Put the manifest `data`, whose subject is `subject`, and see to it that `entry` is listed.

        Its blobs must be there. `entry` describes `data` as an index does (oci.referrer_descriptor). The answer of
        the API decides where it is listed, as OCI-Subject is a claim only. What is listed in the fallback index is
        one of `additions`; without these it counts when this returns.
        """
        self.put_manifest(data, entry.media_type, entry.digest)
        for attempt in range(MAX_LISTING_ATTEMPTS):
            listed = self.referrers(subject)
            if listed is None:
                self.add_to_fallback_index(subject, entry, additions)
                return Listing.FALLBACK_INDEX
            if listed.lists(entry.digest):
                return Listing.API
            self._session.connection.sleep(random_pause(attempt))
        raise RegistryError(f"the registry took the referrer {entry.digest} but does not list it for {subject}")

    def add_to_fallback_index(self, subject: Digest, entry: Descriptor, additions: TagAdditions | None = None) -> None:
        """Add `entry` to the index at tag `sha256-<hex>` unless it is there, as `add_under_tag` does."""

        def added(index: bytes | None) -> bytes | None:
            if index is not None and _fallback_entries(index).lists(entry.digest):
                return None
            return _with_entry(index, entry)

        tag, read = fallback_tag(subject), partial(self._read_fallback_index, subject, self.find_attached)
        self._add(TagAddition(tag, read, added, lambda data: self.put_manifest(data, INDEX_MEDIA_TYPE, tag)), additions)

    def remove_from_fallback_index(self, subject: Digest, gone: Collection[Digest]) -> bool:
        """Take entries out of the index at tag `sha256-<hex>`; false where the registry lists by its API."""
        if self.referrers(subject) is not None:
            return False

        def kept(index: bytes | None) -> bytes | None:
            if index is None or not any(map(_fallback_entries(index).lists, gone)):
                return None
            members = json.loads(index)
            names = {str(digest) for digest in gone}
            members["manifests"] = [
                entry
                for entry in members["manifests"]
                if not isinstance(entry, dict) or entry.get("digest") not in names
            ]
            return dump(members)

        tag, read = fallback_tag(subject), partial(self._read_fallback_index, subject, self.find_attached)
        self._add(TagAddition(tag, read, kept, lambda data: self.put_manifest(data, INDEX_MEDIA_TYPE, tag)), None)
        return True

    def _add(self, addition: TagAddition, additions: TagAdditions | None) -> None:
        with self.additions() if additions is None else nullcontext(additions) as made:
            made.add(addition)

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
        raise RegistryError(f"{where}: Content-Type must be {INDEX_MEDIA_TYPE}, got: {response.quote('Content-Type')}")
    try:
        return ReferrerList.parse(response.read(MAX_MANIFEST_SIZE, where), where)
    except LimitError:
        raise
    except FormatError as error:
        raise RegistryError(str(error)) from None


def fallback_tag(subject: Digest) -> str:
    return f"sha256-{subject.hex}"


def _fallback_entries(index: bytes) -> ReferrerList:
    """Raises FormatError, LimitError above MAX_LISTED."""
    return ReferrerList.parse(index, "the fallback index of referrers")


def _with_entry(index: bytes | None, entry: Descriptor) -> bytes:
    """`index` (None where there is none yet) with `entry` at its end; LimitError where no more fit in."""
    manifests: list[object] = []
    members: dict[str, Any] = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE}
    if index is not None:
        count = _fallback_entries(index).count
        if count >= MAX_REFERRERS:
            raise LimitError(f"the fallback index of referrers has {count} entries, the limit is {MAX_REFERRERS}")
        members = json.loads(index)
        manifests = members["manifests"]
    members["manifests"] = [*manifests, entry.to_json()]
    return dump(members)
