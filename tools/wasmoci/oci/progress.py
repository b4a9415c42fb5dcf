"""How a transfer says how far it is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from wasmoci.oci.manifest import Descriptor


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told of a transfer. Both are called by several threads at once.

    `step` gets one line, not yet printable, for each step that is done. `moved` gets a blob and how many of
    its bytes are on their way: fewer than before where a connection broke and the registry has fewer.
    """

    step: Callable[[str], object]
    moved: Callable[[Descriptor, int], object] = lambda _blob, _count: None


SILENT = Progress(lambda _: None)

# Shows a transfer while the block runs.
Watch = Callable[[], AbstractContextManager[Progress]]
