"""The referrers tag schema (distribution-spec 1.1): an index at tag `sha256-<hex>` for registries without the API.

Entries of other tools stay as they are, member for member: this works on the JSON, not on Descriptors.
"""

import json
from typing import Any

from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, Descriptor
from wasmoci.oci.referrers import ReferrerList
from wasmoci.values.digest import Digest
from wasmoci.values.strict_json import dump


def fallback_tag(subject: Digest) -> str:
    return f"sha256-{subject.hex}"


def entries(index: bytes) -> ReferrerList:
    """Raises FormatError, LimitError above MAX_REFERRERS."""
    return ReferrerList.parse(index, "the fallback index of referrers")


def with_entry(index: bytes | None, entry: Descriptor) -> bytes:
    """`index` (None where there is none yet) with `entry` at its end; raises as `entries` does."""
    manifests: list[object] = []
    members: dict[str, Any] = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE}
    if index is not None:
        entries(index)
        members = json.loads(index)
        manifests = members["manifests"]
    members["manifests"] = [*manifests, entry.to_json()]
    return dump(members)
