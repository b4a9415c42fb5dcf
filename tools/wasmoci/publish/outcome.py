"""What became of an image in one repository."""

from dataclasses import dataclass

from wasmoci.publish.plan import Plan
from wasmoci.publish.send import Published
from wasmoci.values.errors import Error
from wasmoci.values.image_reference import Repository


@dataclass(frozen=True, slots=True)
class Outcome:
    """Either what was sent there, or why that failed."""

    repository: Repository
    published: Published | None
    error: Error | None = None


def references_of(repository: Repository, planned: Plan) -> list[str]:
    """The names of an image in a repository, one for each tag."""
    return [f"{repository}:{tag}@{planned.digest}" for tag in planned.tags]


def counts(published: Published) -> str:
    """What was sent and what was there, in words."""
    if published.is_nothing:
        return f"nothing to send, all of it ({published.present}) is there"
    left = f", tags left as they are: {', '.join(published.tags_left)}" if published.tags_left else ""
    return f"sent {published.sent}, already there {published.present}{left}"
