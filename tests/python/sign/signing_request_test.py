"""Air gaps: what is asked for are the bytes that signing here signs, and what comes back gives the same output."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from image_fixtures import FILE_KEY, HELLO, OTHER_SIGNER, PUBLIC_KEY, REPOSITORY, SIGNER, STRANGER, base64_text
from layout_fixtures import files_of, packaged
from step_fixtures import component_step, manifest_step
from wasm_fixtures import COMPONENT, KEY, MODULE, SEED_1, TYPED_MODULE, detached, signed
from wasm_fixtures import OTHER_SIGNER as OTHER_COMPONENT_SIGNER
from wasm_fixtures import SIGNER as COMPONENT_SIGNER
from wasmoci.commands.main import main
from wasmoci.cosign.signing_request import ManifestAsked
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import compact_public, pem_public
from wasmoci.keys.image import ImagePublicKey, ImageSigner
from wasmoci.keys.offline import MAX_SIGNATURE_FILE_SIZE, OfflineKey, OfflineSignature
from wasmoci.sign.layout import sign_layout
from wasmoci.sign.signing_request import signing_request
from wasmoci.values.digest import Digest
from wasmoci.values.errors import LimitError, Reason, UsageError, VerificationError
from wasmoci.values.signature_format import Placement, SignatureFormat

COMPONENT_MESSAGE, BUNDLE_MESSAGE, LEGACY_MESSAGE = "component.message", "oci-bundle.message", "oci-legacy.message"
FOR_MANIFEST = ("--repository", REPOSITORY)


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    assert isinstance(result.exception, SystemExit | None), repr(result.exception)
    return result


class RandomKey:
    """A SigningKey as a token has it: each signature is another one, and the last over a message is remembered."""

    def __init__(self) -> None:
        self._key = ec.derive_private_key(77, ec.SECP256R1())
        self.public_key = self._key.public_key()
        self.made: dict[bytes, bytes] = {}

    def sign(self, message: bytes) -> bytes:
        self.made[message] = self._key.sign(message, ec.ECDSA(hashes.SHA256()))
        return self.made[message]


class AirGap:
    """A folder with keys, a request and what comes back for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "component.pub").write_bytes(pem_public(KEY))
        (folder / "oci.pub").write_bytes(SIGNER.public_key.pem())
        (folder / "other.pub").write_bytes(OTHER_SIGNER.public_key.pem())

    def ask(self, source: Path, *arguments: str, code: int = 0) -> Result:
        return run("signing-request", source, "--output", self.folder / "request", *arguments, code=code)

    def asked(self) -> Any:
        return json.loads((self.folder / "request/request.json").read_bytes())

    def message(self, name: str) -> bytes:
        return (self.folder / "request" / name).read_bytes()

    def answer(self, name: str, sign: Callable[[bytes], bytes], as_name: str | None = None) -> Path:
        path = self.folder / (as_name or f"{name}.sig")
        path.write_bytes(sign(self.message(name)))
        return path

    def bring(self, source: Path, signatures: list[Path], *keys: str, code: int = 0) -> Result:
        options = [one for path in signatures for one in ("--signature", path)]
        options += [one for key in keys for one in ("--public-key", self.folder / key)]
        arguments = ("--request", self.folder / "request", *options, "--output", self.folder / "out")
        return run("import-signature", source, *arguments, code=code)

    def is_untouched(self) -> bool:
        return not (self.folder / "out").exists() and not list(self.folder.glob(".*"))


@pytest.fixture(name="gap")
def _gap(tmp_path: Path) -> AirGap:
    return AirGap(tmp_path)


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    return packaged(tmp_path, HELLO, "layout")


@pytest.fixture(name="component")
def _component(tmp_path: Path) -> Path:
    (tmp_path / "hello.wasm").write_bytes(HELLO)
    return tmp_path / "hello.wasm"


# Round trips


