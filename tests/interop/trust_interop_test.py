"""Several signers and signed annotations: what the real cosign signs counts here, what we sign counts there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from images import BOTH, KeyPair, push, unsigned_layout
from key_fixtures import open_image_signer
from peers import REGISTRIES, registry, run, run_refused
from registry_fixtures import OwnClient
from wasmoci.registry.source import RegistrySource
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy, Verified
from wasmoci.verify.trust import ImageTrust

VERIFY = ("cosign", "verify", "--insecure-ignore-tlog", "--allow-http-registry")
SIGN = ("cosign", "sign", "--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "-y")
PASSWORD = {"COSIGN_PASSWORD": "marked-password"}
LEGACY = ["--new-bundle-format=false"]


def flags(form: SignatureFormat) -> list[str]:
    return LEGACY if form is SignatureFormat.LEGACY else []


def sign_by_cosign(pair: KeyPair, image: str, folder: Path, *options: str) -> None:
    run(*SIGN, "--key", pair.private, *options, image, folder=folder, environment=PASSWORD)


def pairs_of_cosign(folder: Path) -> list[KeyPair]:
    pairs = []
    for name in ("first", "second"):
        (folder / name).mkdir()
        pairs.append(KeyPair.make_by_cosign(folder / name))
    return pairs


@contextmanager
def source_of(image: str) -> Iterator[RegistrySource]:
    reference = Reference.parse(image)
    with OwnClient(reference.repository, {}, [reference.repository.registry]) as client:
        yield RegistrySource(reference, client)


def verified(image: str, trust: ImageTrust) -> Verified:
    with source_of(image) as source:
        return verify(source, Policy.of([], trust))


def reason_of_refusal(image: str, trust: ImageTrust) -> Reason:
    with pytest.raises(VerificationError) as refused:
        verified(image, trust)
    return refused.value.reason


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("kind", REGISTRIES)
def test_two_signatures_with_annotations_by_cosign(kind: str, form: SignatureFormat, tmp_path: Path) -> None:
    first, second = pairs_of_cosign(tmp_path)
    keys = [first.trusted(), second.trusted()]
    annotated = {"env": "prod", "team": "a b"}
    with registry(kind, tmp_path) as address:
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        sign_by_cosign(first, image, tmp_path, *flags(form), "-a", "env=prod", "-a", "team=a b")
        assert reason_of_refusal(image, ImageTrust(keys, threshold=2)) is Reason.POLICY_UNMET
        sign_by_cosign(second, image, tmp_path, *flags(form))
        found = verified(image, ImageTrust(keys, threshold=2)).image_signatures
        assert [one.format for one in found] == [form, form]
        assert {one.signer.fingerprint: one.annotations for one in found} == {
            keys[0].fingerprint: annotated,
            keys[1].fingerprint: {},
        }
        assert len(verified(image, ImageTrust(keys, annotations=annotated)).image_signatures) == 1
        assert reason_of_refusal(image, ImageTrust(keys[:1], annotations={"env": "test"})) is Reason.POLICY_UNMET
        both_annotated = ImageTrust(keys, threshold=2, annotations=annotated)
        assert reason_of_refusal(image, both_annotated) is Reason.POLICY_UNMET


@pytest.mark.parametrize("kind", REGISTRIES)
def test_cosign_finds_each_of_our_signatures_and_checks_its_annotations(kind: str, tmp_path: Path) -> None:
    pairs = [KeyPair.make(tmp_path, name) for name in ("first", "second")]
    layout = tmp_path / "signed"
    with registry(kind, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        request = SignRequest(unsigned_layout(tmp_path), layout, repository, BOTH, {"env": "prod", "team": "a b"})
        sign_image(request, *(open_image_signer(pair.private) for pair in pairs))
        image = push(layout, repository, pairs[0].trusted())
        for pair in pairs:
            for form in BOTH:
                command = [*VERIFY, "--key", str(pair.public), *flags(form)]
                run(*command, "-a", "env=prod", "-a", "team=a b", image, folder=tmp_path)
                run_refused(*command, "-a", "env=test", image, folder=tmp_path)
        assert len(verified(image, ImageTrust([pair.trusted() for pair in pairs], threshold=2)).image_signatures) == 4


@pytest.mark.parametrize("kind", REGISTRIES)
def test_cosigns_legacy_signature_stays_beside_ours(kind: str, tmp_path: Path) -> None:
    unsigned = unsigned_layout(tmp_path)
    theirs, ours = KeyPair.make_by_cosign(tmp_path), KeyPair.make(tmp_path, "ours")
    with registry(kind, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        image = push(unsigned, repository)
        sign_by_cosign(theirs, image, tmp_path, *LEGACY)
        layout = tmp_path / "signed"
        request = SignRequest(unsigned, layout, repository, [SignatureFormat.LEGACY])
        sign_image(request, open_image_signer(ours.private))
        push(layout, repository, ours.trusted())
        for pair in (theirs, ours):
            run(*VERIFY, *LEGACY, "--key", pair.public, image, folder=tmp_path)
        trust = ImageTrust([theirs.trusted(), ours.trusted()], threshold=2)
        assert len(verified(image, trust).image_signatures) == 2
