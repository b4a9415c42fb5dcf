"""What is read of a file that others change meanwhile is what was hashed, or it is refused."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from changed_file_fixtures import (
    CHANGES,
    Change,
    emptied,
    grown,
    overwritten,
    overwritten_at,
    replaced,
    truncated,
)
from wasmoci.disk import checked_file
from wasmoci.disk.checked_file import CheckedFile
from wasmoci.oci.manifest import Descriptor
from wasmoci.values.errors import Reason, VerificationError

BLOCK = 16
CONTENT = bytes(range(100))
BLOB = Descriptor.of("application/wasm", CONTENT)


@pytest.fixture(name="path")
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checked_file, "BLOCK_SIZE", BLOCK)
    path = tmp_path / "blob"
    path.write_bytes(CONTENT)
    return path


def read(path: Path, stage: str, change: Change, offset: int = 0, size: int = len(CONTENT)) -> tuple[bytes, bytes]:
    """What the pass gives, and what is read at `offset` after it, where the file is changed in a stage of that."""
    passed: list[bytes] = []

    def take(block: bytes) -> None:
        passed.append(block)
        if stage == "while it is hashed" and len(passed) == 2:
            change(path)

    with path.open("rb") as file:
        if stage == "before it is hashed":
            change(path)
        checked = io.BufferedReader(CheckedFile(file, BLOB, take), 1)
        if stage == "after it was hashed":
            change(path)
        checked.seek(offset)
        return b"".join(passed), checked.read(size)


# Where a change has no effect: the open file is the old one, or the blob is all there.
HARMLESS = {(stage, replaced) for stage in ("before it is hashed", "while it is hashed", "after it was hashed")} | {
    ("after it was hashed", grown)
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("stage", ["before it is hashed", "while it is hashed", "after it was hashed"])
def test_a_file_that_is_changed(stage: str, change: Change, path: Path) -> None:
    if (stage, change) in HARMLESS:
        assert read(path, stage, change) == (CONTENT, CONTENT)
        return
    with pytest.raises(VerificationError, match=str(BLOB.digest)) as refused:
        read(path, stage, change)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("stage", ["while it is hashed", "after it was hashed"])
@pytest.mark.parametrize(
    ("offset", "size", "is_refused"),
    [(0, 1, True), (BLOCK - 1, 1, True), (BLOCK - 1, 2, True), (BLOCK, 2 * BLOCK, False), (BLOCK - 4, 5, True)],
)
def test_a_block_that_was_hashed_and_changed(stage: str, offset: int, size: int, is_refused: bool, path: Path) -> None:
    """Whoever reads other blocks gets the blob's bytes."""
    change = overwritten_at(3)
    if not is_refused:
        assert read(path, stage, change, offset, size) == (CONTENT, CONTENT[offset : offset + size])
        return
    with pytest.raises(VerificationError, match="was changed while it was read"):
        read(path, stage, change, offset, size)


@pytest.mark.parametrize("change", [truncated, emptied, overwritten, grown])
def test_the_end_of_a_file_that_is_changed(change: Change, path: Path) -> None:
    last = len(CONTENT) - 1
    if change is grown:
        assert read(path, "after it was hashed", change, last, 10)[1] == CONTENT[last:]
        return
    with pytest.raises(VerificationError, match="was changed while it was read"):
        read(path, "after it was hashed", change, last, 10)


def test_a_block_that_takes_the_place_of_another(path: Path) -> None:
    """Each is one that was hashed, and stands where it did not."""

    def swap(path: Path) -> None:
        path.write_bytes(CONTENT[BLOCK : 2 * BLOCK] + CONTENT[:BLOCK] + CONTENT[2 * BLOCK :])

    with pytest.raises(VerificationError, match="was changed while it was read"):
        read(path, "after it was hashed", swap, 0, 1)


SEEKS: list[Callable[[BinaryIO], int]] = [
    lambda file: file.seek(40),
    lambda file: file.seek(10) + file.seek(30, io.SEEK_CUR) - 10,
    lambda file: file.seek(-60, io.SEEK_END),
]


@pytest.mark.parametrize("seek", SEEKS)
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 60, 1000])
def test_it_is_read_as_any_file(seek: Callable[[BinaryIO], int], size: int, path: Path) -> None:
    with path.open("rb") as file:
        checked = io.BufferedReader(CheckedFile(file, BLOB, None))
        seek(checked)
        assert checked.tell() == 40
        assert checked.read(size) == CONTENT[40 : 40 + size]
        checked.seek(1000)
        assert checked.read(1) == b""


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_any_size(size: int, path: Path) -> None:
    path.write_bytes(CONTENT[:size])
    with path.open("rb") as file:
        blob = Descriptor.of("application/wasm", CONTENT[:size])
        assert io.BufferedReader(CheckedFile(file, blob, None)).read() == CONTENT[:size]
