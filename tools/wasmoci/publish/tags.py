"""Tags that exist before an image is published."""

from dataclasses import dataclass
from enum import Enum

from wasmoci.registry.client import RepositoryClient
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository


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
    """What is to become of `tag`, which is to name `digest`: None where that is a new one. Raises RegistryError."""
    found = client.find_manifest(tag)
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


def stays(client: RepositoryClient, tag: str, digest: Digest, if_exists: IfExists) -> bool:
    """Whether `tag` is to stay as it is; false where it is to be set to `digest`.

    Raises VerificationError (TAG_EXISTS) where the tag is not as `if_exists` wants it, RegistryError.
    """
    state = tag_state(client, tag, digest, if_exists)
    if state.change is TagChange.REFUSED:
        raise refusal(client.repository, state)
    return state.change is TagChange.LEFT


def refusal(repository: Repository, state: TagState) -> VerificationError:
    """The error of a tag that is refused."""
    return VerificationError(
        Reason.TAG_EXISTS,
        f"tag {state.tag} of {repository} exists and points to {state.current}, so nothing is published as it",
    )
