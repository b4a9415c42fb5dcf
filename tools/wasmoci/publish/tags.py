"""Tags to publish as: which values of Bazel's workspace status they name, and whether they exist already."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from wasmoci.disk.files import read_bounded
from wasmoci.oci.manifest import Descriptor
from wasmoci.registry.client import RepositoryClient
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository
from wasmoci.values.workspace_status import MAX_STATUS_SIZE, expanded, merged, parse_status


class TagChange(str, Enum):
    """What publishing does to a tag: `set` one that is new, `moved`, `left` as it is, or `refused`."""

    SET = "set"
    MOVED = "moved"
    LEFT = "left"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class TagState:
    """A tag, what is to become of it, and what it names now."""

    tag: str
    change: TagChange
    current: Digest | None


def tag_state(client: RepositoryClient, tag: str, digest: Digest | None, if_exists: IfExists) -> TagState:
    """What is to become of `tag`, which is to name `digest`: None where that is a new one.

    Raises RegistryError; where a tag may be overwritten not for one that is forbidden to read, as those may be that
    do not exist.
    """
    found = client.find_manifest(tag, before_put=if_exists is IfExists.OVERWRITE)
    return _state_of(tag, found, digest, if_exists)


def attached_stays(client: RepositoryClient, tag: str, digest: Digest) -> bool:
    """Whether it stays, as `stays_on` with VERIFY_SAME, of a tag beside an image, which `find_attached` looks for."""
    return is_attached(client, tag, digest, client.find_attached(tag))


def is_attached(client: RepositoryClient, tag: str, digest: Digest, found: tuple[Descriptor, bytes] | None) -> bool:
    """The same where it is known what is there."""
    return _checked(client, _state_of(tag, found, digest, IfExists.VERIFY_SAME))


def _state_of(tag: str, found: tuple[Descriptor, bytes] | None, digest: Digest | None, if_exists: IfExists) -> TagState:
    if found is None:
        return TagState(tag, TagChange.SET, None)
    current = found[0].digest
    if if_exists is IfExists.FAIL or (if_exists is IfExists.VERIFY_SAME and current != digest):
        change = TagChange.REFUSED
    elif current == digest or if_exists is IfExists.SKIP:
        change = TagChange.LEFT
    else:
        change = TagChange.MOVED
    return TagState(tag, change, current)


def stays_on(client: RepositoryClient, tag: str, digest: Digest, if_exists: IfExists) -> Digest | None:
    """What `tag` names where it is to stay as it is; None where it is to be set to `digest`.

    Raises VerificationError (TAG_EXISTS) where the tag is not as `if_exists` wants it, RegistryError.
    """
    state = tag_state(client, tag, digest, if_exists)
    return state.current if _checked(client, state) else None


def _checked(client: RepositoryClient, state: TagState) -> bool:
    if state.change is TagChange.REFUSED:
        raise refusal(client.repository, state)
    return state.change is TagChange.LEFT


def refusal(repository: Repository, state: TagState) -> VerificationError:
    """The error of a tag that is refused."""
    return VerificationError(
        Reason.TAG_EXISTS,
        f"tag {state.tag} of {repository} exists and points to {state.current}, so nothing is published as it",
    )


def stamped(tags: Sequence[str], status_files: Sequence[Path]) -> list[str]:
    """The tags with the values of the status files in them.

    Raises UsageError for a key that no file has and for a brace that belongs to none, FormatError, Error.
    """
    status = merged(parse_status(read_bounded(path, MAX_STATUS_SIZE, "the status file")) for path in status_files)
    return [expanded(tag, status) for tag in tags]
