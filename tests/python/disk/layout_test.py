"""OCI layouts on disk: everything that can be wrong with one."""

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from image_fixtures import (
    Edit,
    MemoryImage,
    attach_bundle,
    attach_legacy,
    blob_path,
    edited,
    fully_signed,
    legacy_layer,
    make_image,
    marked,
    write_layout,
)
from wasmoci.disk.layout import IMAGE_KIND, MAX_BLOBS, SIGNATURES_KIND, Layout
from wasmoci.disk.layout_writer import LayoutWriter
from wasmoci.oci import referrers as referrer_list
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor
from wasmoci.oci.referrers import MAX_REFERRERS
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, LimitError, MissingError, Reason, VerificationError


@pytest.fixture(name="image")
def _image() -> MemoryImage:
    return fully_signed()


@pytest.fixture(name="path")
def _path(image: MemoryImage, tmp_path: Path) -> Path:
    return write_layout(image, tmp_path / "layout")


def edit_index(path: Path, edit: Edit) -> None:
    index = path / "index.json"
    index.write_bytes(edited(index.read_bytes(), edit))


def test_image_and_everything_attached_is_found(image: MemoryImage, path: Path) -> None:
    layout = Layout(path)
    assert image.legacy is not None
    assert layout.subject().digest == image.image.digest
    assert layout.read_manifest(layout.subject()) == image.blobs[image.image.digest]
    assert [one.digest for one in layout.referrers(image.image.digest).descriptors] == [image.attached[0].digest]
    found = layout.cosign_tag(image.image.digest, CosignTag.SIGNATURES)
    assert found is not None
    assert found.digest == image.legacy.digest
    assert set(layout.blob_digests()) == set(image.blobs)


def test_referrer_that_index_json_does_not_list_is_found(image: MemoryImage, path: Path) -> None:
    edit_index(path, lambda top: top["manifests"].pop())
    assert len(Layout(path).referrers(image.image.digest).descriptors) == 1


def test_referrer_of_another_image_is_left_out(image: MemoryImage, path: Path) -> None:
    assert Layout(path).referrers(Digest.of(b"other")).descriptors == ()


def test_image_without_signatures_has_none(tmp_path: Path) -> None:
    image = make_image()
    layout = Layout(write_layout(image, tmp_path / "plain"))
    assert layout.referrers(image.image.digest).descriptors == ()
    assert layout.cosign_tag(image.image.digest, CosignTag.SIGNATURES) is None


@pytest.mark.parametrize("kind", [IMAGE_KIND, "dev.cosignproject.cosign/imageIndex"])
def test_an_index_is_a_root_and_no_image(kind: str, path: Path) -> None:
    """Cosign 3.1.3 reads an index's bundles where it is marked as an image, and saves indexes with the other mark."""
    edit_index(path, lambda top: top["manifests"][0].update(mediaType=INDEX_MEDIA_TYPE, annotations={"kind": kind}))
    layout = Layout(path)
    assert layout.root().media_type == INDEX_MEDIA_TYPE
    with pytest.raises(FormatError, match="an index of several images"):
        layout.subject()


def test_layout_of_other_tools_without_kinds_is_read(image: MemoryImage, path: Path) -> None:
    edit_index(
        path, lambda top: (top["manifests"][0].pop("annotations"), top["manifests"].pop(), top["manifests"].pop())
    )
    assert Layout(path).subject().digest == image.image.digest


def test_legacy_signatures_are_found_by_their_tag_alone(image: MemoryImage, path: Path) -> None:
    edit_index(path, lambda top: top["manifests"][1]["annotations"].pop("kind"))
    assert image.legacy is not None
    found = Layout(path).cosign_tag(image.image.digest, CosignTag.SIGNATURES)
    assert found is not None
    assert found.digest == image.legacy.digest


def test_legacy_signatures_are_found_by_their_kind_alone(image: MemoryImage, path: Path) -> None:
    edit_index(path, lambda top: top["manifests"][1]["annotations"].pop("org.opencontainers.image.ref.name"))
    assert Layout(path).cosign_tag(image.image.digest, CosignTag.SIGNATURES) is not None


def test_image_without_kind_is_told_from_legacy_signatures_that_have_theirs(image: MemoryImage, path: Path) -> None:
    edit_index(path, lambda top: (top["manifests"].pop(), top["manifests"][0].pop("annotations")))
    assert len(Layout(path).index.manifests) == 2
    assert Layout(path).subject().digest == image.image.digest


