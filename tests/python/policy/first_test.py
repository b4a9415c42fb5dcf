"""A first policy file: what is in it, what the images are that meet it, and what it does not say."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from image_fixtures import (
    HELLO,
    OTHER_SIGNER,
    REPOSITORY,
    SIGNED_HELLO,
    SIGNER,
    MemoryImage,
    attach_blob,
    attach_bundle,
    attach_legacy,
    legacy_layer,
    make_image,
)
from policy_fixtures import TODAY, write_keys
from sigstore_certificate_fixtures import ISSUER, SAN, Leaf
from sigstore_fixtures import Sigstore
from timed_fixtures import attach
from wasm_fixtures import COMPONENT, HELLO_WAT, section, wat
from wasmoci.cosign.statement import signature_statement
from wasmoci.keys.image import ImageSigner
from wasmoci.oci.graph import read_graph
from wasmoci.policy.evaluation import rule_policy
from wasmoci.policy.file import PolicyFile
from wasmoci.policy.first import FirstPolicy, Given, first_policy
from wasmoci.values.errors import Error, VerificationError
from wasmoci.values.strict_json import dump
from wasmoci.verify.index import verify_root


def image_by(*signers: ImageSigner, component: bytes = SIGNED_HELLO) -> MemoryImage:
    image = make_image(component)
    for signer in signers:
        attach_bundle(image, signer)
    return image


def first(folder: Path, *images: MemoryImage, component: Sequence[str] = (), keys: Sequence[str] = ()) -> FirstPolicy:
    write_keys(folder)
    root = folder / "root.json"
    given = Given(
        [folder / name for name in component],
        [str(folder / name) for name in keys],
        root if root.exists() else None,
    )
    (folder / "policies").mkdir(exist_ok=True)
    return first_policy({REPOSITORY: [read_graph(image) for image in images]}, given, folder / "policies")


def level(policy: FirstPolicy, image: MemoryImage, folder: Path) -> str:
    file = PolicyFile.parse(policy.text.encode(), "policy.yaml", folder / "policies")
    try:
        return verify_root(image, rule_policy(file.rule_for(REPOSITORY), file.trusted_root, TODAY)).level.value
    except VerificationError as error:
        return error.reason.value


def test_what_the_keys_signed_and_what_is_imported(tmp_path: Path) -> None:
    image = image_by(SIGNER)
    policy = first(tmp_path, image, component=["first.pub"], keys=["first.pem"])
    assert policy.on_faith == []
    assert (
        policy.text
        == f"""\
# What these images had when this was written, and all others of their repositories must have:
#   {REPOSITORY}@{image.image.digest}
# An import fits in the version that is written here, or in a later one of its track.
apiVersion: wasm-oci/v1
signers:
  component1: {{componentKey: "../first.pub"}}
  image1: {{imageKey: "../first.pem"}}
rules:
- match: "{REPOSITORY}"
  component: {{allOf: [component1]}}
  image: {{allOf: [image1]}}
  imports: ["wasi:cli/run@0.2.0", "log"]
