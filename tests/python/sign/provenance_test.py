"""SLSA provenance v1: what is written, what leaks not, what is expected of it."""

import json
from pathlib import Path

import pytest

from attestation_fixtures import BUILDER, COMMIT, REPOSITORY_URI, decoded
from image_fixtures import HELLO, SIGNED_HELLO, Edit, Json, edited, make_image, write_layout
from wasmoci.cosign.provenance import (
    BUILD_TYPE,
    MAX_DEPENDENCIES,
    MAX_PROVENANCE_REQUEST_SIZE,
    BuildTarget,
    ProvenanceExpectation,
    Run,
    Source,
    provenance,
)
from wasmoci.cosign.statement import parse_predicate
from wasmoci.sign.attested import MAX_FILES, image_provenance
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, LimitError, Reason, UsageError, VerificationError
from wasmoci.values.strict_json import dump
from wasmoci.values.workspace_status import PRIVATE_KEYS, expanded, merged, parse_status

TARGET = BuildTarget("//app:image", "_main", {"compilation_mode": "opt"}, {"bazel": "7.7.0"})
RUN = Run(BUILDER, "run-17", "2026-01-31T12:00:00Z", "2026-01-31T12:01:00Z")
SOURCE = Source(REPOSITORY_URI, COMMIT)
COMPONENT = Digest.of(b"component")


def predicate(edit: Edit | None = None) -> bytes:
    return edited(provenance(TARGET, RUN, {"component": COMPONENT}, SOURCE), edit)


def test_everything_that_is_given_is_said() -> None:
    assert decoded(predicate()) == {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "target": "//app:image",
                "workspace": "_main",
                "source": REPOSITORY_URI,
                "flags": {"compilation_mode": "opt"},
            },
            "internalParameters": {"bazel": "7.7.0"},
            "resolvedDependencies": [
                {"uri": REPOSITORY_URI, "digest": {"gitCommit": COMMIT}},
                {"name": "component", "digest": {"sha256": COMPONENT.hex}},
            ],
        },
        "runDetails": {
            "builder": {"id": BUILDER},
            "metadata": {
                "invocationId": "run-17",
                "startedOn": "2026-01-31T12:00:00Z",
                "finishedOn": "2026-01-31T12:01:00Z",
            },
        },
    }


def test_by_products_are_those_of_the_run() -> None:
    made = decoded(provenance(TARGET, RUN, {}, byproducts={"b": COMPONENT, "a": COMPONENT}))
    assert [each["name"] for each in made["runDetails"]["byproducts"]] == ["a", "b"]
    assert made["buildDefinition"]["resolvedDependencies"] == []


def test_what_is_not_given_is_not_said() -> None:
    assert decoded(provenance(BuildTarget("//app:image"), Run(BUILDER), {})) == {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"target": "//app:image"},
            "resolvedDependencies": [],
        },
        "runDetails": {"builder": {"id": BUILDER}},
    }


def test_order_of_input_changes_nothing() -> None:
    one = BuildTarget("//a", flags={"b": "1", "a": "2"}, internal={"d": "1", "c": "2"})
    other = BuildTarget("//a", flags={"a": "2", "b": "1"}, internal={"c": "2", "d": "1"})
    materials = {"x": COMPONENT, "m": Digest.of(b"lock")}
    swapped = dict(reversed(materials.items()))
    assert provenance(one, RUN, materials, SOURCE) == provenance(other, RUN, swapped, SOURCE)


REQUEST: Json = {
    "target": "@@//app:image",
    "workspace": "_main",
    "flags": {"cpu": "k8"},
    "internal": {"bazel": "7.7.0"},
}


def test_the_request_of_a_rule_is_read() -> None:
    assert BuildTarget.parse(dump(REQUEST)) == BuildTarget("@@//app:image", "_main", {"cpu": "k8"}, {"bazel": "7.7.0"})
    assert BuildTarget.parse(b'{"target":"//app"}') == BuildTarget("//app")