def test_referrer_is_found_whatever_white_space_it_starts_with(image: MemoryImage, path: Path) -> None:
    data = b"\n " + image.blobs[image.attached[0].digest]
    digest = LayoutWriter(path).add(data)
    assert digest in [one.digest for one in Layout(path).referrers(image.image.digest).descriptors]


@pytest.mark.parametrize("name", [b"subject", b"\\u0073ubject", b"s\\u0075bject", b"subjec\\u0074"])
def test_referrer_is_found_however_its_subject_is_spelled(image: MemoryImage, path: Path, name: bytes) -> None:
    data = image.blobs[image.attached[0].digest].replace(b'"subject"', b'"' + name + b'" ')
    digest = LayoutWriter(path).add(data)
    assert digest in [one.digest for one in Layout(path).referrers(image.image.digest).descriptors]


def missing(name: str) -> Callable[[Path], object]:
    return lambda path: (path / name).unlink()


def written(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda path: (path / name).write_bytes(data)


def index(edit: Edit) -> Callable[[Path], object]:
    return lambda path: edit_index(path, edit)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        pytest.param(missing("oci-layout"), "no OCI image layout", id="no_oci_layout_file"),
        pytest.param(written("oci-layout", b""), "oci-layout is not JSON", id="empty_oci_layout_file"),
        pytest.param(written("oci-layout", b"{}"), "`imageLayoutVersion` is missing", id="no_version"),
        pytest.param(
            written("oci-layout", b'{"imageLayoutVersion":"1.0.1"}'), "version must be 1.0.0", id="version_1_0_1"
        ),
        pytest.param(written("oci-layout", b'{"imageLayoutVersion":1}'), "must be a string", id="version_is_a_number"),
        pytest.param(missing("index.json"), "no OCI image layout", id="no_index"),
        pytest.param(written("index.json", b"{"), "index.json is not JSON", id="index_is_no_json"),
        pytest.param(index(lambda top: top.update(layers=[])), "does not belong", id="index_with_layers"),
        pytest.param(index(lambda top: top.update(manifests=[])), "this one has 0", id="no_image"),
        pytest.param(
            index(lambda top: top["manifests"].append({**top["manifests"][0], "digest": f"sha256:{'0' * 64}"})),
            "this one has 2",
            id="two_images",
        ),
        pytest.param(
            index(lambda top: [entry.pop("annotations", 0) for entry in top["manifests"]]), "has 3", id="no_kind_at_all"
        ),
        pytest.param(
            index(lambda top: top["manifests"][0].update(mediaType="text/plain")),
            "must be .*manifest",
            id="image_is_text",
        ),
        pytest.param(
            index(lambda top: top["manifests"][0].update(digest="sha256:../../x")), "hex digits", id="digest_is_a_path"
        ),
        pytest.param(index(lambda top: top["manifests"][0].update(size=-1)), "whole number", id="negative_size"),
    ],
)
def test_broken_layout_is_refused(path: Path, break_it: Callable[[Path], object], message: str) -> None:
    Layout(path)
    break_it(path)
    with pytest.raises(FormatError, match=message):
        Layout(path)


def test_where_no_layout_is_nothing_is_refused_and_nothing_verified(path: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "layouts").mkdir()
    path.rename(tmp_path / "layouts" / "first")
    (tmp_path / "layouts" / "another").mkdir()
    for name, found in {
        "nothing": "nothing",
        "empty": "an empty folder",
        "file": "a file",
        "link": "a link to nothing",
        "layouts": f"a folder of layouts, such as {tmp_path / 'layouts' / 'first'}",
        "layouts/another/../..": "another folder",
    }.items():
        with pytest.raises(
            Error, match=re.escape(f"there is no image layout at {tmp_path / name}, but {found}: ")
        ) as no:
            Layout(tmp_path / name)
        assert (no.type, no.value.exit_code) == (Error, 1)


@pytest.mark.parametrize("name", ["oci-layout", "index.json"])
def test_member_size_limit(path: Path, name: str) -> None:
    data = (path / name).read_bytes()
    (path / name).write_bytes(data + b" " * (MAX_MANIFEST_SIZE - len(data)))
    Layout(path)
    (path / name).write_bytes(data + b" " * (MAX_MANIFEST_SIZE - len(data) + 1))
    with pytest.raises(LimitError, match=f"limit of {MAX_MANIFEST_SIZE}"):
        Layout(path)


def test_blob_that_index_json_names_and_the_layout_lacks_is_listed(image: MemoryImage, path: Path) -> None:
    (entry,) = image.attached
    blob_path(path, entry.digest).unlink()
    layout = Layout(path)
    assert layout.referrers(image.image.digest).descriptors == (entry,)
    with pytest.raises(MissingError, match=f"the layout lacks blob {entry.digest}"):
        layout.read_manifest(entry)