@pytest.mark.parametrize("key_id", [True, False])
def test_a_component_gets_the_signature_that_it_would_get_here(key_id: bool, component: Path, gap: AirGap) -> None:
    gap.ask(component, *(["--key-id"] if key_id else []))
    signature = gap.answer(COMPONENT_MESSAGE, COMPONENT_SIGNER.sign)
    gap.bring(component, [signature], "component.pub")
    assert (gap.folder / "out").read_bytes() == signed(HELLO, with_key_id=key_id)


def test_a_component_gets_the_detached_signature_that_it_would_get_here(component: Path, gap: AirGap) -> None:
    gap.ask(component, "--component-signature", "detached")
    gap.bring(component, [gap.answer(COMPONENT_MESSAGE, COMPONENT_SIGNER.sign)], "component.pub")
    assert (gap.folder / "out").read_bytes() == detached(HELLO)


def test_a_module_is_signed_too(component: Path, gap: AirGap) -> None:
    component.write_bytes(TYPED_MODULE)
    gap.ask(component, "--kind", "module")
    gap.bring(component, [gap.answer(COMPONENT_MESSAGE, COMPONENT_SIGNER.sign)], "component.pub")
    assert (gap.folder / "out").read_bytes() == signed(TYPED_MODULE)


@pytest.mark.parametrize("formats", [(), ("bundle",), ("legacy",), ("legacy", "bundle")])
def test_an_image_gets_the_signatures_that_it_would_get_here(
    formats: tuple[str, ...], layout: Path, gap: AirGap
) -> None:
    options = [one for name in formats for one in ("--format", name)]
    gap.ask(layout, *FOR_MANIFEST, "-a", "env=prod", "-a", "a=1", *options)
    names = [message["file"] for message in gap.asked()["messages"]]
    gap.bring(layout, [gap.answer(name, SIGNER.sign) for name in names], "oci.pub")
    signing = manifest_step(
        [SIGNER],
        REPOSITORY,
        [SignatureFormat(name) for name in formats] or None,
        {"a": "1", "env": "prod"},
    )
    sign_layout(layout, gap.folder / "online", [signing], Layout.subject)
    assert files_of(gap.folder / "out") == files_of(gap.folder / "online")


def test_signatures_with_randomness_give_the_same_layout_too(layout: Path, gap: AirGap) -> None:
    key = RandomKey()
    (gap.folder / "oci.pub").write_bytes(ImagePublicKey.of(key.public_key).pem())
    sign_layout(layout, gap.folder / "online", [manifest_step([ImageSigner(key)], REPOSITORY)], Layout.subject)
    gap.ask(layout, *FOR_MANIFEST)
    names = [BUNDLE_MESSAGE, LEGACY_MESSAGE]
    gap.bring(layout, [gap.answer(name, key.made.__getitem__) for name in names], "oci.pub")
    assert files_of(gap.folder / "out") == files_of(gap.folder / "online")


def test_both_layers_at_once_with_a_detached_component_signature(layout: Path, gap: AirGap) -> None:
    gap.ask(layout, *FOR_MANIFEST, "--component-signature", "detached", "--key-id")
    signatures = [
        gap.answer(LEGACY_MESSAGE, SIGNER.sign),
        gap.answer(COMPONENT_MESSAGE, COMPONENT_SIGNER.sign),
        gap.answer(BUNDLE_MESSAGE, SIGNER.sign),
    ]
    gap.bring(layout, signatures, "oci.pub", "component.pub")
    steps = [
        component_step(Placement.DETACHED),
        manifest_step([SIGNER], REPOSITORY),
    ]
    sign_layout(layout, gap.folder / "online", steps, Layout.subject)
    assert files_of(gap.folder / "out") == files_of(gap.folder / "online")


def test_both_layers_in_two_rounds_with_an_embedded_component_signature(layout: Path, gap: AirGap) -> None:
    gap.ask(layout, "--component-signature", "embedded", "--key-id")
    gap.bring(layout, [gap.answer(COMPONENT_MESSAGE, COMPONENT_SIGNER.sign)], "component.pub")
    first = (gap.folder / "out").rename(gap.folder / "first")
    (gap.folder / "request").rename(gap.folder / "first-request")
    gap.ask(first, *FOR_MANIFEST)
    gap.bring(first, [gap.answer(name, SIGNER.sign) for name in (BUNDLE_MESSAGE, LEGACY_MESSAGE)], "oci.pub")
    steps = [component_step(), manifest_step([SIGNER], REPOSITORY)]
    sign_layout(layout, gap.folder / "online", steps, Layout.subject)
    assert files_of(gap.folder / "out") == files_of(gap.folder / "online")