@pytest.mark.parametrize(
    "label", ["//app", "//:image", "//a/b:c/d.e", "@repo//a:b", "@@rules_x~1.0//a:b", "@@rules_x+//a", "@@//a:b"]
)
def test_labels_are_targets(label: str) -> None:
    assert BuildTarget.parse(dump({"target": label})).label == label


@pytest.mark.parametrize(
    ("members", "message"),
    [
        pytest.param({"target": ...}, "`target` is missing", id="no_target"),
        pytest.param({"target": "app"}, "a Bazel label", id="target_without_package"),
        pytest.param({"target": "/home/user/app"}, "a Bazel label", id="target_is_a_path"),
        pytest.param({"target": "//app:a b"}, "a Bazel label", id="target_with_a_space"),
        pytest.param({"host": "build-17"}, r"unknown members: \['host'\]", id="unknown_member"),
        pytest.param({"flags": {"a": 1}}, "must be a string", id="flag_is_a_number"),
        pytest.param({"workspace": "/home/user/app"}, "absolute path", id="workspace_is_a_path"),
        pytest.param({"flags": {"linker": "/usr/bin/ld"}}, "absolute path", id="flag_is_a_path"),
        pytest.param({"flags": {"copt": "-I /usr/include"}}, "absolute path", id="path_after_a_space"),
        pytest.param({"flags": {"opt": "--sysroot=/opt"}}, "absolute path", id="path_after_an_equals_sign"),
        pytest.param({"flags": {"opt": "a:/opt"}}, "absolute path", id="path_in_a_list"),
        pytest.param({"flags": {"opt": "~/bin"}}, "absolute path", id="path_in_the_home"),
        pytest.param({"flags": {"opt": "C:\\Users\\x"}}, "absolute path", id="path_on_windows"),
        pytest.param({"flags": {"opt": "C:/Users/x"}}, "absolute path", id="path_on_windows_with_slashes"),
        pytest.param({"flags": {"opt": "\\\\host\\share"}}, "absolute path", id="path_of_a_share"),
        pytest.param({"flags": {"opt": "file:///x"}}, "absolute path", id="file_uri"),
        pytest.param({"flags": {"/opt/x": "1"}}, "absolute path", id="name_is_a_path"),
        pytest.param({"internal": {"bazel": "/usr/bin/bazel"}}, "absolute path", id="internal_is_a_path"),
        pytest.param({"internal": {"/usr/bin/bazel": "7"}}, "absolute path", id="internal_name_is_a_path"),
    ],
)
def test_a_bad_request_is_refused(members: Json, message: str) -> None:
    request = {name: value for name, value in {**REQUEST, **members}.items() if value is not ...}
    with pytest.raises(FormatError, match=message):
        BuildTarget.parse(dump(request))


@pytest.mark.parametrize(
    "value", ["//platforms:linux", "@platforms//os:linux", "https://example.com/x", "a/b", "a=b/c"]
)
def test_labels_and_relative_paths_are_no_absolute_ones(value: str) -> None:
    assert BuildTarget.parse(dump({"target": "//a", "flags": {"x": value}})).flags == {"x": value}


def test_the_size_of_a_request_is_limited() -> None:
    request = dump(REQUEST)
    BuildTarget.parse(request + b" " * (MAX_PROVENANCE_REQUEST_SIZE - len(request)))
    with pytest.raises(LimitError):
        BuildTarget.parse(request + b" " * (MAX_PROVENANCE_REQUEST_SIZE + 1 - len(request)))


