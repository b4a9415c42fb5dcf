"""`--report vsa`, `--attest-verdict` and `--publish-verdict`: a verdict that others can verify."""

import json
import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tool_fixtures import make_inputs
from wasmoci.commands.main import main
from wasmoci.registry_server.server import EmbeddedRegistry

POLICY = """\
apiVersion: wasm-oci/v1
signers: {release: {imageKey: oci.pub, componentKey: component.pub}}
rules: [{match: "**", image: {allOf: [release]}, component: {allOf: [release]}}]
"""
SUMMARY = "https://slsa.dev/verification_summary/v1"


@pytest.fixture(name="host", scope="module")
def _host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry with a signed image at a:v1 and an unsigned one at b:v1; the working folder has keys and a policy."""
    folder = make_inputs(tmp_path_factory.mktemp("verdict") / "inputs")
    (folder / "registry").mkdir()
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "report.yaml").write_text(f"{POLICY}mode: report\n")
    with EmbeddedRegistry(folder / "registry") as registry, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COSIGN_PASSWORD", "")
        (folder / "oci.key").chmod(0o600)
        assert call("keygen oci --private-key judge.key --public-key judge.pub").exit_code == 0
        for image, name in (("signed_image", "a"), ("image", "b")):
            result = call(f"copy {image} {registry.address}/{name}:v1 --insecure-registry {registry.address}")
            assert result.exit_code == 0, result.output
        yield registry.address


def call(words: str) -> Result:
    return CliRunner().invoke(main, shlex.split(words))


def verify(host: str, words: str) -> Result:
    Path("v.json").unlink(missing_ok=True)
    return call(f"verify --insecure-registry {host} {words}".replace("HOST", host))


def predicate(data: str) -> dict[str, Any]:
    statement = json.loads(data)
    assert statement["predicateType"] == SUMMARY
    found: dict[str, Any] = statement["predicate"]
    return found


@pytest.mark.parametrize(
    ("target", "code", "result", "levels"),
    [("HOST/a:v1", 0, "PASSED", ["WASM_OCI_DUAL_LAYER"]), ("HOST/b:v1", 3, "FAILED", ["FAILED"])],
)
def test_a_summary_says_what_the_verdict_is(host: str, target: str, code: int, result: str, levels: list[str]) -> None:
    assert verify(host, f"{target} --policy policy.yaml --report vsa=v.json").exit_code == code
    statement = json.loads(Path("v.json").read_text())
    said = predicate(Path("v.json").read_text())
    assert (said["verificationResult"], said["verifiedLevels"]) == (result, levels)
    assert said["resourceUri"] == f"oci://{target.replace('HOST', host).removesuffix(':v1')}"
    assert said["policy"]["uri"] == "policy.yaml"
    assert len(statement["subject"][0]["digest"]["sha256"]) == len(said["policy"]["digest"]["sha256"]) == 64


def test_the_repository_that_a_layout_counts_as_is_in_the_summary(host: str) -> None:
    assert verify(host, "signed_image --as reg.example.com/x --policy policy.yaml --report vsa=v.json").exit_code == 0
    assert predicate(Path("v.json").read_text())["resourceUri"] == "oci://reg.example.com/x"


def test_a_signed_summary_is_a_bundle(host: str) -> None:
    options = "--policy policy.yaml --report vsa=v.json --attest-verdict judge.key"
    assert verify(host, f"HOST/a:v1 {options}").exit_code == 0
    assert "dsseEnvelope" in json.loads(Path("v.json").read_text())


def test_a_key_that_others_can_read_signs_only_where_that_is_allowed(host: str) -> None:
    Path("open.key").write_bytes(Path("judge.key").read_bytes())
    Path("open.key").chmod(0o644)
    options = "HOST/a:v1 --policy policy.yaml --report vsa=v.json --attest-verdict open.key"
    refused = verify(host, options)
    assert (refused.exit_code, "allow it with --allow-readable-key" in refused.stderr) == (1, True)
    assert verify(host, f"{options} --allow-readable-key").exit_code == 0
    assert "dsseEnvelope" in json.loads(Path("v.json").read_text())
    Path("v.json").unlink()
    published = call(
        f"publish signed_image {options.replace(':v1', ':v3')} --insecure-registry {host} --allow-readable-key".replace(
            "HOST", host
        )
    )
    assert (published.exit_code, "dsseEnvelope" in json.loads(Path("v.json").read_text())) == (0, True)


class Clock:
    """Each time that it is asked a day later."""

    days = count()

    @classmethod
    def now(cls, zone: timezone) -> datetime:
        return datetime(2026, 11, 29, tzinfo=zone) + timedelta(days=next(cls.days))


@pytest.mark.parametrize(("name", "code", "said"), [("a", 0, "PASSED"), ("b", 3, "FAILED")])
def test_a_published_verdict_is_an_attestation_that_others_verify(
    name: str, code: int, said: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wasmoci.commands.options.reports.datetime", Clock)
    image = f"{host}/{name}:v1 --insecure-registry {host} --json"

    def publish(key: str) -> int:
        """Publish a verdict by this key; how many there are then."""
        result = verify(host, f"HOST/{name}:v1 --policy policy.yaml --attest-verdict {key} --publish-verdict")
        assert result.exit_code == code, result.output
        assert "the verdict is attached to sha256:" in result.stderr
        attached = json.loads(call(f"inspect {image}").stdout)["attached"]
        return [each["kind"] for each in attached if each["form"] == SUMMARY].count("attestation")

    # The second night adds nothing, and what somebody else says takes nobody's place.
    assert [publish(key) for key in ("oci.key", "judge.key", "judge.key", "oci.key")] == [1, 2, 2, 2]
    attested = call(f"verify-attestation {image.removesuffix(' --json')} --type {SUMMARY} --oci-key judge.pub")
    assert (attested.exit_code, f"{SUMMARY} ({said}) attested by" in attested.stdout) == (0, True)
    assert verify(host, f"HOST/{name}:v1 --policy policy.yaml").exit_code == code


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("HOST/a:v1 --oci-key oci.pub --report vsa=v.json", 2, "names the policy by its digest: give --policy"),
        ("HOST/a:v1 --policy none.yaml --report vsa=v.json", 1, "its digest, and none was read"),
        ("HOST/a:v1 --policy report.yaml --report vsa=v.json", 2, "with `mode: report` verifies nothing"),
        ("HOST/a:v1 --policy policy.yaml --attest-verdict judge.key", 2, "give --report vsa=PATH"),
        ("HOST/a:v1 --policy policy.yaml --publish-verdict", 2, "give --attest-verdict"),
        ("HOST/a:v1 --policy policy.yaml --report vsa=v.json --attest-verdict none.key", 1, "none.key"),
        (
            "signed_image --as a.b/c --policy policy.yaml --attest-verdict judge.key --publish-verdict",
            2,
            "one image in a registry",
        ),
        (
            "HOST/none:v1 --policy policy.yaml --report vsa=v.json",
            1,
            "no verification summary of an image that could not be",
        ),
        ("HOST/a:v1 HOST/b:v1 --policy policy.yaml --report vsa=v.json", 3, "about one image and verdict, these are 2"),
    ],
)
def test_what_has_no_summary(host: str, words: str, code: int, text: str) -> None:
    result = verify(host, words)
    assert (result.exit_code, text in result.stderr) == (code, True), result.output
    assert not Path("v.json").exists()
