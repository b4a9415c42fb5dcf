"""Manifests that refer to a subject: the referrers API, and the tag schema where there is none.

The referrers tag schema (distribution-spec 1.1) is an index at tag `sha256-<hex>`. Entries of other tools stay in it as
they are, member for member: it is changed as JSON, not as Descriptors.
"""

import json
import re
from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol

from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor
from wasmoci.oci.referrers import MAX_REFERRERS, ReferrerList
from wasmoci.registry.auth import Access
from wasmoci.registry.session import Session
from wasmoci.registry.tag_race import TagAddition, TagAdditions, random_pause
from wasmoci.registry.transport import Request, Response
from wasmoci.registry.url import Url
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, RegistryError
from wasmoci.values.strict_json import dump
from wasmoci.values.text import excerpt

MAX_PAGES = MAX_REFERRERS
MAX_LISTING_ATTEMPTS = 5

_OK, _SEE_OTHER, _NOT_FOUND = 200, 303, 404

# GHCR has no referrers API and sends the asker to GitHub's web pages: https://github.com/artifacthub/hub/issues/4785
_API_ABSENT = frozenset({_NOT_FOUND, _SEE_OTHER})

_NEXT_LINK = re.compile(r'<([^<>]*)>[^,<>]*;[ \t]*rel="?next"?')


class Listing(str, Enum):
    """Where a referrer is listed."""

    API = "api"
    FALLBACK_INDEX = "fallback-index"


class _FindManifest(Protocol):
    def __call__(self, reference: str | Digest) -> tuple[Descriptor, bytes] | None: ...


class _PutManifest(Protocol):
    def __call__(self, data: bytes, media_type: str, reference: str | Digest) -> bool: ...


class Referrers:
    """The referrers of one repository."""

    def __init__(
        self,
        session: Session,
        find_manifest: _FindManifest,
        put_manifest: _PutManifest,
        sleep: Callable[[float], None],
    ) -> None:
        self._session = session
        self._find_manifest = find_manifest
        self._put_manifest = put_manifest
        self._sleep = sleep

    def from_api(self, subject: Digest) -> ReferrerList | None:
        """All pages of the API's list; None where the API is absent, which any other failure is not."""
        url = self._session.url(f"referrers/{subject}")
        found = ReferrerList()
        headers = {"Accept": INDEX_MEDIA_TYPE}
        for page in range(MAX_PAGES):
            expected = {_OK} if page else {_OK, *_API_ABSENT}
            with self._session.request(
                Request("GET", url, headers, idempotent=True), expected, Access.PULL
            ) as response:
                if response.status != _OK:
                    return None
                found = (found + _read_page(response)).within_limit(f"the list of referrers of {subject}")
                next_page = self._next_page(response)
            if next_page is None:
                return found
            url = next_page
        raise LimitError(f"the referrers of {subject} have more pages than the limit of {MAX_PAGES}")

    def from_fallback_index(self, subject: Digest) -> ReferrerList | None:
        """None where there is no index."""
        index = self._read_fallback_index(subject)
        return None if index is None else _fallback_entries(index)

    def attach(self, subject: Digest, entry: Descriptor, data: bytes, additions: TagAdditions) -> Listing:
        """Put a referrer's manifest; then ask the API for it, and list it in the fallback index where there is no API.

        The answer of the API decides, as OCI-Subject is a claim only. In the index it counts once `additions` settle.
        """
        self._put_manifest(data, entry.media_type, entry.digest)
        for attempt in range(MAX_LISTING_ATTEMPTS):
            listed = self.from_api(subject)
            if listed is None:
                self.add_to_fallback_index(subject, entry, additions)
                return Listing.FALLBACK_INDEX
            if listed.lists(entry.digest):
                return Listing.API
            self._sleep(random_pause(attempt))
        raise RegistryError(f"the registry took the referrer {entry.digest} but does not list it for {subject}")

    def add_to_fallback_index(self, subject: Digest, entry: Descriptor, additions: TagAdditions) -> None:
        """Add `entry` to the index unless it is there, against others who do the same (tag_race.py)."""

        def added(index: bytes | None) -> bytes | None:
            if index is not None and _fallback_entries(index).lists(entry.digest):
                return None
            return _with_entry(index, entry)

        tag = fallback_tag(subject)
        additions.add(
            TagAddition(
                tag,
                lambda: self._read_fallback_index(subject),
                added,
                lambda index: self._put_manifest(index, INDEX_MEDIA_TYPE, tag),
            )
        )

    def _read_fallback_index(self, subject: Digest) -> bytes | None:
        tag = fallback_tag(subject)
        found = self._find_manifest(tag)
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
            raise RegistryError(f"{response.url}: a Link that names no next page: {excerpt(link)!r}")
        return self._session.own_location(response, match[1])


def _read_page(response: Response) -> ReferrerList:
    where = f"the list of referrers at {response.url}"
    if response.media_type != INDEX_MEDIA_TYPE:
        raise FormatError(f"{where}: Content-Type must be {INDEX_MEDIA_TYPE}, got: {response.media_type!r}")
    return ReferrerList.parse(response.read(MAX_MANIFEST_SIZE, where), where)


def fallback_tag(subject: Digest) -> str:
    return f"sha256-{subject.hex}"


def _fallback_entries(index: bytes) -> ReferrerList:
    """Raises FormatError, LimitError above MAX_REFERRERS."""
    return ReferrerList.parse(index, "the fallback index of referrers")


def _with_entry(index: bytes | None, entry: Descriptor) -> bytes:
    """`index` (None where there is none yet) with `entry` at its end; raises as `_fallback_entries` does."""
    manifests: list[object] = []
    members: dict[str, Any] = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE}
    if index is not None:
        _fallback_entries(index)
        members = json.loads(index)
        manifests = members["manifests"]
    members["manifests"] = [*manifests, entry.to_json()]
    return dump(members)
