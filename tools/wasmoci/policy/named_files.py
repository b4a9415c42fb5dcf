"""The files that a policy names: keys and a trusted root."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wasmoci.keys.reference import has_scheme
from wasmoci.policy.document import Node


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