def test_one_ed25519_key_signs_both_layers(layout: Path, gap: AirGap) -> None:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(SEED_1)
    gap.ask(layout, *FOR_MANIFEST, "--component-signature", "detached")
    names = [COMPONENT_MESSAGE, BUNDLE_MESSAGE, LEGACY_MESSAGE]
    result = gap.bring(layout, [gap.answer(name, key.sign) for name in names], "component.pub")
    assert "component signed by" in result.output
    assert "OCI manifest signed by" in result.output
    assert "warning: ed25519" in result.stderr


def test_several_keys_sign_in_the_order_in_which_they_are_named(layout: Path, gap: AirGap) -> None:
    gap.ask(layout, *FOR_MANIFEST, "--format", "legacy")
    signatures = [
        gap.answer(LEGACY_MESSAGE, SIGNER.sign, "one.sig"),
        gap.answer(LEGACY_MESSAGE, OTHER_SIGNER.sign, "two.sig"),
    ]
    gap.bring(layout, signatures, "other.pub", "oci.pub")
    signing = manifest_step([OTHER_SIGNER, SIGNER], REPOSITORY, [SignatureFormat.LEGACY])
    sign_layout(layout, gap.folder / "online", [signing], Layout.subject)
    assert files_of(gap.folder / "out") == files_of(gap.folder / "online")


def test_several_component_keys_sign(component: Path, gap: AirGap) -> None:
    (gap.folder / "second.pub").write_bytes(compact_public(OTHER_COMPONENT_SIGNER.public_key))
    gap.ask(component)
    signatures = [
        gap.answer(COMPONENT_MESSAGE, OTHER_COMPONENT_SIGNER.sign, "two.sig"),
        gap.answer(COMPONENT_MESSAGE, COMPONENT_SIGNER.sign, "one.sig"),
    ]
    gap.bring(component, signatures, "component.pub", "second.pub")
    assert (gap.folder / "out").read_bytes() == signed(signed(HELLO), OTHER_COMPONENT_SIGNER)


def lines(text: str) -> bytes:
    return "".join(f"{text[start : start + 64]}\n" for start in range(0, len(text), 64)).encode()


@pytest.mark.parametrize(
    "written",
    [
        lambda data: base64_text(data).encode(),
        lambda data: base64_text(data).encode() + b"\n",
        lambda data: lines(base64_text(data)),
        lambda data: lines(base64_text(data)).replace(b"\n", b"\r\n"),
    ],
    ids=["base64", "with-newline", "in-lines", "in-lines-of-windows"],
)
def test_signatures_may_be_base64(written: Callable[[bytes], bytes], layout: Path, gap: AirGap) -> None:
    gap.ask(layout, *FOR_MANIFEST, "--format", "bundle")
    signature = gap.answer(BUNDLE_MESSAGE, lambda message: written(SIGNER.sign(message)))
    gap.bring(layout, [signature], "oci.pub")


# What a request says


def test_the_request_says_what_its_files_are(layout: Path, gap: AirGap) -> None:
    gap.ask(layout, *FOR_MANIFEST, "--component-signature", "detached", "-a", "env=prod")
    subject = Layout(layout).subject().digest
    asked = gap.asked()
    assert asked["subject"] == str(subject)
    assert asked["component"] == {"signatureType": "detached", "kind": "component", "keyId": False}
    assert asked["oci"] == {
        "repository": REPOSITORY,
        "formats": ["bundle", "legacy"],
        "annotations": {"env": "prod"},
    }
    assert [(one["file"], one["layer"], one["format"]) for one in asked["messages"]] == [
        (COMPONENT_MESSAGE, "component", "wasmsign2"),
        (BUNDLE_MESSAGE, "oci", "bundle"),
        (LEGACY_MESSAGE, "oci", "legacy"),
    ]
    for one in asked["messages"]:
        data = gap.message(one["file"])
        assert (one["size"], one["digest"]) == (len(data), str(Digest.of(data)))
    assert sorted(path.name for path in (gap.folder / "request").iterdir()) == sorted(
        ["request.json", *(one["file"] for one in asked["messages"])]
    )


