"""What is attached to an image: found whoever made it, and trusted only where a trusted key or identity signed it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from image_fixtures import (
    HELLO,
    OTHER_PUBLIC_KEY,
    PUBLIC_KEY,
    SIGNED_HELLO,
    SIGNER,
    STRANGER,
    MemoryImage,
    attach_blob,
    attach_bundle,
    attach_detached,
    attach_legacy,
    fully_signed,
    legacy_layer,
    make_image,
    write_layout,
)
from index_fixtures import signed_index, write_index_layout
from registry_fixtures import digest_of
from trust_fixtures import NamedIdentities, attach_named, legacy_layer_with_entry
from wasm_fixtures import KEY, OTHER_KEY, detached, section, signed
from wasmoci.commands.main import main
from wasmoci.cosign import simple_signing
from wasmoci.cosign.statement import attestation, signature_statement
from wasmoci.keys.component import ComponentPublicKey, pem_public
from wasmoci.values.errors import FormatError, Reason, VerificationError
from wasmoci.values.level import Level
from wasmoci.verify.inspect import Attached, inspect
from wasmoci.verify.policy import Policy
from wasmoci.verify.trust import ImageTrust

TYPE = "https://example.com/type"
OWN = PUBLIC_KEY.fingerprint
NAMED = f"key {OWN.partition(':')[2]}"


def nobody(_: bytes) -> str:
    raise FormatError("no certificate")


def attached(
    image: MemoryImage, trust: ImageTrust | None = None, keys: tuple[ComponentPublicKey, ...] = ()
) -> list[Attached]:
    policy = Policy.of(keys, trust or ImageTrust(), Level.NONE)
    return list(inspect(image, policy, nobody if trust is None else lambda _: "ci@example.com").attached)


def told(found: list[Attached]) -> list[tuple[str, str, str | None, bool | None]]:
    return [(one.kind, one.form, one.signer, one.trusted) for one in found]


@pytest.mark.parametrize(
    ("trust", "component", "manifest"),
    [
        pytest.param(None, (None, None), [(NAMED, None), (None, None)], id="nobody"),
        pytest.param(ImageTrust([PUBLIC_KEY]), (KEY.fingerprint, True), [(OWN, True), (OWN, True)], id="both"),
        pytest.param(
            ImageTrust([OTHER_PUBLIC_KEY]), (KEY.fingerprint, True), [(NAMED, False), (None, False)], id="another"
        ),
    ],
)
def test_who_signed_is_what_is_proven_else_what_is_said(
    trust: ImageTrust | None,
    component: tuple[str | None, bool | None],
    manifest: list[tuple[str | None, bool | None]],
) -> None:
    found = attached(fully_signed(), trust, () if trust is None else (OTHER_KEY, KEY))
    assert told(found) == [
        ("component signature", "embedded", *component),
        ("signature", "bundle", *manifest[0]),
        ("signature", "legacy", *manifest[1]),
    ]


def test_an_attestation_is_told_by_its_type() -> None:
    image = make_image()
    attach_bundle(image, payload=attestation(image.image.digest, "n", TYPE, b"{}"))
    assert told(attached(image, ImageTrust([PUBLIC_KEY])))[1:] == [("attestation", TYPE, OWN, True)]


@pytest.mark.parametrize("form", ["signature", "attestation", "legacy"])
def test_what_is_for_another_image_is_not_trusted(form: str) -> None:
    image, other = make_image(), digest_of("another image")
    if form == "legacy":
        attach_legacy(image, [legacy_layer(image, payload=simple_signing.payload(other, "registry.example/a"))])
    else:
        payload = signature_statement(other) if form == "signature" else attestation(other, "n", TYPE, b"{}")
        attach_bundle(image, payload=payload)
    (found,) = attached(image, ImageTrust([PUBLIC_KEY]))[1:]
    assert found.trusted is False
    assert "not" in str(found.problem)


@pytest.mark.parametrize(("keys", "trusted"), [((), None), ((KEY,), True), ((OTHER_KEY,), False)])
def test_detached_signatures_of_the_component(keys: tuple[ComponentPublicKey, ...], trusted: bool | None) -> None:
    image = make_image(HELLO)
    attach_detached(image, detached(HELLO))
    signer = KEY.fingerprint if trusted else None
    assert told(attached(image, None, keys)) == [("component signature", "detached", signer, trusted)]


def test_a_detached_signature_of_another_file_is_not_trusted() -> None:
    image = make_image(HELLO)
    attach_detached(image, detached(HELLO + section(0, b"\1x")))
    (found,) = attached(image, None, (KEY,))
    assert (found.trusted, found.problem) == (False, "it is for other content")


def test_a_key_id_is_what_a_signature_says() -> None:
    (found,) = attached(make_image(signed(HELLO, with_key_id=True)))
    assert found.signer == f"key id {KEY.key_id.hex()}"


def test_an_identity_is_what_its_certificate_says() -> None:
    image = make_image(HELLO)
    attach_named(image, "ci@example.com")
    trust = ImageTrust(certificates=NamedIdentities({"ci@example.com": "ci"}))
    assert told(attached(image, trust)) == [("signature", "bundle", "ci@example.com", True)]
    assert told(attached(image, ImageTrust([PUBLIC_KEY]))) == [("signature", "bundle", "ci@example.com", False)]


def test_what_cannot_be_read_hides_nothing() -> None:
    image = fully_signed(HELLO)
    attach_blob(image, b"garbage")
    found = attached(image, ImageTrust([PUBLIC_KEY]))
    assert [one.kind for one in found] == ["signature", "signature", "other"]
    assert "not JSON" in str(found[-1].problem)


def test_the_time_is_that_of_a_log_entry() -> None:
    image = make_image(HELLO)
    entry = {"logIndex": "1", "integratedTime": "1700000000"}
    attach_bundle(image, bundle=lambda top: top["verificationMaterial"].update(tlogEntries=[entry]))
    assert [one.signed_at for one in attached(image)] == [1_700_000_000]


@pytest.mark.parametrize(
    ("entry", "time"),
    [
        ('{"Payload":{"integratedTime":1700000000}}', 1_700_000_000),
        ('{"Payload":{"integratedTime":-1}}', None),
        ('{"Payload":{"integratedTime":"1700000000"}}', None),
        ('{"Payload":{"integratedTime":1e400}}', None),
        ('{"Payload":[]}', None),
        ("garbage", None),
    ],
)
def test_the_time_of_a_legacy_signature_is_that_of_its_log_entry(entry: str, time: int | None) -> None:
    """With a trusted key, with another one, and with none."""
    image = make_image(HELLO)
    attach_legacy(image, [legacy_layer_with_entry(image, entry)])
    for trust in (ImageTrust(), ImageTrust([PUBLIC_KEY]), ImageTrust([OTHER_PUBLIC_KEY])):
        assert [one.signed_at for one in attached(image, trust)] == [time]


def test_other_bytes_are_refused() -> None:
    image = fully_signed()
    layer = next(digest for digest, data in image.blobs.items() if data == SIGNED_HELLO)
    image.blobs[layer] = SIGNED_HELLO[:-1] + b"\0"
    with pytest.raises(VerificationError) as refused:
        attached(image)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, ["inspect", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_shows_an_image(tmp_path: Path) -> None:
    (tmp_path / "oci.pub").write_bytes(SIGNER.public_key.pem())
    (tmp_path / "component.pub").write_bytes(pem_public(KEY))
    image = fully_signed()
    attach_bundle(image, STRANGER)
    layout = write_layout(image, tmp_path / "layout")
    text = run(layout)
    assert "level" not in text
    assert "exports acme:hello/run@1.0.0" in text
    assert text.count("not checked") == 4
    keys = ("--oci-key", tmp_path / "oci.pub", "--component-key", tmp_path / "component.pub")
    text = run(layout, *keys)
    assert "level: dual-layer" in text
    assert (text.count(", trusted"), text.count("not trusted")) == (3, 1)
    data = json.loads(run(layout, *keys, "--json"))
    assert [one["trusted"] for one in data["attached"]].count(True) == 3
    assert data["imports"] == ["wasi:cli/run@0.2.0", "log"]
    assert data["title"] is None
    assert data["level"] == "dual-layer"


def test_the_command_shows_an_index(tmp_path: Path) -> None:
    layout = write_index_layout(signed_index(), tmp_path / "index")
    data = json.loads(run(layout, "--json"))
    assert len(data["entries"]) == 2
    assert all(entry["layers"] and "annotations" in entry for entry in data["entries"])
    assert "layers" in data
