"""Tags that name values of Bazel's workspace status."""

from collections.abc import Sequence
from pathlib import Path

from wasmoci.disk.files import read_bounded
from wasmoci.values.workspace_status import MAX_STATUS_SIZE, expanded, merged, parse_status


def stamped(tags: Sequence[str], status_files: Sequence[Path]) -> list[str]:
    """The tags with the values of the status files in them.

    Raises UsageError for a key that no file has and for a brace that belongs to none, FormatError, Error.
    """
    status = merged(parse_status(read_bounded(path, MAX_STATUS_SIZE, "the status file")) for path in status_files)
    return [expanded(tag, status) for tag in tags]