def test_a_material_is_named_without_a_path() -> None:
    with pytest.raises(FormatError, match="absolute path"):
        provenance(TARGET, RUN, {"/home/user/MODULE.bazel.lock": COMPONENT})


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (f"{REPOSITORY_URI}@{COMMIT}", SOURCE),
        (f"{REPOSITORY_URI}@{'a' * 64}", Source(REPOSITORY_URI, "a" * 64)),
        (REPOSITORY_URI, Source(REPOSITORY_URI)),
    ],
)
def test_a_source_is_a_repository_and_a_commit(text: str, source: Source) -> None:
    assert Source.parse(text) == source


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@" + COMMIT,
        "acme/hello@" + COMMIT,
        "git@example.com:acme/hello@" + COMMIT,
        f"{REPOSITORY_URI}@main",
        f"{REPOSITORY_URI}@{COMMIT.upper()}",
        f"{REPOSITORY_URI}@{COMMIT[:-1]}",
        f"{REPOSITORY_URI} @{COMMIT}",
        f"https://user:marked-token@example.com/acme/hello@{COMMIT}",
        "https://marked-token@example.com/acme/hello",
    ],
)
def test_another_source_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Source.parse(text)
    assert "a source is URI@COMMIT" in str(refused.value)
    assert "marked" not in str(refused.value)


def test_a_build_has_a_source_with_a_commit() -> None:
    with pytest.raises(UsageError, match="lacks the commit"):
        provenance(TARGET, RUN, {}, Source(REPOSITORY_URI))


@pytest.mark.parametrize("builder", ["", "ci", "https://example.com/a b", "/usr/bin/bazel"])
def test_a_builder_is_a_uri(builder: str) -> None:
    with pytest.raises(UsageError, match="a builder's id is a URI"):
        Run(builder)


@pytest.mark.parametrize(
    "time",
    [
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00+01:00",
        "2026-01-31T12:00:00.5Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T24:00:01Z",
        "2026-01-31T12:00:00Z\n",
        "\u0662026-01-31T12:00:00Z",
    ],
)
def test_another_time_is_refused(time: str) -> None:
    with pytest.raises(UsageError, match="time"):
        Run(BUILDER, started_on=time)
    with pytest.raises(UsageError, match="time"):
        Run(BUILDER, finished_on=time)


def test_a_build_does_not_end_before_it_starts() -> None:
    Run(BUILDER, started_on="2026-01-31T12:00:00Z", finished_on="2026-01-31T12:00:00Z")
    with pytest.raises(UsageError, match="finished before it started"):
        Run(BUILDER, started_on="2026-01-31T12:00:01Z", finished_on="2026-01-31T12:00:00Z")


@pytest.mark.parametrize(
    "expected",
    [
        ProvenanceExpectation(),
        ProvenanceExpectation(builder_id=BUILDER),
        ProvenanceExpectation(source=Source(REPOSITORY_URI)),
        ProvenanceExpectation(BUILDER, SOURCE),
    ],
)
def test_provenance_is_as_expected(expected: ProvenanceExpectation) -> None:
    expected.check(parse_predicate(predicate()))


def change_dependency(index: int, **members: object) -> Edit:
    return lambda top: top["buildDefinition"]["resolvedDependencies"][index].update(members)


