"""Every other command that wasmsign2 has too: split, attach, detach, partial verification, matrix."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from peers import built, corpus, run, run_refused
from wasm_fixtures import MODULE
from wasmoci.disk.files import read_bounded
from wasmoci.keys.component import ComponentPublicKey, ComponentSigner, SecretKey, compact_public
from wasmoci.sign.component import sign_detached, sign_embedded
from wasmoci.sign.edit import attach_signature, detach_signature, remove_signatures
from wasmoci.sign.split import split_component
from wasmoci.values.errors import FormatError, VerificationError
from wasmoci.verify.component import verify_component
from wasmoci.verify.parts import Matrix, VerifiedParts, component_matrix, verify_parts
from wasmoci.wasm.parts import read_parts
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.sections import custom_section, read_kind, read_sections
from wasmoci.wasm.signature import MAX_DATA_SIZE, RecordForm

SECRET_KEY, OTHER_SECRET_KEY = SecretKey(bytes(range(32))), SecretKey(bytes(range(32, 64)))
SIGNER, OTHER_SIGNER = ComponentSigner(SECRET_KEY), ComponentSigner(OTHER_SECRET_KEY)
KEY, OTHER_KEY = SIGNER.public_key, OTHER_SIGNER.public_key


def _is_padded(path: Path) -> bool:
    with path.open("rb") as stream:
        return read_parts(stream).padded


ALL_FILES = {"greeting.wasm": built("greeting.wasm"), **{path.name: path for path in corpus()}}
FILES = {name: path for name, path in ALL_FILES.items() if not _is_padded(path)}
PADDED_FILES = {name: path for name, path in ALL_FILES.items() if name not in FILES}

# One selection as our patterns and as a regular expression of wasmsign2's.
SELECTIONS = {
    "all": ([], None),
    "name": (["name"], "^name$"),
    "name_or_producers": (["name", "producers"], "^(name|producers)$"),
    "contains_a_dot": (["*.*"], "[.]"),
    "standard_only": (["no section has this name"], "no section has this name"),
}


@pytest.fixture(name="source", params=FILES)
def _source(request: pytest.FixtureRequest) -> Path:
    return FILES[request.param]


@pytest.fixture(name="padded", params=PADDED_FILES)
def _padded(request: pytest.FixtureRequest) -> Path:
    return PADDED_FILES[request.param]


@pytest.fixture(name="selection", params=SELECTIONS)
def _selection(request: pytest.FixtureRequest) -> tuple[Selection, list[str]]:
    patterns, regex = SELECTIONS[request.param]
    return Selection.parse(patterns), [] if regex is None else ["-s", regex]


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    for name, key in {"one": SECRET_KEY, "two": OTHER_SECRET_KEY}.items():
        (tmp_path / f"{name}.key").write_bytes(key.compact())
        (tmp_path / f"{name}.pub").write_bytes(compact_public(ComponentPublicKey.of_key(key.public_key)))
    return tmp_path


def _split(source: Path, target: Path, selection: Selection) -> None:
    with source.open("rb") as stream, target.open("wb") as output:
        split_component(stream, output, selection)


def _sign(source: Path, target: Path, signer: ComponentSigner, form: RecordForm = RecordForm.WASMSIGN2) -> None:
    with source.open("rb") as stream, target.open("wb") as output:
        sign_embedded(stream, output, signer, read_kind(stream), with_key_id=True, form=form)


def _detach(source: Path, target: Path) -> bytes:
    with source.open("rb") as stream, target.open("wb") as output:
        return detach_signature(stream, output)


def _attach(source: Path, target: Path, signature: bytes) -> None:
    with source.open("rb") as stream, target.open("wb") as output:
        attach_signature(stream, output, signature)


def _verify(path: Path, *keys: ComponentPublicKey) -> Sequence[ComponentPublicKey]:
    with path.open("rb") as stream:
        return verify_component(stream, keys, read_kind(stream)).keys


def _verify_parts(path: Path, selection: Selection) -> VerifiedParts:
    with path.open("rb") as stream:
        return verify_parts(stream, [KEY], read_kind(stream), selection)


def _matrix(path: Path, selection: Selection | None) -> Matrix:
    with path.open("rb") as stream:
        return component_matrix(stream, [KEY, OTHER_KEY], read_kind(stream), selection)


def _shape(path: Path) -> list[tuple[int, str | None, int]]:
    """Sections without their places, so that files whose delimiters differ can be compared."""
    with path.open("rb") as stream:
        return [(one.id, one.name, one.end - one.start) for one in read_sections(stream)]


def _theirs_split(source: Path, target: Path, options: list[str], folder: Path) -> None:
    run("wasmsign2", "split", "-i", source, "-o", target, *options, folder=folder)


# Split


def test_delimiters_stand_where_wasmsign2_puts_them(
    source: Path, selection: tuple[Selection, list[str]], folder: Path
) -> None:
    ours, theirs = folder / "ours.wasm", folder / "theirs.wasm"
    _split(source, ours, selection[0])
    _theirs_split(source, theirs, selection[1], folder)
    assert _shape(ours) == _shape(theirs)


def test_delimiters_of_one_split_stay_in_the_next(source: Path, folder: Path) -> None:
    first, ours, theirs = folder / "first.wasm", folder / "ours.wasm", folder / "theirs.wasm"
    _theirs_split(source, first, ["-s", "^name$"], folder)
    _split(first, ours, Selection.parse(["producers"]))
    _theirs_split(first, theirs, ["-s", "^producers$"], folder)
    assert _shape(ours) == _shape(theirs)
    _split(first, ours, Selection.parse(["name"]))
    assert ours.read_bytes() == first.read_bytes()


def test_splits_are_signed_and_verified_by_either(
    source: Path, selection: tuple[Selection, list[str]], folder: Path
) -> None:
    ours, theirs = folder / "ours.wasm", folder / "theirs.wasm"
    _split(source, ours, selection[0])
    _theirs_split(source, theirs, selection[1], folder)
    for split in (ours, theirs):
        by_us, by_them = folder / "by_us.wasm", folder / "by_them.wasm"
        _sign(split, by_us, SIGNER)
        run("wasmsign2", "sign", "-i", split, "-o", by_them, "-k", "one.key", "-K", "one.pub", folder=folder)
        assert by_us.read_bytes() == by_them.read_bytes()
        assert _verify(by_us, KEY) == (KEY,)
        run("wasmsign2", "verify", "-i", by_us, "-K", "one.pub", folder=folder)
        run("wasmsign2", "verify", "-i", by_us, "-K", "one.pub", *(selection[1] or ["-s", ""]), folder=folder)
        run_refused("wasmsign2", "verify", "-i", by_us, "-K", "two.pub", *selection[1], folder=folder)
        assert _verify_parts(by_us, selection[0]).keys == (KEY,)


def test_change_of_an_unselected_last_part_is_accepted_by_both_and_nothing_else(source: Path, folder: Path) -> None:
    tailed, split, signed = folder / "tailed.wasm", folder / "split.wasm", folder / "signed.wasm"
    tailed.write_bytes(source.read_bytes() + custom_section("producers", b"") + custom_section("tail", b"before"))
    _split(tailed, split, Selection.parse(["producers"]))
    _sign(split, signed, SIGNER)
    changed = folder / "changed.wasm"
    changed.write_bytes(signed.read_bytes().replace(b"\x04tailbefore", b"\x04tailafter!"))
    assert not _verify_parts(changed, Selection.parse(["producers"])).whole
    run("wasmsign2", "verify", "-i", changed, "-K", "one.pub", "-s", "^producers$", folder=folder)
    run_refused("wasmsign2", "verify", "-i", changed, "-K", "one.pub", folder=folder)
    with pytest.raises(VerificationError):
        _verify(changed, KEY)


@pytest.mark.parametrize("hole", ["a_header", "b_and_c_no_delimiter", "d_cut", "e_appended"])
def test_holes_are_real_in_wasmsign2_and_closed_here(hole: str, folder: Path) -> None:
    """Where a later wasmsign2 refuses too, docs/formats.md has to be corrected."""
    source, signed, bad = built("greeting.wasm"), folder / "signed.wasm", folder / "bad.wasm"
    if hole == "b_and_c_no_delimiter":
        _sign(source, signed, SIGNER)
        bad.write_bytes(signed.read_bytes() + custom_section("evil", b""))
    else:
        first, split = folder / "first.wasm", folder / "split.wasm"
        _split(source, first, Selection(()))
        first.write_bytes(first.read_bytes() + custom_section("more", b""))
        _split(first, split, Selection(()))
        _sign(split, signed, SIGNER)
        with signed.open("rb") as stream:
            ends = read_parts(stream).ends
        data = signed.read_bytes()
        bad.write_bytes(
            {
                "a_header": MODULE + data[len(MODULE) :],
                "d_cut": data[: ends[0]],
                "e_appended": data + custom_section("evil", b""),
            }[hole]
        )
    run("wasmsign2", "verify", "-i", signed, "-K", "one.pub", folder=folder)
    run("wasmsign2", "verify", "-i", bad, "-K", "one.pub", "-s", ".*", folder=folder)
    assert KEY.raw.hex() in run("wasmsign2", "verify_matrix", "-i", bad, "-K", "one.pub", folder=folder).stdout
    for check in (
        lambda: _verify(bad, KEY),
        lambda: _verify_parts(bad, Selection.parse(["*"])),
        lambda: _matrix(bad, None),
        lambda: _matrix(bad, Selection.parse(["*"])),
    ):
        with pytest.raises(VerificationError):
            check()


# Matrix


def test_matrix_names_the_same_keys(source: Path, selection: tuple[Selection, list[str]], folder: Path) -> None:
    split, signed = folder / "split.wasm", folder / "signed.wasm"
    _split(source, split, selection[0])
    _sign(split, signed, OTHER_SIGNER)
    command = ["wasmsign2", "verify_matrix", "-i", str(signed), *selection[1], "-K", "one.pub", "two.pub"]
    theirs = run(*command, folder=folder).stdout
    assert [key.raw.hex() in theirs for key in (KEY, OTHER_KEY)] == [False, True]
    assert [row.verifies for row in _matrix(signed, selection[0]).rows] == [False, True]


# Attach, detach, remove


def test_detaching_gives_equal_files(source: Path, folder: Path) -> None:
    signed = folder / "signed.wasm"
    ours, theirs, their_signature = folder / "ours.wasm", folder / "theirs.wasm", folder / "theirs.sig"
    _sign(source, signed, SIGNER)
    signature = _detach(signed, ours)
    run("wasmsign2", "detach", "-i", signed, "-o", theirs, "-S", their_signature, folder=folder)
    assert ours.read_bytes() == theirs.read_bytes() == source.read_bytes()
    assert signature == their_signature.read_bytes()


def test_attaching_gives_equal_files(source: Path, folder: Path) -> None:
    signed, ours, theirs, signature = (folder / name for name in ("signed", "ours", "theirs", "signature"))
    with source.open("rb") as stream:
        signature.write_bytes(sign_detached(stream, SIGNER, read_kind(stream), with_key_id=True))
    _sign(source, signed, SIGNER)
    _attach(source, ours, signature.read_bytes())
    run("wasmsign2", "attach", "-i", source, "-o", theirs, "-S", signature, folder=folder)
    assert ours.read_bytes() == theirs.read_bytes() == signed.read_bytes()


def test_what_wasmsign2_detached_we_attach_and_the_other_way_round(source: Path, folder: Path) -> None:
    signed, unsigned, again, signature = (folder / name for name in ("signed", "unsigned", "again", "signature"))
    run("wasmsign2", "sign", "-i", source, "-o", signed, "-k", "one.key", folder=folder)
    run("wasmsign2", "detach", "-i", signed, "-o", unsigned, "-S", signature, folder=folder)
    _attach(unsigned, again, read_bounded(signature, MAX_DATA_SIZE, "the signature"))
    assert again.read_bytes() == signed.read_bytes()
    signature.write_bytes(_detach(signed, unsigned))
    run("wasmsign2", "attach", "-i", unsigned, "-o", again, "-S", signature, folder=folder)
    assert again.read_bytes() == signed.read_bytes()


def test_signers_that_were_added_detached_verify_in_wasmsign2(source: Path, folder: Path) -> None:
    signature = folder / "signature"
    with source.open("rb") as stream:
        kind = read_kind(stream)
        first = sign_detached(stream, SIGNER, kind)
        signature.write_bytes(sign_detached(stream, OTHER_SIGNER, kind, with_key_id=True, existing=first))
    for key in ("one.pub", "two.pub"):
        run("wasmsign2", "verify", "-i", source, "-K", key, "-S", signature, folder=folder)


def test_what_is_left_after_removing_verifies_in_wasmsign2(source: Path, folder: Path) -> None:
    one, both, left = folder / "one.wasm", folder / "both.wasm", folder / "left.wasm"
    _sign(source, one, SIGNER)
    run("wasmsign2", "sign", "-i", one, "-o", both, "-k", "two.key", folder=folder)
    with both.open("rb") as stream, left.open("wb") as output:
        assert remove_signatures(stream, output, [KEY]) == 1
    run("wasmsign2", "verify", "-i", left, "-K", "two.pub", folder=folder)
    run_refused("wasmsign2", "verify", "-i", left, "-K", "one.pub", folder=folder)
    with both.open("rb") as stream, left.open("wb") as output:
        remove_signatures(stream, output, [KEY, OTHER_KEY])
    assert left.read_bytes() == source.read_bytes()


def test_form_of_wsc_verifies_in_wasmsign2(source: Path, folder: Path) -> None:
    signed = folder / "signed.wasm"
    _sign(source, signed, SIGNER, RecordForm.WSC)
    run("wasmsign2", "verify", "-i", signed, "-K", "one.pub", folder=folder)
    assert _verify(signed, KEY) == (KEY,)


def test_padded_file_is_split_as_it_is_and_gets_no_signature_inside(padded: Path, folder: Path) -> None:
    ours, theirs = folder / "ours.wasm", folder / "theirs.wasm"
    _split(padded, ours, Selection(()))
    _theirs_split(padded, theirs, [], folder)
    assert ours.read_bytes().startswith(padded.read_bytes())
    assert [one[:2] for one in _shape(ours)] == [one[:2] for one in _shape(theirs)]
    with padded.open("rb") as stream:
        signature = sign_detached(stream, SIGNER, read_kind(stream))
    with pytest.raises(FormatError, match="shortest LEB128"):
        _attach(padded, folder / "attached.wasm", signature)


def test_wasmsign2_shows_what_we_split_and_signed(source: Path, folder: Path) -> None:
    split, signed = folder / "split.wasm", folder / "signed.wasm"
    _split(source, split, Selection.parse(["name"]))
    _sign(split, signed, SIGNER)
    shown = run("wasmsign2", "-v", "show", "-i", signed, folder=folder).stdout
    assert KEY.key_id.hex() in shown
    with signed.open("rb") as stream:
        parts = read_parts(stream)
    assert shown.count("- delimiter: [") == len(parts.ends)
