"""`from wasmoci import …`: what programs get that verify before they load, and that docs/python.md tells them so."""

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wasmoci
from copy_fixtures import client_at, index_layout, send_layout
from image_fixtures import (
    HELLO,
    OTHER_PUBLIC_KEY,
    SIGNED_HELLO,
    SIGNER,
    blob_path,
    fully_signed,
    make_image,
    write_layout,
)
from publish_fixtures import PATH
from wasm_fixtures import KEY, OTHER_KEY, detached
from wasmoci.keys.component import pem_public
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest

PAGE = (Path(__file__).absolute().parents[3] / "docs" / "python.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
REFERENCE = "registry.example.com/acme/greeting:v1.0.0"


@pytest.fixture(name="here")
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, data in (
        ("component.pub", pem_public(KEY)),
        ("oci.pub", SIGNER.public_key.pem()),
        ("stranger.pub", pem_public(OTHER_KEY)),
        ("oci_stranger.pub", OTHER_PUBLIC_KEY.pem()),
    ):
        (tmp_path / name).write_bytes(data)
    write_layout(fully_signed(), tmp_path / "layout")
    return tmp_path


@pytest.fixture(name="served")
def _served(here: Path) -> Iterator[str]:
    with EmbeddedRegistry(here / "registry") as registry:
        with client_at(registry.address) as client:
            send_layout(here / "layout", client)
        yield registry.address


def trust(component: str = "component.pub", oci: str = "oci.pub") -> wasmoci.TrustValues:
    return wasmoci.TrustValues(component_keys=[Path(component)], oci_keys=[oci])


def test_the_bytes_of_a_verified_image_are_given_out(here: Path, served: str) -> None:
    image = fully_signed().image.digest
    connection = wasmoci.ConnectionOptions(insecure=[served])
    for target in ("layout", f"{served}/{PATH}:v1", f"{served}/{PATH}@{image}"):
        assert wasmoci.load_image(target, trust(), connection=connection) == wasmoci.LoadedComponent(
            component=SIGNED_HELLO,
            digest=str(Digest.of(SIGNED_HELLO)),
            image=str(image),
            level=wasmoci.Level.DUAL_LAYER,
            component_signers=(KEY.fingerprint,),
            oci_signers=(SIGNER.public_key.fingerprint,),
            warnings=(),
        )


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (trust(component="stranger.pub"), wasmoci.Reason.UNTRUSTED_KEY),
        (trust(oci="oci_stranger.pub"), wasmoci.Reason.UNTRUSTED_KEY),
    ],
)
def test_what_nobody_trusted_signed_is_refused(here: Path, wanted: wasmoci.TrustValues, reason: wasmoci.Reason) -> None:
    with pytest.raises(wasmoci.VerificationError) as refused:
        wasmoci.load_image("layout", wanted)
    assert refused.value.reason is reason


def test_a_changed_component_is_refused(here: Path) -> None:
    blob = blob_path(here / "layout", Digest.of(SIGNED_HELLO))
    blob.write_bytes(SIGNED_HELLO[:-1] + b"\x00")
    with pytest.raises(wasmoci.VerificationError) as refused:
        wasmoci.load_image("layout", trust())
    assert refused.value.reason is wasmoci.Reason.DIGEST_MISMATCH


def test_a_component_above_the_limit_is_refused(here: Path) -> None:
    size = len(SIGNED_HELLO)
    assert wasmoci.load_image("layout", trust(), max_size=size).component == SIGNED_HELLO
    with pytest.raises(wasmoci.VerificationError, match=f"has {size} bytes, the limit is {size - 1}") as refused:
        wasmoci.load_image("layout", trust(), max_size=size - 1)
    assert refused.value.reason is wasmoci.Reason.LIMIT_EXCEEDED


def test_trust_in_nobody_is_no_verdict(here: Path) -> None:
    with pytest.raises(wasmoci.UsageError, match="no key is trusted"):
        wasmoci.load_image("layout", wasmoci.TrustValues())


def test_a_level_by_name_is_asked_for(here: Path) -> None:
    write_layout(make_image(), here / "unsigned")
    component_only = wasmoci.TrustValues(component_keys=[Path("component.pub")])
    assert wasmoci.load_image("unsigned", component_only).level is wasmoci.Level.COMPONENT_ONLY
    with pytest.raises(wasmoci.UsageError, match="needs a trusted OCI key"):
        wasmoci.load_image("unsigned", component_only, require=wasmoci.Level.DUAL_LAYER)


POLICY = """\
apiVersion: wasm-oci/v1
signers:
  release: {{componentKey: component.pub, imageKey: {image_key}}}
rules:
- match: registry.example.com/acme/*
  component: {{anyOf: [release]}}
  image: {{anyOf: [release]}}
{more}mode: {mode}
"""


