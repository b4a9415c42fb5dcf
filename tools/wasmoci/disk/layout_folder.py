"""Whether there is an image layout at a path at all, and in words what is there instead."""

import os
from pathlib import Path

from wasmoci.disk.files import os_errors
from wasmoci.values.errors import Error

MARKER_FILE, INDEX_FILE = "oci-layout", "index.json"


def check_is_layout(path: Path) -> None:
    """Raise Error where no file says that it is a layout; one that has only a part of a layout is for its reader."""
    # The methods of Path raise for folders that nobody may read.
    if os.path.exists(path / MARKER_FILE) or os.path.exists(path / INDEX_FILE):  # noqa: PTH110
        return
    raise Error(
        f"there is no image layout at {path}, but {_found(path)}: name a folder with {MARKER_FILE} and {INDEX_FILE} in "
        "it, or build it first"
    )


def _found(path: Path) -> str:
    if not path.is_dir():
        return "a file" if path.is_file() else "a link to nothing" if path.is_symlink() else "nothing"
    with os_errors(f"read the folder {path}"):
        names = sorted(os.listdir(path))  # noqa: PTH208
    for name in names:
        if os.path.exists(path / name / MARKER_FILE):  # noqa: PTH110
            return f"a folder of layouts, such as {path / name}"
    return "another folder" if names else "an empty folder"
