"""The bytes of blobs on their way: checked before they are sent, and not kept after."""

import errno
import io
import os
import tempfile
from pathlib import Path

import pytest

from image_fixtures import HELLO, MemoryImage, blob_path, make_image, write_layout
from wasmoci.disk import spool
from wasmoci.disk.layout import Layout
from wasmoci.oci.manifest import Descriptor
from wasmoci.publish.blob_supply import LayoutBlobs, SpooledBlobs, blobs_of
from wasmoci.values.errors import Error, Reason, VerificationError

COMPONENT = Descriptor.of("application/wasm", HELLO)


@pytest.fixture(name="image")
def _image() -> MemoryImage:
    return make_image(HELLO)


@pytest.fixture(name="layout")
def _layout(image: MemoryImage, tmp_path: Path) -> Layout:
    return Layout(write_layout(image, tmp_path / "layout"))


def test_the_blobs_of_a_layout(layout: Layout) -> None:
    blobs = LayoutBlobs(layout)
    for is_prepared in (False, True):
        if is_prepared:
            blobs.prepare(COMPONENT)
        with blobs.open(COMPONENT) as stream:
            assert stream.read() == HELLO
    blobs.release(COMPONENT)
    assert blob_path(layout.path, COMPONENT.digest).exists()


@pytest.mark.parametrize("content", [HELLO[:-1] + b"\1", HELLO + b"\0", HELLO[:-1]])
def test_other_bytes_in_a_layout(content: bytes, layout: Layout) -> None:
    blob_path(layout.path, COMPONENT.digest).write_bytes(content)
    with pytest.raises(VerificationError) as refused:
        LayoutBlobs(layout).prepare(COMPONENT)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def test_a_descriptor_of_another_size(layout: Layout) -> None:
    with pytest.raises(VerificationError, match=f"must have {len(HELLO) + 1} bytes"):
        LayoutBlobs(layout).prepare(COMPONENT._replace(size=len(HELLO) + 1))


def spools() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("wasm-oci-*"))


def test_other_sources_are_spooled(image: MemoryImage) -> None:
    before = spools()
    with blobs_of(image) as blobs:
        blobs.prepare(COMPONENT)
        for _ in range(2):
            with blobs.open(COMPONENT) as stream:
                assert stream.read() == HELLO
        (folder,) = (
            one for one in set(Path(tempfile.gettempdir()).iterdir()) - before if one.name.startswith("wasm-oci-")
        )
        assert len(list(folder.iterdir())) == 1
        blobs.release(COMPONENT)
        assert list(folder.iterdir()) == []
        blobs.prepare(COMPONENT)
    assert not folder.exists()


class Full(io.BytesIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_no_room_for_what_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "temporary_file", Full)
    with (
        pytest.raises(Error, match=f"cannot keep the blob {COMPONENT.digest} in a temporary file: No space left"),
        spool.spooled(lambda _, target: target.write(HELLO), COMPONENT._replace(size=spool.MAX_IN_MEMORY + 1)),
    ):
        pass


def test_what_was_never_fetched_is_released_all_the_same(image: MemoryImage) -> None:
    with blobs_of(image) as blobs:
        blobs.release(COMPONENT)


def test_layouts_are_read_in_place_and_checked(layout: Layout) -> None:
    blob_path(layout.path, COMPONENT.digest).write_bytes(b"other")
    with blobs_of(layout) as blobs, pytest.raises(VerificationError):
        blobs.prepare(COMPONENT)


def test_no_room(image: MemoryImage, tmp_path: Path) -> None:
    with pytest.raises(Error, match="cannot keep the blob"):
        SpooledBlobs(image, tmp_path / "missing").prepare(COMPONENT)


def test_no_temporary_folder(image: MemoryImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(Error, match="cannot make a temporary folder"), blobs_of(image):
        pass