def by_policy(folder: Path, image_key: str = "oci.pub", mode: str = "enforce", more: str = "") -> wasmoci.TrustValues:
    (folder / "policy.yaml").write_text(POLICY.format(image_key=image_key, mode=mode, more=more))
    return wasmoci.TrustValues(policy_file=Path("policy.yaml"), named="registry.example.com/acme/greeting")


def test_a_policy_file_says_who_is_trusted(here: Path) -> None:
    assert wasmoci.load_image("layout", by_policy(here)).level is wasmoci.Level.DUAL_LAYER
    with pytest.raises(wasmoci.VerificationError) as refused:
        wasmoci.load_image("layout", by_policy(here, image_key="oci_stranger.pub"))
    assert refused.value.reason is wasmoci.Reason.UNTRUSTED_KEY


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("  imports: []\n", wasmoci.Reason.IMPORT_NOT_ALLOWED),
        ("  attestations: [{type: spdx, by: [release]}]\n", wasmoci.Reason.UNATTESTED),
    ],
)
def test_all_that_a_policy_file_asks_is_asked(here: Path, more: str, expected: wasmoci.Reason) -> None:
    with pytest.raises(wasmoci.VerificationError) as refused:
        wasmoci.load_image("layout", by_policy(here, more=more))
    assert refused.value.reason is expected


def test_a_policy_file_is_never_passed_over(here: Path) -> None:
    beside = by_policy(here, image_key="oci_stranger.pub")._replace(oci_keys=["oci.pub"])
    with pytest.raises(wasmoci.UsageError, match="give no other option"):
        wasmoci.load_image("layout", beside)
    with pytest.raises(wasmoci.UsageError, match="mode: report"):
        wasmoci.load_image("layout", by_policy(here, image_key="oci_stranger.pub", mode="report"))


def test_an_index_is_no_component(here: Path) -> None:
    index_layout(here / "index")
    with pytest.raises(wasmoci.Error, match="index"):
        wasmoci.load_image("index", trust())


def test_an_absent_image_is_an_error_and_no_refusal(here: Path) -> None:
    with pytest.raises(wasmoci.Error) as failed:
        wasmoci.load_image(
            "localhost:1/acme/absent:v1", trust(), connection=wasmoci.ConnectionOptions(("localhost:1",))
        )
    assert isinstance(failed.value, wasmoci.RegistryError)


def test_bytes_are_verified_with_their_signature_inside_or_beside(here: Path) -> None:
    keys = [Path("stranger.pub"), Path("component.pub")]
    assert wasmoci.verify_component(SIGNED_HELLO, keys) == (KEY.fingerprint,)
    assert wasmoci.verify_component(HELLO, keys, signature=detached(HELLO)) == (KEY.fingerprint,)
    for component, signature in ((HELLO, None), (HELLO + b"\x00\x01\x00", detached(HELLO))):
        with pytest.raises(wasmoci.VerificationError):
            wasmoci.verify_component(component, keys, signature=signature)
    with pytest.raises(wasmoci.VerificationError, match="2 distinct"):
        wasmoci.verify_component(SIGNED_HELLO, keys, threshold=2)


def test_the_examples_of_the_page_run(here: Path, served: str) -> None:
    loading, verifying = EXAMPLES
    given: list[bytes] = []
    code = loading.replace(REFERENCE, "layout")
    assert code != loading
    known: dict[str, object] = {"run": given.append, "component": SIGNED_HELLO}
    exec(code, known)
    exec(verifying, known)
    assert (given, known["signers"]) == ([SIGNED_HELLO], (KEY.fingerprint,))


def test_the_page_names_what_is_public() -> None:
    rows = "".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    for name in wasmoci.__all__:
        assert re.search(rf"`{name}[`(]", rows), name
    for kind in (wasmoci.LoadedComponent, wasmoci.TrustValues, wasmoci.IdentityValues, wasmoci.ConnectionOptions):
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind.__name__}`"))
        assert set(re.findall(r"`(\w+)`", row)) - {kind.__name__} == set(kind.__annotations__)
    for function in (wasmoci.load_image, wasmoci.verify_component):
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{function.__name__}("))
        said = re.findall(r"\w+", row.partition("`|")[0].partition(")")[0].replace("None", "").replace("1", ""))
        assert said[1:] == list(inspect.signature(function).parameters)


def test_what_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = wasmoci.nothing
    assert {name for name in wasmoci.__all__ if not hasattr(wasmoci, name)} == set()


def test_the_package_alone_loads_nothing() -> None:
    program = "import sys, wasmoci; print(*(name for name in sys.modules if name.startswith('wasmoci')))"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {program}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout.split() == ["wasmoci"]
