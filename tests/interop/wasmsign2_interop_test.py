"""The real wasmsign2 and we make the same signed files and accept each other's."""

from pathlib import Path

import pytest

from key_fixtures import open_component_signer
from peers import built, corpus, run, run_refused
from wasmoci.disk.files import read_bounded
from wasmoci.keys.component import ComponentPublicKey, ComponentSigner, SecretKey
from wasmoci.keys.component_files import load_component_key
from wasmoci.sign.component import sign_detached, sign_embedded
from wasmoci.sign.keygen import make_component_pair
from wasmoci.values.errors import FormatError, Reason, VerificationError
from wasmoci.verify.component import verify_component
from wasmoci.wasm.parts import read_parts
from wasmoci.wasm.sections import read_kind
from wasmoci.wasm.signature import MAX_DATA_SIZE


def _is_padded(path: Path) -> bool:
    with path.open("rb") as stream:
        return read_parts(stream).padded


# Go's linker pads LEB128 numbers: such a file has detached signatures only.
FILES = {"greeting.wasm": built("greeting.wasm"), **{path.name: path for path in corpus()}}
PADDED = [name for name, path in FILES.items() if _is_padded(path)]


@pytest.fixture(name="source", params=[name for name in FILES if name not in PADDED])
def _source(request: pytest.FixtureRequest) -> Path:
    return FILES[request.param]


@pytest.fixture(name="padded", params=PADDED)
def _padded(request: pytest.FixtureRequest) -> Path:
    return FILES[request.param]


@pytest.fixture(name="keys")
def _keys(tmp_path: Path) -> tuple[Path, Path]:
    run("wasmsign2", "keygen", "-k", "key", "-K", "key.pub", folder=tmp_path)
    return tmp_path / "key", tmp_path / "key.pub"


def _sign(source: Path, target: Path, signer: ComponentSigner, *, with_key_id: bool) -> None:
    with source.open("rb") as stream, target.open("w+b") as output:
        sign_embedded(stream, output, signer, read_kind(stream), with_key_id=with_key_id)


def test_embedded_signatures_are_equal(source: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.wasm", tmp_path / "theirs.wasm"
    _sign(source, ours, open_component_signer(keys[0]), with_key_id=False)
    run("wasmsign2", "sign", "-i", source, "-o", theirs, "-k", keys[0], folder=tmp_path)
    assert ours.read_bytes() == theirs.read_bytes()


def test_embedded_signatures_with_key_id_are_equal(source: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.wasm", tmp_path / "theirs.wasm"
    _sign(source, ours, open_component_signer(keys[0]), with_key_id=True)
    run("wasmsign2", "sign", "-i", source, "-o", theirs, "-k", keys[0], "-K", keys[1], folder=tmp_path)
    assert ours.read_bytes() == theirs.read_bytes()


def test_a_second_signer_gives_equal_files(source: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    first, ours, theirs = tmp_path / "first.wasm", tmp_path / "ours.wasm", tmp_path / "theirs.wasm"
    _sign(source, first, ComponentSigner(SecretKey(bytes(range(32)))), with_key_id=True)
    _sign(first, ours, open_component_signer(keys[0]), with_key_id=False)
    run("wasmsign2", "sign", "-i", first, "-o", theirs, "-k", keys[0], folder=tmp_path)
    assert ours.read_bytes() == theirs.read_bytes()


def test_wasmsign2_verifies_ours(source: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    ours = tmp_path / "ours.wasm"
    _sign(source, ours, open_component_signer(keys[0]), with_key_id=True)
    run("wasmsign2", "verify", "-i", ours, "-K", keys[1], folder=tmp_path)
    run("wasmsign2", "keygen", "-k", "other", "-K", "other.pub", folder=tmp_path)
    run_refused("wasmsign2", "verify", "-i", ours, "-K", "other.pub", folder=tmp_path)


def test_we_verify_what_wasmsign2_signed(source: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.wasm"
    run("wasmsign2", "sign", "-i", source, "-o", theirs, "-k", keys[0], folder=tmp_path)
    with theirs.open("rb") as stream:
        kind = read_kind(stream)
        assert verify_component(stream, [load_component_key(keys[1])], kind).keys == (load_component_key(keys[1]),)
        with pytest.raises(VerificationError) as refused:
            verify_component(stream, [ComponentPublicKey.of_key(SecretKey.generate().public_key)], kind)
    assert refused.value.reason is Reason.UNTRUSTED_KEY


def test_detached_signatures_are_equal_and_verify_both_ways(
    source: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours.sig", tmp_path / "theirs.sig"
    with source.open("rb") as stream:
        kind = read_kind(stream)
        ours.write_bytes(sign_detached(stream, open_component_signer(keys[0]), kind))
        copy = tmp_path / "copy.wasm"
        run("wasmsign2", "sign", "-i", source, "-o", copy, "-k", keys[0], "-S", theirs, folder=tmp_path)
        assert ours.read_bytes() == theirs.read_bytes()
        run("wasmsign2", "verify", "-i", source, "-K", keys[1], "-S", ours, folder=tmp_path)
        detached = read_bounded(theirs, MAX_DATA_SIZE, "the signature")
        assert verify_component(stream, [load_component_key(keys[1])], kind, detached).keys


def test_padded_file_carries_no_signature(padded: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="shortest LEB128"):
        _sign(padded, tmp_path / "ours.wasm", open_component_signer(keys[0]), with_key_id=False)


def test_detached_signature_of_a_padded_file_is_over_its_own_bytes(
    padded: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    ours, theirs, rewritten = tmp_path / "ours.sig", tmp_path / "theirs.sig", tmp_path / "rewritten.wasm"
    run("wasmsign2", "sign", "-i", padded, "-o", rewritten, "-k", keys[0], "-S", theirs, folder=tmp_path)
    assert rewritten.stat().st_size < padded.stat().st_size
    trusted = [load_component_key(keys[1])]
    with padded.open("rb") as stream:
        kind = read_kind(stream)
        ours.write_bytes(sign_detached(stream, open_component_signer(keys[0]), kind))
        run("wasmsign2", "verify", "-i", padded, "-K", keys[1], "-S", ours, folder=tmp_path)
        assert verify_component(stream, trusted, kind, ours.read_bytes()).keys
        with pytest.raises(VerificationError) as refused:
            verify_component(stream, trusted, kind, theirs.read_bytes())
    assert refused.value.reason is Reason.DIGEST_MISMATCH
    with rewritten.open("rb") as stream:
        assert verify_component(stream, trusted, kind, theirs.read_bytes()).keys


def test_wasmsign2_uses_our_compact_keys(tmp_path: Path) -> None:
    secret, public = tmp_path / "ours.key", tmp_path / "ours.pub"
    make_component_pair(secret, public, pem=False)
    source, signed = built("greeting.wasm"), tmp_path / "signed.wasm"
    run("wasmsign2", "sign", "-i", source, "-o", signed, "-k", secret, "-K", public, folder=tmp_path)
    run("wasmsign2", "verify", "-i", signed, "-K", public, folder=tmp_path)
