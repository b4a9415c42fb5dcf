"""What a configuration says, and what of it is refused, with its place."""

import json
import re
from pathlib import Path

import pytest

from dashboard_fixtures import SCHEMA
from schema_fixtures import problems
from wasmoci.monitor.config import MonitorConfig
from wasmoci.values.errors import Error, UsageError

HEAD = "apiVersion: wasm-oci/v1\npolicy: policy.yaml\n"
IMAGE = "registry.example.com/acme/hello"
TARGETS = f"targets: {{a: {{reference: '{IMAGE}:v1'}}}}\n"


def read(text: str, folder: Path) -> MonitorConfig:
    (folder / "monitor.yaml").write_text(text)
    return MonitorConfig.read(folder / "monitor.yaml")


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    config = read(HEAD + TARGETS, tmp_path)
    assert (config.policy, config.state) == (tmp_path / "policy.yaml", tmp_path / "monitor.sqlite")
    assert (config.interval, config.jitter, config.verify_every) == (300, 30, 86400)
    assert (config.listen, config.textfile, config.command) == (("127.0.0.1", 9464), None, ())
    (target,) = config.targets
    assert (target.name, str(target.reference), target.named) == ("a", f"{IMAGE}:v1", None)


def test_all_that_can_be_said(tmp_path: Path) -> None:
    more = """\
state: s.sqlite
interval: 1h
jitter: 5s
verifyEvery: 2d
warnBefore: 7d
trustedRootAge: 30d
listen: "[::1]:9000"
textfile: out/wasm_oci.prom
command: [./notify, --channel, security]
commandTimeout: 3s
"""
    targets = f"targets:\n  b: {{repository: {IMAGE}, tags: 'v*', as: registry.example.com/acme/original}}\n"
    config = read(HEAD + more + targets, tmp_path)
    assert (config.interval, config.jitter, config.verify_every) == (3600, 5, 172800)
    assert (config.warn_before, config.trusted_root_age) == (604800, 2592000)
    assert (config.listen, config.textfile) == (("::1", 9000), tmp_path / "out/wasm_oci.prom")
    assert (config.command, config.command_seconds) == ((str(tmp_path / "notify"), "--channel", "security"), 3)
    (target,) = config.targets
    assert (target.reference, str(target.named)) == (None, "registry.example.com/acme/original")


def test_signatures_are_no_images_of_a_listing(tmp_path: Path) -> None:
    (target,) = read(f"{HEAD}targets: {{a: {{repository: {IMAGE}, tags: '*1*'}}}}", tmp_path).targets
    listed = ["v1", "v1.2", "v2", f"sha256-{'1' * 64}.sig", f"sha256-{'1' * 64}", "sha256-1"]
    assert [image.tag for image in target.of_tags(listed)] == ["v1", "v1.2", "sha256-1"]


def test_the_schema_of_editors_knows_the_same_members(tmp_path: Path) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert list(problems({"apiVersion": "wasm-oci/v1", "policy": "p", "targets": {}}, schema)) == []
    with pytest.raises(UsageError, match=re.escape(f"known are {', '.join(sorted(schema['properties']))}")):
        read(f"{HEAD}qqq: 5m\n{TARGETS}", tmp_path)
    target = schema["properties"]["targets"]["additionalProperties"]["properties"]
    with pytest.raises(UsageError, match=re.escape(f"known are {', '.join(sorted(target))}")):
        read(f"{HEAD}targets: {{a: {{qqq: 1}}}}", tmp_path)


def test_a_target_has_its_images_and_its_listing(tmp_path: Path) -> None:
    one = read(f"{HEAD}targets: {{a: {{reference: '{IMAGE}:v1'}}}}", tmp_path).targets[0]
    many = read(f"{HEAD}targets: {{a: {{repository: {IMAGE}, tags: 'v*'}}}}", tmp_path).targets[0]
    names = [f"{IMAGE}:v1", f"{IMAGE}:v2", f"{IMAGE}:dev", IMAGE, f"{IMAGE}2", f"{IMAGE}2:v1"]
    assert [name for name in names if one.has(name)] == names[:1]
    assert [name for name in names if many.has(name)] == [*names[:2], IMAGE]


def test_a_command_without_a_slash_is_looked_for_by_its_name(tmp_path: Path) -> None:
    assert read(f"{HEAD}command: [notify]\n{TARGETS}", tmp_path).command == ("notify",)


