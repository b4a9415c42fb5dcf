"""A large component of a layout is read in place, once; what others make of its file meanwhile is never verified."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from changed_file_fixtures import CHANGES, Change, grown, overwritten, overwritten_at, replaced
from counted_file_fixtures import count_reads
from image_fixtures import (
    HELLO,
    PUBLIC_KEY,
    SIGNED_HELLO,
    attach_bundle,
    attach_detached,
    blob_path,
    fully_signed,
    make_image,
    write_layout,
)
from wasm_fixtures import KEY, detached, signed
from wasmoci.disk import blob_files, checked_file
from wasmoci.disk import layout as layout_module
from wasmoci.disk.layout import Layout
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.source import Watcher
from wasmoci.values.digest import BLOCK_SIZE, Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.level import Level
from wasmoci.verify.image import verify
from wasmoci.verify.index import verify_root
from wasmoci.verify.inspect import inspect
from wasmoci.verify.policy import Policy
from wasmoci.wasm.sections import custom_section

BOTH = Policy.of([KEY], [PUBLIC_KEY])
BLOCK = 64
COMPONENT = signed(HELLO + custom_section("more", bytes(8 * 1024)))
LAYER = Digest.of(COMPONENT)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is small is large here."""
    monkeypatch.setattr(blob_files, "MAX_IN_MEMORY", 0)
    monkeypatch.setattr(layout_module, "MAX_MANIFEST_SIZE", len(COMPONENT) - 1)
    monkeypatch.setattr(checked_file, "BLOCK_SIZE", BLOCK)


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Layout:
    return Layout(write_layout(fully_signed(COMPONENT), tmp_path / "layout"))


def changing(layout: Layout, stage: str, change: Change, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The component's file is changed before its parts are looked for, then, at its first block, or after the pass."""
    original = layout.open_checked

    def now() -> None:
        change(blob_path(layout.path, LAYER))

    @contextmanager
    def open_checked(descriptor: Descriptor, watcher: Watcher | None = None) -> Iterator[BinaryIO]:
        def watched(file: BinaryIO) -> Callable[[bytes], object]:
            if stage == "before":
                now()
            take = (lambda _: None) if watcher is None else watcher(file)
            blocks = [now] if stage == "at the first block" else []
            if stage == "between":
                now()

            def taken(block: bytes) -> None:
                take(block)
                if blocks:
                    blocks.pop()()

            return taken

        with original(descriptor, watched) as content:
            if stage == "after":
                now()
            yield content

    monkeypatch.setattr(layout, "open_checked", open_checked)
    return layout


STAGES = ["before", "between", "at the first block", "after"]


@pytest.mark.parametrize("policy", [BOTH, Policy.of([], [PUBLIC_KEY]), Policy.of([KEY], [])])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("stage", STAGES)
def test_a_component_that_is_changed(
    stage: str, change: Change, policy: Policy, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing(layout, stage, change, monkeypatch)
    if change is replaced or (stage, change) == ("after", grown):
        # The bytes that are verified are those of the digest, whatever lies there by now.
        assert verify(layout, policy).component == LAYER
        return
    with pytest.raises(VerificationError) as refused:
        verify(layout, policy)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("change", [change for change in CHANGES if change is not replaced])
@pytest.mark.parametrize("stage", STAGES)
def test_a_component_that_need_not_be_signed(
    stage: str, change: Change, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of what was changed is among what holds."""
    if (stage, change) == ("after", grown):
        return
    policy = Policy.of([KEY], [PUBLIC_KEY], Level.OCI_ONLY)
    with pytest.raises(VerificationError) as refused:
        verify(changing(layout, stage, change, monkeypatch), policy)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("offset", [*range(len(SIGNED_HELLO) + 20), len(COMPONENT) - 1])
def test_any_byte_that_is_changed_after_it_was_hashed(
    offset: int, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not read again, or it is refused; the verdict is never another one."""
    original = verify(layout, BOTH)
    changing(layout, "after", overwritten_at(offset), monkeypatch)
    try:
        verified = verify(layout, BOTH)
    except VerificationError as error:
        assert error.reason is Reason.DIGEST_MISMATCH
    else:
        assert verified == original


def test_parts_that_are_looked_for_in_another_file(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parts end elsewhere, so what was hashed on the way is not the component's."""
    original = verify(layout, BOTH)
    path = blob_path(layout.path, LAYER)
    path.write_bytes(COMPONENT[:8] + custom_section("x", bytes(20)).ljust(len(COMPONENT) - 8, b"\0"))
    changing(layout, "between", lambda path: path.write_bytes(COMPONENT), monkeypatch)
    assert verify(layout, BOTH) == original


@pytest.mark.parametrize("stage", ["between", "after"])
def test_inspecting(stage: str, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = Policy.of([], [], Level.NONE)
    found = inspect(layout, nobody, lambda _: "").attached[0]
    assert (found.kind, found.form, found.problem) == ("component signature", "embedded", None)
    with pytest.raises(VerificationError) as refused:
        inspect(changing(layout, stage, overwritten, monkeypatch), nobody, lambda _: "")
    assert refused.value.reason is Reason.DIGEST_MISMATCH


LARGE = HELLO + custom_section("large", bytes(8 * BLOCK_SIZE))


@pytest.mark.parametrize("way", ["embedded", "detached", "not trusted", "inspected", "with types"])
def test_a_component_is_read_once(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what says where its parts and imports are once more, in a block."""
    monkeypatch.setattr(checked_file, "BLOCK_SIZE", BLOCK_SIZE)
    component = LARGE if way == "detached" else signed(LARGE)
    image = make_image(component)
    if way == "detached":
        attach_detached(image, detached(LARGE))
    attach_bundle(image)
    counts = count_reads(monkeypatch)
    layout = Layout(write_layout(image, tmp_path / "large"))
    policy = Policy.of([], [PUBLIC_KEY]) if way == "not trusted" else BOTH
    if way == "inspected":
        assert inspect(layout, policy, lambda _: "").verified.level is Level.DUAL_LAYER
    else:
        verified = verify_root(layout, replace(policy, reads_types=way == "with types"))
        assert verified.level.has_image
    read = counts[Digest.of(component)]
    assert len(component) <= read <= len(component) + 2 * BLOCK_SIZE
