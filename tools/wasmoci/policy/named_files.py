"""The files that a policy names: keys and a trusted root."""

import posixpath
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wasmoci.disk.files import read_bounded
from wasmoci.keys.reference import has_scheme
from wasmoci.policy.document import MAX_DOCUMENT_SIZE, Node, read_document
from wasmoci.values.errors import Error

_FILES = ("trustedRoot", "componentKey", "imageKey")


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """Files by their paths from `folder`; where there are `given` ones, those alone, by what the policy calls them.

    Then a key reference is a name as others are, and nothing is asked of a service.
    """

    folder: Path
    given: Mapping[str, Path] | None = None

    def path(self, node: Node) -> Path:
        """Raises UsageError with its place for a file that is not given."""
        text = node.text()
        if self.given is None:
            return self.folder / text
        found = self.given.get(text) or self.given.get(posixpath.normpath(text))
        if found is None:
            raise node.place.error(
                f"{text} is not among the files of the policy's target: name it, or the target of its key, in `files`"
            )
        return found

    def reference(self, node: Node) -> str:
        """A key reference, the path of a file or a text with a scheme; raises as `path`."""
        if self.given is None and has_scheme(node.text()):
            return node.text()
        return str(self.path(node))


def files_named_by(policy: Path) -> Iterator[Path]:
    """The files of a policy, which may have faults; none of one that is no YAML, or a pipe, which is read only once."""
    with suppress(Error, OSError):
        if not policy.is_file():
            return
        waiting = [read_document(read_bounded(policy, MAX_DOCUMENT_SIZE, "the policy"), str(policy))]
        while waiting:
            node = waiting.pop()
            if isinstance(node.value, dict):
                waiting += node.value.values()
                texts = [node.value[name].value for name in _FILES if name in node.value]
                yield from (policy.parent / text for text in texts if isinstance(text, str) and "\0" not in text)