@pytest.mark.parametrize("change", [b"", b"x"], ids=["shorter", "longer"])
@pytest.mark.parametrize("read", ["read_blob", "copy_blob", "read_manifest"])
def test_blob_of_another_size_is_refused(image: MemoryImage, path: Path, change: bytes, read: str) -> None:
    blob = blob_path(path, image.image.digest)
    blob.write_bytes((blob.read_bytes() + change)[(0 if change else 1) :])
    check_refused(Layout(path), image.image, read, "fewer" if not change else "more")


@pytest.mark.parametrize("read", ["read_blob", "copy_blob", "read_manifest"])
def test_blob_of_the_right_size_with_other_bytes_is_refused(image: MemoryImage, path: Path, read: str) -> None:
    blob = blob_path(path, image.image.digest)
    blob.write_bytes(blob.read_bytes().replace(b"2", b"3", 1))
    check_refused(Layout(path), image.image, read, "its bytes have")


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("read", ["read_blob", "copy_blob", "read_manifest"])
def test_descriptor_with_another_size_is_refused(image: MemoryImage, path: Path, by: int, read: str) -> None:
    wrong = Descriptor(image.image.media_type, image.image.digest, image.image.size + by)
    check_refused(Layout(path), wrong, read, "more" if by < 0 else "fewer")


def check_refused(layout: Layout, descriptor: Descriptor, read: str, message: str) -> None:
    with pytest.raises(VerificationError, match=message) as refused:
        read_with(layout, descriptor, read)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def read_with(layout: Layout, descriptor: Descriptor, read: str) -> None:
    if read == "read_manifest":
        layout.read_manifest(descriptor)
    elif read == "read_blob":
        layout.read_blob(descriptor, descriptor.size)
    else:
        layout.copy_blob(descriptor, io.BytesIO())


def test_blob_size_limit(image: MemoryImage, path: Path) -> None:
    layout = Layout(path)
    assert layout.read_blob(image.image, image.image.size)
    with pytest.raises(LimitError, match=f"the limit is {image.image.size - 1}"):
        layout.read_blob(image.image, image.image.size - 1)


def test_blob_is_copied_behind_what_the_target_has(image: MemoryImage, path: Path) -> None:
    target = io.BytesIO(b"before")
    target.seek(6)
    Layout(path).copy_blob(image.image, target)
    assert target.getvalue() == b"before" + image.blobs[image.image.digest]


def replace_by(kind: str, blob: Path) -> None:
    content = blob.read_bytes()
    blob.unlink()
    if kind == "folder":
        blob.mkdir()
    elif kind == "pipe":
        os.mkfifo(blob)
    elif kind == "link_to_folder":
        blob.symlink_to(blob.parent)
    elif kind == "link_to_itself":
        blob.symlink_to(blob)
    elif kind == "link_to_nothing":
        blob.symlink_to(blob.parent / "nothing")
    elif kind == "link_to_device":
        blob.symlink_to("/dev/zero")
    elif kind == "link_to_other_file":
        other = blob.parent.parent.parent / "outside"
        other.write_bytes(content[:-1] + b" ")
        blob.symlink_to(other)
    elif kind == "hard_link_to_other_file":
        other = blob.parent.parent.parent / "outside"
        other.write_bytes(content[:-1] + b" ")
        blob.hardlink_to(other)


@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "folder",
        "pipe",
        "link_to_folder",
        "link_to_itself",
        "link_to_nothing",
        "link_to_device",
        "link_to_other_file",
        "hard_link_to_other_file",
    ],
)
@pytest.mark.parametrize("read", ["read_blob", "copy_blob", "read_manifest"])
def test_blob_that_is_no_file_of_its_own_content_is_refused(
    image: MemoryImage, path: Path, kind: str, read: str
) -> None:
    replace_by(kind, blob_path(path, image.image.digest))
    with pytest.raises((FormatError, VerificationError)):
        read_with(Layout(path), image.image, read)


def test_link_to_the_right_content_is_followed(image: MemoryImage, path: Path) -> None:
    """Bazel's sandboxes are made of links; the digest is what counts."""
    blob = blob_path(path, image.image.digest)
    elsewhere = blob.rename(path / "elsewhere")
    blob.symlink_to(elsewhere)
    assert Layout(path).read_manifest(image.image) == image.blobs[image.image.digest]


