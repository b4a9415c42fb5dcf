"""A blob's file is hashed again where it may have changed since it was hashed last."""

import io
from pathlib import Path

import pytest

from changed_file_fixtures import CHANGES, Change, overwritten_at
from counted_file_fixtures import count_reads
from wasmoci.disk import checked_file
from wasmoci.disk.blob_files import BLOBS_FOLDER, BlobFiles
from wasmoci.oci.manifest import Descriptor
from wasmoci.values.errors import Reason, VerificationError

CONTENT = bytes(range(100))
BLOB = Descriptor.of("application/wasm", CONTENT)


@pytest.fixture(name="files")
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlobFiles:
    monkeypatch.setattr(checked_file, "BLOCK_SIZE", 16)
    path_of(tmp_path).parent.mkdir(parents=True)
    path_of(tmp_path).write_bytes(CONTENT)
    return BlobFiles(tmp_path, {})


def path_of(folder: Path) -> Path:
    return folder / BLOBS_FOLDER / BLOB.digest.hex


@pytest.mark.parametrize("is_known", [False, True])
def test_a_file_that_was_hashed_is_not_hashed_again(
    is_known: bool, files: BlobFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_known:
        files.copy_blob(BLOB, None)
    counts = count_reads(monkeypatch)
    with files.open_again(BLOB) as file:
        assert counts[BLOB.digest] == (0 if is_known else len(CONTENT))
        assert file.read() == CONTENT


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_changed_after_it_was_hashed(change: Change, files: BlobFiles, tmp_path: Path) -> None:
    files.copy_blob(BLOB, None)
    change(path_of(tmp_path))
    with pytest.raises(VerificationError) as refused:
        files.open_again(BLOB)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def test_a_file_whose_start_is_changed_while_its_end_is_hashed(files: BlobFiles, tmp_path: Path) -> None:
    class Target(io.BytesIO):
        def write(self, block: object) -> int:
            if self.tell() == 16:
                overwritten_at(3)(path_of(tmp_path))
            return super().write(block)  # type: ignore[arg-type]

    target = Target()
    files.copy_blob(BLOB, target)
    assert target.getvalue() == CONTENT
    with pytest.raises(VerificationError, match="but its bytes have"):
        files.open_again(BLOB)


def test_a_descriptor_of_another_size(files: BlobFiles) -> None:
    files.copy_blob(BLOB, None)
    with pytest.raises(VerificationError, match="must have 99 bytes, but it has more"):
        files.open_again(Descriptor(BLOB.media_type, BLOB.digest, 99))
