"""A rule with a baseline: nothing may be added to what that imports."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from image_fixtures import REPOSITORY, MemoryImage, attach_bundle, make_image, write_layout
from policy_fixtures import SIGNERS, TODAY, parsed, write_keys
from wasm_fixtures import HELLO_WAT, wat
from wasmoci.oci.graph import read_graph
from wasmoci.oci.source import ImageSource
from wasmoci.policy.choice import Policies, baseline_of
from wasmoci.policy.explaining import explain
from wasmoci.values.errors import Error, RegistryError, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.verify.index import verify_root

IMAGE = "  image: {allOf: [first]}\n"
OTHER = "registry.example.com/first/hello"


def image_of(text: str = HELLO_WAT) -> MemoryImage:
    image = make_image(wat(text))
    attach_bundle(image)
    return image


BASELINE = image_of()
UNSIGNED = make_image(wat(HELLO_WAT))
OTHER_KIND = make_image(manifest=lambda top: top["config"].update(mediaType="application/vnd.example"))
attach_bundle(OTHER_KIND)


class Opened:
    """Opens these images, whatever the reference, and counts that."""

    def __init__(self, source: "ImageSource | Error") -> None:
        self.source = source
        self.names: list[str] = []

    def __call__(self, name: str) -> AbstractContextManager[ImageSource]:
        self.names.append(name)
        if isinstance(self.source, Error):
            raise self.source
        return nullcontext(self.source)


def policies(folder: Path, opened: Opened | None, baseline: MemoryImage = BASELINE, head: str = "") -> Policies:
    named = f"{REPOSITORY}@{baseline.image.digest}"
    file = parsed(f"{SIGNERS}rules:\n{head}- match: registry.example.com/*/hello\n{IMAGE}  baseline: {named}\n", folder)
    found = Policies(file, today=TODAY)
    return found if opened is None else found.comparing(opened)


def verdict(image: ImageSource, wanted: Policies, repository: str = REPOSITORY) -> str:
    try:
        return verify_root(image, wanted.of_repositories([Repository.parse(repository)])).level.value
    except VerificationError as error:
        return f"{error.reason.value}: {error}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HELLO_WAT, "oci-only"),
        (HELLO_WAT.replace('(import "log" (func (param "line" string)))', ""), "oci-only"),
        (HELLO_WAT.replace("cli/run@0.2.0", "cli/run@0.2.9"), "oci-only"),
        (
            HELLO_WAT.replace('"log" (func', '"log2" (func'),
            "IMPORT_NOT_ALLOWED: policy.yaml:9:13: it may import nothing",
        ),
        (HELLO_WAT.replace("cli/run@0.2.0", "cli/run@0.3.0"), "IMPORT_NOT_ALLOWED: "),
        (
            HELLO_WAT.replace('(export "run" (func))', '(export "run" (func)) (export "stop" (func))'),
            "IMPORT_NOT_ALLOWED: ",
        ),
        (HELLO_WAT.replace('"line" string', '"line" u8'), "IMPORT_NOT_ALLOWED: "),
    ],
)
def test_what_is_added_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    assert verdict(image_of(text), policies(tmp_path, Opened(BASELINE))).startswith(expected)


def test_what_is_added_is_said(tmp_path: Path) -> None:
    said = verdict(image_of(HELLO_WAT.replace('"log"', '"exit"')), policies(tmp_path, Opened(BASELINE)))
    assert said == (
        "IMPORT_NOT_ALLOWED: policy.yaml:9:13: it may import nothing that "
        f"{REPOSITORY}@{BASELINE.image.digest} does not: import added: exit"
    )


def test_what_is_no_component_cannot_be_compared(tmp_path: Path) -> None:
    said = verdict(OTHER_KIND, policies(tmp_path, Opened(BASELINE)))
    assert said.startswith("IMPORT_NOT_ALLOWED: policy.yaml:9:13: it may import nothing that ")
    assert said.endswith(" does not: it is no component")


@pytest.mark.parametrize(
    ("found", "named", "expected"),
    [
        (UNSIGNED, UNSIGNED, "that is refused: UNSIGNED"),
        (image_of(HELLO_WAT.replace("log", "exit")), BASELINE, "that is refused: DIGEST_MISMATCH"),
        (OTHER_KIND, OTHER_KIND, "that is refused: WRONG_KIND"),
    ],
)
def test_a_baseline_that_is_refused_refuses(
    found: MemoryImage, named: MemoryImage, expected: str, tmp_path: Path
) -> None:
    said = verdict(image_of(), policies(tmp_path, Opened(found), named))
    assert said.startswith("POLICY_UNMET: policy.yaml:9:13: ")
    assert expected in said


@pytest.mark.parametrize("opened", [None, Opened(RegistryError("registry.example.com does not answer"))])
def test_a_baseline_that_cannot_be_read_is_no_verdict(opened: Opened | None, tmp_path: Path) -> None:
    wanted = policies(tmp_path, opened)
    with pytest.raises(Error, match="cannot be read") as failed:
        verify_root(image_of(), wanted.of_repositories([Repository.parse(REPOSITORY)]))
    assert failed.value.exit_code == 1
    # What is refused without it is refused.
    assert verdict(make_image(wat(HELLO_WAT)), wanted).startswith("UNSIGNED")


def test_a_baseline_is_by_its_own_rule_and_has_no_baseline(tmp_path: Path) -> None:
    head = f"- match: {REPOSITORY}\n  image: {{allOf: [second]}}\n"
    opened = Opened(BASELINE)
    said = verdict(image_of(), policies(tmp_path, opened, head=head), OTHER)
    assert "that is refused: UNTRUSTED_KEY" in said
    assert opened.names == [f"{REPOSITORY}@{BASELINE.image.digest}"]


def test_a_baseline_is_read_once_for_all_entries(tmp_path: Path) -> None:
    opened = Opened(BASELINE)
    policy = policies(tmp_path, opened).of_repositories([Repository.parse(REPOSITORY)])
    for image in (image_of(), image_of(HELLO_WAT.replace("cli/run@0.2.0", "cli/run@0.2.1"))):
        assert verify_root(image, policy).level.value == "oci-only"
    assert len(opened.names) == 1


def test_layouts_among_the_files_of_a_target(tmp_path: Path) -> None:
    write_keys(tmp_path)
    named = f"{REPOSITORY}@{BASELINE.image.digest}"
    text = f"{SIGNERS}rules:\n- match: {REPOSITORY}\n{IMAGE}  baseline: {named}\n"
    (tmp_path / "policy.yaml").write_text(text)
    files = {name: tmp_path / name for name in ("first.pub", "second.pub", "first.pem", "second.pem", "third.pem")}
    for more, expected in (({named: write_layout(BASELINE, tmp_path / "layout")}, "oci-only"), ({}, "named_files")):
        wanted = Policies.of_file(tmp_path / "policy.yaml", None, files={**files, **more}).comparing(Opened(UNSIGNED))
        if more:
            assert verdict(image_of(), wanted) == expected
            continue
        with pytest.raises(Error, match=expected):
            verdict(image_of(), wanted)


def test_it_is_explained(tmp_path: Path) -> None:
    def outcome(image: MemoryImage, opened: Opened) -> Sequence[bool]:
        file = policies(tmp_path, None).file
        assert file is not None
        rule = file.rule_for(REPOSITORY)
        baseline = baseline_of(file, rule, TODAY, opened)
        explained = explain(read_graph(image), rule, None, TODAY, baseline)
        return [explained.is_met, explained.findings[-1].reason is None]

    assert outcome(image_of(), Opened(BASELINE)) == [True, True]
    assert outcome(image_of(HELLO_WAT.replace("log", "exit")), Opened(BASELINE)) == [False, False]
    assert outcome(image_of(), Opened(Error("no"))) == [False, True]