@pytest.mark.parametrize("name", ["README", "0" * 63, "A" * 64, "0" * 64 + ".tmp"])
def test_blob_with_a_name_that_is_no_digest_is_refused(image: MemoryImage, path: Path, name: str) -> None:
    (path / "blobs" / "sha256" / name).write_bytes(b"")
    with pytest.raises(FormatError, match="hex digits"):
        Layout(path).referrers(image.image.digest)


def test_blobs_folder_that_is_missing_is_refused(image: MemoryImage, path: Path) -> None:
    (path / "blobs").rename(path / "blob")
    with pytest.raises(FormatError, match="no readable blobs/sha256"):
        Layout(path).referrers(image.image.digest)


def test_blob_count_limit(image: MemoryImage, path: Path) -> None:
    assert MAX_BLOBS == 4000
    for number in range(MAX_BLOBS - len(image.blobs)):
        (path / "blobs" / "sha256" / Digest.of(b"%d" % number).hex).write_bytes(b"%d" % number)
    assert len(Layout(path).blob_digests()) == MAX_BLOBS
    (path / "blobs" / "sha256" / Digest.of(b"one more").hex).write_bytes(b"one more")
    with pytest.raises(LimitError, match=f"has {MAX_BLOBS + 1} blobs, the limit is {MAX_BLOBS}"):
        Layout(path).referrers(image.image.digest)


def test_referrer_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_REFERRERS == 100
    monkeypatch.setattr(referrer_list, "MAX_REFERRERS", 3)
    image = make_image()
    for number in range(3):
        attach_bundle(image, manifest=lambda top, number=number: top.update(annotations={"n": str(number)}))  # type: ignore[misc]
    assert len(Layout(write_layout(image, tmp_path / "three")).referrers(image.image.digest).descriptors) == 3
    attach_bundle(image)
    with pytest.raises(LimitError, match="the layout has 4 referrers, the limit is 3"):
        Layout(write_layout(image, tmp_path / "four")).referrers(image.image.digest)


def test_blob_that_is_not_what_its_name_says_is_refused_even_if_nothing_names_it(
    image: MemoryImage, path: Path
) -> None:
    (path / "blobs" / "sha256" / Digest.of(b"a").hex).write_bytes(b"b")
    with pytest.raises(VerificationError) as refused:
        Layout(path).referrers(image.image.digest)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def test_no_more_of_a_blob_is_read_than_its_limit_allows(
    image: MemoryImage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    read = os.read

    def recorded(descriptor: int, count: int) -> bytes:
        asked.append(count)
        return read(descriptor, count)

    monkeypatch.setattr(os, "read", recorded)
    with (path / "blobs" / "sha256" / Digest.of(b"a").hex).open("wb") as stream:
        stream.truncate(2 * MAX_MANIFEST_SIZE)
    Layout(path).referrers(image.image.digest)
    assert max(asked) == MAX_MANIFEST_SIZE + 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"no manifest", id="text"),
        pytest.param(b'{"layers":[]}', id="broken_manifest"),
        pytest.param(b"{" + b" " * MAX_MANIFEST_SIZE + b"}", id="too_large"),
    ],
)
def test_listed_attachment_that_is_no_manifest_is_handed_on_to_be_reported(
    image: MemoryImage, path: Path, data: bytes
) -> None:
    entry = Descriptor(MANIFEST_MEDIA_TYPE, LayoutWriter(path).add(data), len(data))
    good = image.attached[0].digest
    assert [one.digest for one in Layout(path).referrers(image.image.digest).descriptors] == [good]
    edit_index(path, lambda top: top["manifests"].append(entry.to_json()))
    assert {one.digest for one in Layout(path).referrers(image.image.digest).descriptors} == {good, entry.digest}


def test_broken_image_and_legacy_manifest_are_not_taken_for_attachments(tmp_path: Path) -> None:
    image = make_image(manifest=lambda top: top.update(layers=1))
    attach_legacy(image, [legacy_layer(image)], manifest=lambda top: top.update(layers=1))
    path = write_layout(image, tmp_path / "broken")
    assert Layout(path).referrers(image.image.digest).descriptors == ()
    edit_index(path, lambda top: (top["manifests"].pop(), top["manifests"][0].pop("annotations")))
    assert Layout(path).referrers(image.image.digest).descriptors == ()


def test_several_legacy_manifests_are_refused(image: MemoryImage, path: Path) -> None:
    other = make_image()
    extra = attach_legacy(other, [legacy_layer(other), legacy_layer(other)])
    entry = marked(extra, SIGNATURES_KIND, CosignTag.SIGNATURES.of(image.image.digest))
    edit_index(path, lambda top: top["manifests"].append(entry.to_json()))
    with pytest.raises(FormatError, match=r"several manifests for the tag sha256-.*[.]sig"):
        Layout(path).cosign_tag(image.image.digest, CosignTag.SIGNATURES)