mode: enforce
"""
    )
    assert level(policy, image, tmp_path) == "dual-layer"
    assert level(policy, image_by(OTHER_SIGNER), tmp_path) == "UNTRUSTED_KEY"
    other = image_by(SIGNER, component=wat(HELLO_WAT.replace("log", "exit")))
    assert level(first(tmp_path, image, keys=["first.pem"]), other, tmp_path) == "IMPORT_NOT_ALLOWED"


def test_the_name_is_required_where_it_is_signed(tmp_path: Path) -> None:
    image = make_image(SIGNED_HELLO)
    attach_legacy(image, [legacy_layer(image)])
    assert "  signedName: required\n" in first(tmp_path, image, keys=["first.pem"]).text


@pytest.mark.parametrize("is_logged", [True, False])
def test_a_log_is_required_where_there_is_an_entry(is_logged: bool, tmp_path: Path) -> None:
    sigstore = Sigstore()
    (tmp_path / "root.json").write_bytes(dump(sigstore.trusted_root()))
    image = image_by()
    attach(image, "v1" if is_logged else "none", sigstore, SIGNER)
    assert ("  log: required\n" in first(tmp_path, image, keys=["first.pem"]).text) == is_logged


def test_an_identity_is_taken_on_faith(tmp_path: Path) -> None:
    sigstore = Sigstore()
    image = image_by()
    attach_blob(image, dump(sigstore.bundle(signature_statement(image.image.digest))))
    (tmp_path / "root.json").write_bytes(dump(sigstore.trusted_root()))
    policy = first(tmp_path, image)
    assert policy.on_faith == ["identity1"]
    assert "# Taken on faith, from certificates, are the following" in policy.text
    assert f'  identity1: {{issuer: "{ISSUER}", identity: "{SAN}"}}\n' in policy.text
    assert 'trustedRoot: "../root.json"\n' in policy.text
    assert level(policy, image, tmp_path) == "oci-only"
    with_key = image_by(SIGNER)
    attach_blob(with_key, dump(sigstore.bundle(signature_statement(with_key.image.digest))))
    assert first(tmp_path, with_key, keys=["first.pem"]).on_faith == []


def test_several_images_are_met_by_one_rule(tmp_path: Path) -> None:
    both = image_by(SIGNER, OTHER_SIGNER)
    one = image_by(SIGNER, component=HELLO)
    policy = first(tmp_path, both, one, keys=["first.pem"])
    assert [level(policy, image, tmp_path) for image in (both, one)] == ["oci-only", "oci-only"]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (["0.2.3", "0.2.0", "0.2.6"], ["0.2.0"]),
        (["0.2.3", "0.3.0", "1.4.0", "1.0.0"], ["0.2.3", "0.3.0", "1.0.0"]),
        (["0.0.2", "0.0.1", "1.0.0-rc.1"], ["0.0.2", "0.0.1", "1.0.0-rc.1"]),
        (["0.2.3+a", "0.2.3+b"], ["0.2.3+a"]),
    ],
)
def test_of_one_track_the_first_version_is_written(versions: list[str], expected: list[str], tmp_path: Path) -> None:
    images = [image_by(SIGNER, component=wat(HELLO_WAT.replace("0.2.0", version))) for version in versions]
    policy = first(tmp_path, *images, keys=["first.pem"])
    assert re.findall(r'"wasi:cli/run@([^"]*)"', policy.text) == expected
    assert {level(policy, image, tmp_path) for image in images} == {"oci-only"}


@pytest.mark.parametrize(
    ("component", "keys", "error"),
    [
        ([], [], "nobody can be named who signed all of"),
        ([], ["second.pem"], "nobody can be named who signed all of"),
        (["first.pub"], ["second.pem"], "second.pem did not sign all images of a repository"),
    ],
)
def test_who_did_not_sign_is_not_in_it(component: list[str], keys: list[str], error: str, tmp_path: Path) -> None:
    with pytest.raises(Error, match=error):
        first(tmp_path, image_by(SIGNER), component=component, keys=keys)


def test_a_name_that_would_be_a_pattern_is_refused(tmp_path: Path) -> None:
    sigstore = Sigstore()
    image = image_by()
    leaf = Leaf(san="https://ci.example.com/*")
    attach_blob(image, dump(sigstore.bundle(signature_statement(image.image.digest), leaf)))
    (tmp_path / "root.json").write_bytes(dump(sigstore.trusted_root()))
    with pytest.raises(Error, match=r"in a policy \* stands for other text"):
        first(tmp_path, image)
    wild = image_by(SIGNER, component=COMPONENT + section(10, b"\1\0\1*\1\0"))
    with pytest.raises(Error, match=r"the import '\*' cannot be written"):
        first(tmp_path, wild, keys=["first.pem"])