def test_the_messages_are_those_of_the_formats(layout: Path, gap: AirGap) -> None:
    gap.ask(layout, *FOR_MANIFEST, "--component-signature", "detached")
    subject = Layout(layout).subject().digest.hex
    assert gap.message(COMPONENT_MESSAGE).startswith(b"wasmsig\x01\x01\x01")
    assert len(gap.message(COMPONENT_MESSAGE)) == 7 + 3 + 32
    statement = gap.message(BUNDLE_MESSAGE).removeprefix(b"DSSEv1 28 application/vnd.in-toto+json 296 ")
    assert json.loads(statement)["subject"] == [
        {"digest": {"sha256": subject}, "annotations": {"vnd.rules-wasm-oci.signed-name": REPOSITORY}}
    ]
    critical = json.loads(gap.message(LEGACY_MESSAGE))["critical"]
    assert critical["image"] == {"docker-manifest-digest": f"sha256:{subject}"}
    assert critical["identity"] == {"docker-reference": REPOSITORY}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "ask for a signature"),
        (["--format", "bundle", "--component-signature", "detached"], "go with --repository"),
        (["-a", "a=1"], "go with --repository"),
        (["--key-id", *FOR_MANIFEST], "goes with --component-signature"),
        ([*FOR_MANIFEST, "--component-signature", "embedded"], "makes another OCI manifest"),
        ([*FOR_MANIFEST, "-a", "a=1", "-a", "a=2"], "given twice"),
        ([*FOR_MANIFEST, "-a", "a"], "KEY=VALUE"),
    ],
)
def test_wrong_usage_asks_for_nothing(arguments: list[str], text: str, layout: Path, gap: AirGap) -> None:
    result = gap.ask(layout, *arguments, code=2)
    assert text in result.output
    assert not (gap.folder / "request").exists()


def test_a_file_has_no_manifest_to_sign(component: Path, gap: AirGap) -> None:
    assert "is no image layout" in gap.ask(component, *FOR_MANIFEST, code=2).output


def test_a_request_that_cannot_be_written_leaves_nothing(
    component: Path, gap: AirGap, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert "cannot write" in gap.ask(component, code=1).output
    assert not (gap.folder / "request").exists()
    assert gap.is_untouched()


@pytest.mark.parametrize("manifest", [None, ManifestAsked(REPOSITORY, [SignatureFormat.BUNDLE])])
def test_of_a_file_only_a_component_signature_can_be_asked_for(manifest: ManifestAsked | None, component: Path) -> None:
    with pytest.raises(UsageError, match="only a component signature can be asked for"):
        signing_request(component, None, manifest)


def test_no_format_asks_for_nothing(layout: Path) -> None:
    with pytest.raises(UsageError, match="no signature format is given"):
        signing_request(layout, None, ManifestAsked(REPOSITORY, []))


def test_a_request_overwrites_nothing(component: Path, gap: AirGap) -> None:
    (gap.folder / "request").mkdir()
    (gap.folder / "request" / "mine").write_bytes(b"")
    gap.ask(component, code=1)
    assert [path.name for path in (gap.folder / "request").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("content", "arguments", "code"),
    [
        (MODULE, [], 3),
        (COMPONENT + b"\x00", [], 1),
        (signed(HELLO), ["--component-signature", "detached"], 1),
    ],
    ids=["other-kind", "broken", "signed-inside"],
)
def test_what_cannot_be_signed_is_not_asked_for(
    content: bytes, arguments: list[str], code: int, component: Path, gap: AirGap
) -> None:
    component.write_bytes(content)
    gap.ask(component, *arguments, code=code)
    assert not (gap.folder / "request").exists()


# What comes back and is refused


def test_an_offline_key_gives_only_its_own_signatures(tmp_path: Path) -> None:
    (tmp_path / "sig").write_bytes(SIGNER.sign(b"message"))
    key = OfflineKey(PUBLIC_KEY, [OfflineSignature.load(tmp_path / "sig")])
    assert ImageSigner(key).sign(b"message") == (tmp_path / "sig").read_bytes()
    with pytest.raises(VerificationError) as refused:
        key.sign(b"another message")
    assert refused.value.reason is Reason.BAD_SIGNATURE


def test_a_signature_file_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "sig").write_bytes(bytes(MAX_SIGNATURE_FILE_SIZE))
    assert OfflineSignature.load(tmp_path / "sig").readings[0] == bytes(MAX_SIGNATURE_FILE_SIZE)
    (tmp_path / "sig").write_bytes(bytes(MAX_SIGNATURE_FILE_SIZE + 1))
    with pytest.raises(LimitError, match="the limit of 65536"):
        OfflineSignature.load(tmp_path / "sig")