def test_legacy_manifest_listed_twice_is_one(image: MemoryImage, path: Path) -> None:
    edit_index(path, lambda top: top["manifests"].append(dict(top["manifests"][1])))
    assert Layout(path).cosign_tag(image.image.digest, CosignTag.SIGNATURES) is not None


@pytest.mark.parametrize("stranger", ["index.json", "oci-layout", "file", "blobs/sha256", "blobs"])
def test_writer_refuses_a_folder_that_holds_something(tmp_path: Path, stranger: str) -> None:
    target = tmp_path / "out"
    if stranger == "blobs/sha256":
        (target / stranger).mkdir(parents=True)
    elif stranger == "blobs":
        target.mkdir()
        (target / stranger).write_bytes(b"")
    else:
        target.mkdir()
        (target / stranger).write_bytes(b"{}")
    with pytest.raises(Error, match="cannot make a layout"):
        LayoutWriter.start(target)


def test_writer_accepts_an_empty_folder_and_is_no_layout_before_it_finishes(tmp_path: Path) -> None:
    writer = LayoutWriter.start(tmp_path)
    data = make_image().blobs
    digests = [writer.add(blob) for blob in data.values()]
    with pytest.raises(Error, match="there is no image layout"):
        Layout(tmp_path)
    writer.finish([Descriptor(MANIFEST_MEDIA_TYPE, digests[-1], 1, {"kind": IMAGE_KIND})])
    assert Layout(tmp_path).blob_digests() == sorted(digests, key=str)


def test_writer_names_a_blob_by_the_bytes_that_it_wrote(tmp_path: Path) -> None:
    writer = LayoutWriter.start(tmp_path)
    content = b"some bytes" * 100_000
    assert writer.add_new(io.BytesIO(content)) == (Digest.of(content), len(content))
    assert [path.name for path in (tmp_path / "blobs/sha256").iterdir()] == [Digest.of(content).hex]
    assert (tmp_path / "blobs/sha256" / Digest.of(content).hex).read_bytes() == content


def test_writer_leaves_the_mode_of_its_files_to_the_umask(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        writer = LayoutWriter.start(tmp_path / "out")
        writer.add(b"1")
        writer.add_stream(io.BytesIO(b"2"), Digest.of(b"2"))
        writer.add_new(io.BytesIO(b"3"))
        writer.finish([])
    finally:
        os.umask(mask)
    modes = [one.stat().st_mode & 0o777 for one in (tmp_path / "out").rglob("*") if one.is_file()]
    assert modes == [0o640] * 5


def test_writer_refuses_a_stream_that_is_not_what_its_digest_says(tmp_path: Path) -> None:
    writer = LayoutWriter.start(tmp_path / "out")
    writer.add_stream(io.BytesIO(b"content"), Digest.of(b"content"))
    with pytest.raises(VerificationError) as refused:
        writer.add_stream(io.BytesIO(b"other"), Digest.of(b"content"))
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def test_copying_a_layout_checks_every_blob(image: MemoryImage, path: Path, tmp_path: Path) -> None:
    writer = LayoutWriter.start(tmp_path / "copy")
    writer.copy_all(Layout(path))
    assert {one.name: one.read_bytes() for one in (tmp_path / "copy/blobs/sha256").iterdir()} == {
        digest.hex: data for digest, data in image.blobs.items()
    }
    blob_path(path, image.image.digest).write_bytes(b"tampered")
    second = LayoutWriter.start(tmp_path / "second")
    with pytest.raises(VerificationError):
        second.copy_all(Layout(path))


@pytest.mark.parametrize("write", [lambda w: w.add(b"x"), lambda w: w.add_stream(io.BytesIO(b"x"), Digest.of(b"x"))])
def test_a_blob_that_cannot_be_written_is_one_line(write: Callable[[LayoutWriter], object], tmp_path: Path) -> None:
    writer = LayoutWriter.start(tmp_path / "layout")
    (tmp_path / "layout/blobs/sha256" / Digest.of(b"x").hex).mkdir()
    with pytest.raises(Error, match=r"cannot write the layout .*: Is a directory"):
        write(writer)


def test_an_index_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    writer = LayoutWriter.start(tmp_path / "layout")
    (tmp_path / "layout/oci-layout").mkdir()
    with pytest.raises(Error, match="cannot write the layout"):
        writer.finish([])
