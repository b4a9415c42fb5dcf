"""Sign an image where that happens outside of the build: the component first, then the manifest, then statements."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from wasmoci.disk.files import atomic_folder
from wasmoci.disk.layout import Layout
from wasmoci.values.errors import UsageError

_T = TypeVar("_T")

# Writes to the second path what it makes of the layout at the first.
Step = Callable[[Path, Path], object]


def sign_layout(layout: Path, output: Path, steps: Sequence[Step], check: Callable[[Layout], _T]) -> _T:
    """Take the layout through `steps` and return what `check` says of the result.

    `output` appears when all have ended well, `check` too; it must be new or empty. Raises UsageError without
    steps, Error where it cannot be written, and what the steps and `check` raise.
    """
    if not steps:
        raise UsageError("nobody is named who signs, so nothing would be signed")
    with atomic_folder(output) as made, tempfile.TemporaryDirectory() as folder:
        for number, step in enumerate(steps, start=1):
            target = made if number == len(steps) else Path(folder, str(number))
            step(layout, target)
            layout = target
        return check(Layout(made))