@pytest.fixture(name="request_for_image")
def _request_for_image(layout: Path, gap: AirGap) -> list[Path]:
    """A request for both formats, and good signatures for it."""
    gap.ask(layout, *FOR_MANIFEST)
    return [gap.answer(name, SIGNER.sign) for name in (BUNDLE_MESSAGE, LEGACY_MESSAGE)]


def broken_signature(signature: bytes) -> bytes:
    return signature[:-1] + bytes([signature[-1] ^ 1])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda gap: gap.answer(LEGACY_MESSAGE, lambda message: broken_signature(SIGNER.sign(message))),
        lambda gap: gap.answer(LEGACY_MESSAGE, STRANGER.sign),
        lambda gap: gap.answer(LEGACY_MESSAGE, lambda message: SIGNER.sign(message + b"\n")),
        lambda gap: gap.answer(LEGACY_MESSAGE, lambda message: SIGNER.sign(message) + b"\0"),
        lambda gap: gap.answer(LEGACY_MESSAGE, lambda _: b""),
        lambda gap: gap.answer(BUNDLE_MESSAGE, SIGNER.sign, f"{LEGACY_MESSAGE}.sig"),
        lambda gap: gap.answer(
            LEGACY_MESSAGE, lambda message: base64_text(SIGNER.sign(message)).replace("=", "").encode() + b"="
        ),
    ],
    ids=["broken", "other-key", "other-message", "trailing-byte", "empty", "of-the-other-format", "wrong-base64"],
)
def test_a_wrong_signature_is_refused(
    wrong: Callable[[AirGap], Path], request_for_image: list[Path], layout: Path, gap: AirGap
) -> None:
    gap.bring(layout, [request_for_image[0], wrong(gap)], "oci.pub", code=3)
    assert gap.is_untouched()


def test_a_signature_that_is_missing_is_refused(request_for_image: list[Path], layout: Path, gap: AirGap) -> None:
    result = gap.bring(layout, request_for_image[:1], "oci.pub", code=3)
    assert f"signed a part of the request, but not {LEGACY_MESSAGE}" in result.output
    assert gap.is_untouched()


def test_a_layer_that_nobody_signed_is_refused(layout: Path, gap: AirGap) -> None:
    gap.ask(layout, *FOR_MANIFEST, "--component-signature", "detached")
    signatures = [gap.answer(name, SIGNER.sign) for name in (BUNDLE_MESSAGE, LEGACY_MESSAGE)]
    result = gap.bring(layout, signatures, "oci.pub", "component.pub", code=3)
    assert f"no signature given is one over {COMPONENT_MESSAGE}" in result.output
    assert gap.is_untouched()


def test_a_signature_that_belongs_to_nothing_is_refused(
    request_for_image: list[Path], layout: Path, gap: AirGap
) -> None:
    stray = gap.answer(LEGACY_MESSAGE, STRANGER.sign, "stray.sig")
    assert "stray.sig does not belong" in gap.bring(layout, [*request_for_image, stray], "oci.pub", code=3).output
    assert gap.is_untouched()