BAD = [
    ("policy: p\n" + TARGETS, "1:1: it has no apiVersion: wasm-oci/v1"),
    ("apiVersion: v1\n", "1:13: apiVersion: it is one of wasm-oci/v1, got: 'v1'"),
    ("apiVersion: wasm-oci/v1\n" + TARGETS, "1:1: it has no policy"),
    (HEAD, "1:1: it has no targets"),
    ("apiVersion: wasm-oci/v2\npolicy: p\n" + TARGETS, "1:13: apiVersion: it is one of wasm-oci/v1"),
    (f"{HEAD}intervall: 5m\n{TARGETS}", "3:1: intervall: no such member; do you mean 'interval'?"),
    (
        f"{HEAD}interval: 5\n{TARGETS}",
        "3:11: interval: a time is a number of up to 6 digits and s, m, h or d, such as 5m, got: '5'",
    ),
    (
        f"{HEAD}interval: 0m\n{TARGETS}",
        "3:11: interval: a time is a number of up to 6 digits and s, m, h or d, such as 5m, got: '0m'",
    ),
    (f"{HEAD}listen: 9464\n{TARGETS}", "3:9: listen: an address is HOST:PORT, such as 127.0.0.1:9464, got: '9464'"),
    (f"{HEAD}listen: ':9464'\n{TARGETS}", "3:9: listen: an address is HOST:PORT, such as 127.0.0.1:9464, got: ':9464'"),
    (f"{HEAD}listen: 'localhost:99999'\n{TARGETS}", "3:9: listen: an address is HOST:PORT"),
    (f"{HEAD}listen: 'a b:1'\n{TARGETS}", "3:9: listen: an address is HOST:PORT"),
    (f"{HEAD}listen: []\n{TARGETS}", "3:9: listen: an address is wanted here, this is a list"),
    (
        f"{HEAD}targets: {{a: {{reference: '{IMAGE}:v*'}}}}\n",
        "3:26: targets.a.reference: a reference is one image; several are a repository, and tags with *",
    ),
    (f"{HEAD}targets:\n\ta: {{}}\n", "4:1: a tab, and YAML takes spaces alone"),
    ("", "1:1: it is empty"),
    (f"{HEAD}command: notify\n{TARGETS}", "3:10: command: a list is wanted here"),
    (f"{HEAD}command: []\n{TARGETS}", "3:10: command: the list is empty"),
    (f"{HEAD}targets: {{}}\n", "3:10: targets: it is empty"),
    (f"{HEAD}targets: {{a: {{}}}}\n", "3:14: targets.a: it is empty"),
    (f"{HEAD}targets: {{a b: {{repository: {IMAGE}}}}}\n", "3:11: targets.a b: the name of a target has at most"),
    (f"{HEAD}targets: {{a: {{tags: v*}}}}\n", "3:14: targets.a: a target has a reference, or a repository"),
    (
        f"{HEAD}targets: {{a: {{repository: {IMAGE}, reference: '{IMAGE}:v1'}}}}\n",
        "3:14: targets.a: a target has a reference, or a repository",
    ),
    (
        f"{HEAD}targets: {{a: {{reference: '{IMAGE}:v1', tags: v*}}}}\n",
        "targets.a.tags: tags are those of a repository; a reference has its own",
    ),
    (
        f"{HEAD}targets: {{a: {{reference: {IMAGE}}}}}\n",
        "3:26: targets.a.reference: a reference needs a tag or a digest",
    ),
    (f"{HEAD}targets: {{a: {{repository: '{IMAGE}:v1'}}}}\n", "3:27: targets.a.repository: a repository is host"),
    (f"{HEAD}targets: {{a: {{reference: '{IMAGE}:v1', as: hello}}}}\n", "targets.a.as: a repository is host"),
    (
        f"{HEAD}targets: {{a: {{reference: 'ci:se/cret@h.example/a:v1'}}}}\n",
        "targets.a.reference: a reference has no user and no password, `wasm-oci login` takes these: '[secret]@h.ex",
    ),
    (f"{HEAD}textfile: ./policy.yaml\n{TARGETS}", "3:11: textfile: textfile and policy are the same file, and each"),
    (f"{HEAD}textfile: monitor.sqlite\n{TARGETS}", "3:11: textfile: textfile and state are the same file"),
    (f"{HEAD}textfile: monitor.yaml\n{TARGETS}", "3:11: textfile: textfile and the configuration are the same file"),
    (f"{HEAD}state: monitor.yaml\n{TARGETS}", "3:8: state: state and the configuration are the same file"),
    (f"{HEAD}{TARGETS}".replace("policy.yaml", "monitor.sqlite"), "2:9: policy: policy and state are the same file"),
    (f"{HEAD}{TARGETS}{TARGETS}", "4:1: targets: it is given twice"),
]


@pytest.mark.parametrize(("text", "problem"), BAD, ids=[problem for _, problem in BAD])
def test_what_means_nothing_is_an_error_with_its_place(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(str(tmp_path / 'monitor.yaml'))}:.*{re.escape(problem)}"):
        read(text, tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Error, match=r"cannot read the configuration .*: No such file or directory"):
        MonitorConfig.read(tmp_path / "none.yaml")
