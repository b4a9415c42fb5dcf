"""The real wasmsign2 and we make the same signed files and accept each other's."""

from pathlib import Path

import pytest

from peers import built, corpus, run, run_refused
from wasmoci.component_signature import MAX_DATA_SIZE
from wasmoci.errors import Reason, VerificationError
from wasmoci.files import read_bounded
from wasmoci.keygen import make_component_pair
from wasmoci.keys.component import ComponentSigner, load_public_key, load_signer
from wasmoci.sign_component import sign_detached, sign_embedded
from wasmoci.verify_component import verify_component
from wasmoci.wasm import read_kind

NAMES = ("greeting.wasm", *(path.name for path in corpus()))


@pytest.fixture(name="source", params=NAMES)
def _source(request: pytest.FixtureRequest) -> Path:
    if request.param == "greeting.wasm":
        return built(request.param)
    return next(path for path in corpus() if path.name == request.param)


@pytest.fixture(name="keys")
def _keys(tmp_path: Path) -> tuple[Path, Path]:
    run("wasmsign2", "keygen", "-k", "key", "-K", "key.pub", folder=tmp_path)
    return tmp_path / "key", tmp_path / "key.pub"


def _sign(source: Path, target: Path, signer: ComponentSigner, *, with_key_id: bool) -> None:
    with source.open("rb") as stream, target.open("w+b") as output:
        sign_embedded(stream, output, signer, read_kind(stream), with_key_id=with_key_id)


def test_embedded_signatures_are_equal(source: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.wasm", tmp_path / "theirs.wasm"
    _sign(source, ours, load_signer(keys[0]), with_key_id=False)
    run("wasmsign2", "sign", "-i", source, "-o", theirs, "-k", keys[0], folder=tmp_path)
    assert ours.read_bytes() == theirs.read_bytes()


def test_embedded_signatures_with_key_id_are_equal(source: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.wasm", tmp_path / "theirs.wasm"
    _sign(source, ours, load_signer(keys[0]), with_key_id=True)
    run("wasmsign2", "sign", "-i", source, "-o", theirs, "-k", keys[0], "-K", keys[1], folder=tmp_path)
    assert ours.read_bytes() == theirs.read_bytes()


def test_a_second_signer_gives_equal_files(source: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    first, ours, theirs = tmp_path / "first.wasm", tmp_path / "ours.wasm", tmp_path / "theirs.wasm"
    _sign(source, first, ComponentSigner(bytes(range(32))), with_key_id=True)
    _sign(first, ours, load_signer(keys[0]), with_key_id=False)
    run("wasmsign2", "sign", "-i", first, "-o", theirs, "-k", keys[0], folder=tmp_path)
    assert ours.read_bytes() == theirs.read_bytes()


def test_wasmsign2_verifies_ours(source: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    ours = tmp_path / "ours.wasm"
    _sign(source, ours, load_signer(keys[0]), with_key_id=True)
    run("wasmsign2", "verify", "-i", ours, "-K", keys[1], folder=tmp_path)
    run("wasmsign2", "keygen", "-k", "other", "-K", "other.pub", folder=tmp_path)
    run_refused("wasmsign2", "verify", "-i", ours, "-K", "other.pub", folder=tmp_path)


def test_we_verify_what_wasmsign2_signed(source: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.wasm"
    run("wasmsign2", "sign", "-i", source, "-o", theirs, "-k", keys[0], folder=tmp_path)
    with theirs.open("rb") as stream:
        kind = read_kind(stream)
        assert verify_component(stream, [load_public_key(keys[1])], kind).keys == (load_public_key(keys[1]),)
        with pytest.raises(VerificationError) as refused:
            verify_component(stream, [ComponentSigner.generate().public_key], kind)
    assert refused.value.reason is Reason.UNTRUSTED_KEY


def test_detached_signatures_are_equal_and_verify_both_ways(
    source: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours.sig", tmp_path / "theirs.sig"
    with source.open("rb") as stream:
        kind = read_kind(stream)
        ours.write_bytes(sign_detached(stream, load_signer(keys[0]), kind))
        copy = tmp_path / "copy.wasm"
        run("wasmsign2", "sign", "-i", source, "-o", copy, "-k", keys[0], "-S", theirs, folder=tmp_path)
        assert ours.read_bytes() == theirs.read_bytes()
        run("wasmsign2", "verify", "-i", source, "-K", keys[1], "-S", ours, folder=tmp_path)
        detached = read_bounded(theirs, MAX_DATA_SIZE, "the signature")
        assert verify_component(stream, [load_public_key(keys[1])], kind, detached).keys


def test_wasmsign2_uses_our_compact_keys(tmp_path: Path) -> None:
    secret, public = tmp_path / "ours.key", tmp_path / "ours.pub"
    make_component_pair(secret, public, pem=False)
    source, signed = built("greeting.wasm"), tmp_path / "signed.wasm"
    run("wasmsign2", "sign", "-i", source, "-o", signed, "-k", secret, "-K", public, folder=tmp_path)
    run("wasmsign2", "verify", "-i", signed, "-K", public, folder=tmp_path)