def test_a_key_that_signed_nothing_is_refused(request_for_image: list[Path], layout: Path, gap: AirGap) -> None:
    result = gap.bring(layout, request_for_image, "oci.pub", "other.pub", code=3)
    assert "other.pub does not belong" in result.output
    assert gap.is_untouched()


def test_a_request_of_another_image_is_refused(request_for_image: list[Path], tmp_path: Path, gap: AirGap) -> None:
    other = packaged(tmp_path, signed(HELLO), "other")
    result = gap.bring(other, request_for_image, "oci.pub", code=3)
    assert "WRONG_SUBJECT" in result.output
    assert gap.is_untouched()


@pytest.mark.parametrize(
    "change",
    [
        lambda top: top.update(subject=f"sha256:{'0' * 64}"),
        lambda top: top["oci"].update(annotations={"env": "prod"}),
        lambda top: top["oci"].update(repository="registry.example.com/evil"),
        lambda top: top["oci"].update(formats=["legacy"]),
        lambda top: top["messages"].pop(),
        lambda top: top["messages"][0].update(file="../../evil"),
        lambda top: top.update(extra=1),
    ],
    ids=["subject", "annotations", "repository", "formats", "message-gone", "message-name", "extra-member"],
)
def test_a_changed_request_is_refused(
    change: Callable[[Any], object], request_for_image: list[Path], layout: Path, gap: AirGap
) -> None:
    asked = gap.asked()
    change(asked)
    (gap.folder / "request/request.json").write_text(json.dumps(asked, separators=(",", ":")))
    assert "WRONG_SUBJECT" in gap.bring(layout, request_for_image, "oci.pub", code=3).output
    assert gap.is_untouched()


@pytest.mark.parametrize(
    "change",
    [
        lambda top: top.update(mediaType="application/json"),
        lambda top: top["oci"].update(formats=["bundle", "other"]),
        lambda top: top["oci"].update(formats=["bundle", "legacy", "bundle"]),
        lambda top: top.pop("mediaType"),
        lambda top: top.update(component={"signatureType": "beside", "kind": "component", "keyId": False}),
        lambda top: top.update(component={"signatureType": "detached", "kind": "core", "keyId": False}),
        lambda top: top.update(component={"signatureType": "detached", "kind": "component", "keyId": 0}),
    ],
)
def test_a_malformed_request_is_an_error(
    change: Callable[[Any], object], request_for_image: list[Path], layout: Path, gap: AirGap
) -> None:
    asked = gap.asked()
    change(asked)
    (gap.folder / "request/request.json").write_text(json.dumps(asked, separators=(",", ":")))
    gap.bring(layout, request_for_image, "oci.pub", code=1)
    assert gap.is_untouched()


def test_the_message_files_decide_nothing(request_for_image: list[Path], layout: Path, gap: AirGap) -> None:
    (gap.folder / "request" / BUNDLE_MESSAGE).write_bytes(b"something else")
    gap.bring(layout, request_for_image, "oci.pub")


@pytest.mark.parametrize("content", [b"nonsense", FILE_KEY.pem()], ids=["nonsense", "private-key"])
def test_what_is_no_public_key_is_an_error(
    content: bytes, request_for_image: list[Path], layout: Path, gap: AirGap
) -> None:
    (gap.folder / "oci.pub").write_bytes(content)
    gap.bring(layout, request_for_image, "oci.pub", code=1)
    assert gap.is_untouched()


def test_an_import_overwrites_nothing(component: Path, gap: AirGap) -> None:
    gap.ask(component, "--component-signature", "detached")
    signature = gap.answer(COMPONENT_MESSAGE, COMPONENT_SIGNER.sign)
    (gap.folder / "out").write_bytes(b"mine")
    gap.bring(component, [signature], "component.pub", code=1)
    assert (gap.folder / "out").read_bytes() == b"mine"