@pytest.mark.parametrize(
    ("expected", "edit"),
    [
        pytest.param(ProvenanceExpectation(f"{BUILDER}0"), None, id="builder_whose_id_begins_alike"),
        pytest.param(ProvenanceExpectation(BUILDER[:-1]), None, id="builder_whose_id_is_longer"),
        pytest.param(ProvenanceExpectation(source=Source(f"{REPOSITORY_URI}2")), None, id="repository"),
        pytest.param(ProvenanceExpectation(source=Source(REPOSITORY_URI, "0" * 40)), None, id="commit"),
        pytest.param(
            ProvenanceExpectation(source=SOURCE),
            lambda top: top["buildDefinition"].update(buildType="https://example.com/own"),
            id="build_type_whose_source_is_not_known",
        ),
        pytest.param(
            ProvenanceExpectation(source=Source(REPOSITORY_URI)),
            lambda top: top["buildDefinition"]["externalParameters"].pop("source"),
            id="source_that_is_a_mere_dependency",
        ),
    ],
)
def test_provenance_of_another_build_is_refused(expected: ProvenanceExpectation, edit: Edit | None) -> None:
    with pytest.raises(VerificationError) as refused:
        expected.check(parse_predicate(predicate(edit)))
    assert refused.value.reason is Reason.POLICY_UNMET


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda top: top.pop("runDetails"), id="no_run_details"),
        pytest.param(lambda top: top["runDetails"].pop("builder"), id="no_builder"),
        pytest.param(lambda top: top["runDetails"]["builder"].update(id=None), id="no_builder_id"),
        pytest.param(lambda top: top.pop("buildDefinition"), id="no_build_definition"),
        pytest.param(lambda top: top["buildDefinition"].pop("buildType"), id="no_build_type"),
        pytest.param(lambda top: top["buildDefinition"].pop("externalParameters"), id="no_external_parameters"),
        pytest.param(
            lambda top: top["buildDefinition"]["externalParameters"].update(script="evil"),
            id="unknown_external_parameter",
        ),
        pytest.param(lambda top: top["buildDefinition"].pop("resolvedDependencies"), id="no_dependencies"),
        pytest.param(change_dependency(0, uri="git+https://example.com/acme/other"), id="no_revision_of_the_source"),
        pytest.param(change_dependency(1, uri=REPOSITORY_URI), id="two_revisions_of_the_source"),
        pytest.param(change_dependency(0, digest={"sha1": COMMIT}), id="revision_without_commit"),
    ],
)
def test_malformed_provenance_is_refused(edit: Edit) -> None:
    with pytest.raises(FormatError):
        ProvenanceExpectation(BUILDER, SOURCE).check(parse_predicate(predicate(edit)))


def test_the_number_of_dependencies_is_limited() -> None:
    def of(count: int) -> bytes:
        return provenance(TARGET, RUN, {str(n): COMPONENT for n in range(count - 1)}, SOURCE)

    ProvenanceExpectation(source=SOURCE).check(parse_predicate(of(MAX_DEPENDENCIES)))
    with pytest.raises(LimitError, match=str(MAX_DEPENDENCIES)):
        ProvenanceExpectation(source=SOURCE).check(parse_predicate(of(MAX_DEPENDENCIES + 1)))


def test_the_component_and_files_are_materials(tmp_path: Path) -> None:
    layout = write_layout(make_image(), tmp_path / "layout")
    lock = tmp_path / "MODULE.bazel.lock"
    lock.write_text("{}")
    made = decoded(image_provenance(layout, TARGET, RUN, [("//:MODULE.bazel.lock", lock)]))
    assert made["buildDefinition"]["resolvedDependencies"] == [
        {"name": "//:MODULE.bazel.lock", "digest": {"sha256": Digest.of(b"{}").hex}},
        {"name": "component", "digest": {"sha256": Digest.of(HELLO).hex}},
    ]
    assert made["runDetails"]["byproducts"] == [
        {"name": "signed-component", "digest": {"sha256": Digest.of(SIGNED_HELLO).hex}}
    ]
    assert str(tmp_path) not in json.dumps(made)


@pytest.mark.parametrize(
    ("packaged", "came_in", "dependency", "byproducts"),
    [
        pytest.param(HELLO, None, HELLO, [], id="unsigned"),
        pytest.param(SIGNED_HELLO, HELLO, HELLO, [SIGNED_HELLO], id="signed"),
        pytest.param(SIGNED_HELLO, SIGNED_HELLO, SIGNED_HELLO, [], id="signed_by_others_before"),
        pytest.param(SIGNED_HELLO, b"split later", b"split later", [SIGNED_HELLO], id="split"),
    ],
)
def test_the_component_is_what_came_in(
    packaged: bytes, came_in: bytes | None, dependency: bytes, byproducts: list[bytes], tmp_path: Path
) -> None:
    layout = write_layout(make_image(packaged), tmp_path / "layout")
    component = None if came_in is None else tmp_path / "component.wasm"
    if component is not None and came_in is not None:
        component.write_bytes(came_in)
    made = decoded(image_provenance(layout, TARGET, RUN, component=component))
    (component_named,) = made["buildDefinition"]["resolvedDependencies"]
    assert component_named == {"name": "component", "digest": {"sha256": Digest.of(dependency).hex}}
    found = [each["digest"]["sha256"] for each in made["runDetails"].get("byproducts", [])]
    assert found == [Digest.of(each).hex for each in byproducts]


def test_a_changed_layer_is_not_attested(tmp_path: Path) -> None:
    layout = write_layout(make_image(), tmp_path / "layout")
    blob = layout / "blobs/sha256" / Digest.of(SIGNED_HELLO).hex
    blob.write_bytes(SIGNED_HELLO[:-1] + bytes([SIGNED_HELLO[-1] ^ 1]))
    with pytest.raises(VerificationError) as refused:
        image_provenance(layout, TARGET, RUN)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def test_an_image_that_is_no_wasm_artifact_has_no_component(tmp_path: Path) -> None:
    image = make_image(manifest=lambda top: top["config"].update(mediaType="application/vnd.oci.image.config.v1+json"))
    layout = write_layout(image, tmp_path / "layout")
    assert decoded(image_provenance(layout, TARGET, RUN))["buildDefinition"]["resolvedDependencies"] == []
    with pytest.raises(UsageError, match="has no component"):
        image_provenance(layout, TARGET, RUN, component=tmp_path / "component.wasm")


def test_a_wasm_artifact_has_one_layer(tmp_path: Path) -> None:
    image = make_image(manifest=lambda top: top["layers"].append(top["layers"][0]))
    with pytest.raises(FormatError, match="exactly one layer"):
        image_provenance(write_layout(image, tmp_path / "layout"), TARGET, RUN)


def test_materials_are_distinct_and_limited(tmp_path: Path) -> None:
    layout = write_layout(make_image(), tmp_path / "layout")
    file = tmp_path / "file"
    file.write_bytes(b"")
    for names in (["a", "a"], ["component"]):
        with pytest.raises(UsageError, match="is given twice"):
            image_provenance(layout, TARGET, RUN, [(name, file) for name in names])
    made = image_provenance(layout, TARGET, RUN, [(str(n), file) for n in range(MAX_FILES)], SOURCE)
    ProvenanceExpectation(source=SOURCE).check(parse_predicate(made))
    with pytest.raises(UsageError, match=f"the limit is {MAX_FILES}"):
        image_provenance(layout, TARGET, RUN, [(str(n), file) for n in range(MAX_FILES + 1)])
    with pytest.raises(Error, match="the material lock"):
        image_provenance(layout, TARGET, RUN, [("lock", tmp_path / "missing")])


STATUS = b"STABLE_GIT_COMMIT %s\nBUILD_HOST marked-host\nBUILD_USER marked-user\nEMPTY \nNO_VALUE\n" % COMMIT.encode()


def test_values_name_keys_of_the_workspace_status() -> None:
    status = parse_status(STATUS)
    assert expanded(f"{REPOSITORY_URI}@{{STABLE_GIT_COMMIT}}", status) == f"{REPOSITORY_URI}@{COMMIT}"
    assert expanded("as it is", {}) == "as it is"


def test_values_of_the_status_are_not_expanded_again() -> None:
    assert expanded("{A}", {"A": "{B}", "B": "x"}) == "{B}"


@pytest.mark.parametrize("key", ["STABLE_MISSING", "EMPTY", "NO_VALUE", "", *PRIVATE_KEYS])
def test_a_key_without_a_value_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match=r"no status file (has a value|was given)") as refused:
        expanded(f"{{{key}}}", parse_status(STATUS))
    assert "marked" not in str(refused.value)


def test_values_have_spaces() -> None:
    assert parse_status(b"A b c\n\nD e") == {"A": "b c", "D": "e"}


def test_a_status_that_is_no_text_is_refused() -> None:
    with pytest.raises(FormatError, match="no UTF-8"):
        parse_status(b"A \xff")


def test_status_files_do_not_contradict_each_other() -> None:
    assert merged([{"A": "1"}, {"A": "1", "B": "2"}]) == {"A": "1", "B": "2"}
    with pytest.raises(UsageError, match="different values of A"):
        merged([{"A": "1"}, {"A": "2"}])
