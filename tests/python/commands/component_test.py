"""The commands around component signatures: what they print, their exit codes, and what they leave behind."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wasm_fixtures import (
    KEY,
    MODULE,
    OTHER_KEY,
    OTHER_SECRET_KEY,
    OTHER_SIGNER,
    SECRET_KEY,
    TWO_PART_MODULE,
    TYPED_MODULE,
    detached,
    signed,
)
from wasmoci.commands.main import main
from wasmoci.keys.component import compact_public, pem_public
from wasmoci.wasm.sections import custom_section


@pytest.fixture(name="folder", autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = {
        "one.key": SECRET_KEY.compact(),
        "two.key": OTHER_SECRET_KEY.compact(),
        "one.pub": compact_public(KEY),
        "one.pem": pem_public(KEY),
        "two.pub": compact_public(OTHER_KEY),
        "plain.wasm": TYPED_MODULE,
        "parts.wasm": TWO_PART_MODULE,
        "signed.wasm": signed(TYPED_MODULE),
        "both.wasm": signed(signed(TYPED_MODULE, with_key_id=True), OTHER_SIGNER),
        "plain.sig": detached(TYPED_MODULE),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def run(command: str, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["component", command, *arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def answer(result: Result) -> dict[str, object]:
    loaded = json.loads(result.stdout)
    assert isinstance(loaded, dict)
    return loaded


def module(*arguments: str) -> Sequence[str]:
    return (*arguments, "--kind", "module")


def test_threshold() -> None:
    keys = ["--key", "one.pub", "--key", "two.pub"]
    run("verify", *module("both.wasm", *keys, "--threshold", "2"))
    refused = run("verify", *module("signed.wasm", *keys, "--threshold", "2", "--json"), code=3)
    assert answer(refused)["reason"] == "POLICY_UNMET"
    for threshold in ("0", "-1", "3"):
        run("verify", *module("both.wasm", *keys, "--threshold", threshold), code=2)
    same = ["--key", "one.pub", "--key", "one.pem"]
    run("verify", *module("both.wasm", *same, "--threshold", "2"), code=2)


def test_attach_and_detach(folder: Path) -> None:
    run("attach", "plain.wasm", "--detached", "plain.sig", "--output", "out.wasm")
    assert (folder / "out.wasm").read_bytes() == signed(TYPED_MODULE)
    run("detach", "out.wasm", "--output", "back.wasm", "--detached", "back.sig")
    assert (folder / "back.wasm").read_bytes() == TYPED_MODULE
    assert (folder / "back.sig").read_bytes() == detached(TYPED_MODULE)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["attach", "parts.wasm", "--detached", "plain.sig"], 3),
        (["attach", "signed.wasm", "--detached", "plain.sig"], 1),
        (["attach", "plain.wasm", "--detached", "plain.wasm"], 1),
        (["attach", "plain.wasm", "--detached", "absent"], 1),
        (["detach", "plain.wasm", "--detached", "new.sig"], 1),
        (["detach", "signed.wasm", "--detached", "plain.sig"], 1),
        (["detach", "signed.wasm", "--detached", "out"], 2),
        (["remove-signature", "signed.wasm", "--key", "two.pub"], 1),
        (["remove-signature", "plain.wasm", "--key", "one.pub"], 1),
        (["remove-signature", "signed.wasm"], 2),
        (["remove-signature", "signed.wasm", "--key-id", "xyz"], 2),
        (["remove-signature", "signed.wasm", "--key-id", ""], 2),
        (["split", "signed.wasm"], 1),
        (["split", "plain.sig"], 1),
        (["split", "plain.wasm", "--section", "a" * 257], 2),
    ],
)
def test_command_that_fails_leaves_nothing(arguments: list[str], code: int, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    run(*arguments, "--output", "out", code=code)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["attach", "signed.wasm", "--detached", "plain.sig"], "signed.wasm"),
        (["attach", "plain.wasm", "--detached", "one.pub"], "one.pub"),
        (["detach", "plain.wasm", "--detached", "new.sig"], "plain.wasm"),
        (["remove-signature", "signed.wasm", "--key", "two.pub"], "signed.wasm"),
        (["remove-signature", "plain.wasm", "--key", "one.pub"], "plain.wasm"),
        (["split", "signed.wasm"], "signed.wasm"),
    ],
)
def test_the_file_that_is_wrong_is_named(arguments: list[str], named: str, folder: Path) -> None:
    assert f"error: {named}: " in run(*arguments, "--output", "out", code=1).stderr


@pytest.mark.parametrize(
    "command",
    [
        "component attach text.wat --detached plain.sig --output out",
        "component detach text.wat --detached new.sig --output out",
        "component matrix text.wat --key one.pub",
        "component remove-signature text.wat --key one.pub --output out",
        "component show text.wat",
        "component sign text.wat --key one.key --detached new.sig",
        "component sign text.wat --key one.key --output out",
        "component split text.wat --output out",
        "component verify text.wat --key one.pub",
        "component verify text.wat --key one.pub --section x",
        "image package text.wat --output out",
        "signing-request text.wat --output out",
    ],
)
def test_what_is_no_webassembly_is_named_and_said(command: str, folder: Path) -> None:
    (folder / "text.wat").write_text("(component)")
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code == (3 if "verify" in command or "matrix" in command else 1), result.output
    assert ": text.wat: " in result.stderr
    assert "this is no WebAssembly module or component: it is text; " in result.stderr
    assert not (folder / "out").exists()


def test_remove_signature(folder: Path) -> None:
    result = run("remove-signature", "both.wasm", "--key", "two.pub", "--output", "out.wasm", "--json")
    assert answer(result)["removed"] == 1
    assert (folder / "out.wasm").read_bytes() == signed(TYPED_MODULE, with_key_id=True)
    run("remove-signature", "out.wasm", "--key-id", KEY.key_id.hex(), "--output", "out.wasm")
    assert (folder / "out.wasm").read_bytes() == TYPED_MODULE


def test_split_sign_and_verify_parts(folder: Path) -> None:
    (folder / "tailed.wasm").write_bytes(TYPED_MODULE + custom_section("late", b""))
    added = answer(run("split", "tailed.wasm", "--section", "a*", "--output", "split.wasm", "--json"))["added"]
    assert added == 2
    run("sign", *module("split.wasm", "--key", "one.key", "--output", "ready.wasm"))
    for pattern, whole in (("a", False), ("?", False), ("nothing", None), ("*", True)):
        result = run(
            "verify",
            *module("ready.wasm", "--key", "one.pub", "--section", pattern, "--json"),
            code=3 if whole is None else 0,
        )
        assert answer(result).get("whole") is whole


def test_parts_tell_how_far_they_are_vouched_for(folder: Path) -> None:
    run("split", "parts.wasm", "--section", "x", "--output", "split.wasm")
    assert (folder / "split.wasm").read_bytes() == TWO_PART_MODULE
    run("sign", *module("split.wasm", "--key", "one.key", "--output", "ready.wasm"))
    result = run("verify", *module("ready.wasm", "--key", "one.pub", "--section", "x"))
    assert "nothing vouches for the rest" in result.stdout
    data = answer(run("verify", *module("ready.wasm", "--key", "one.pub", "--section", "dbg", "--json")))
    assert data["whole"] is True
    changed = (folder / "ready.wasm").read_bytes().replace(b"xxxxx", b"yyyyy")
    (folder / "changed.wasm").write_bytes(changed)
    run("verify", *module("changed.wasm", "--key", "one.pub", "--section", "x"))
    run("verify", *module("changed.wasm", "--key", "one.pub"), code=3)
    run("verify", *module("changed.wasm", "--key", "one.pub", "--section", "d*"), code=3)


def test_matrix() -> None:
    result = run("matrix", *module("signed.wasm", "--key", "one.pub", "--key", "two.pub"))
    assert result.stdout.splitlines() == [
        f"verifies  {KEY.fingerprint}  parts signed: 0",
        f"does not  {OTHER_KEY.fingerprint}  parts signed: none",
    ]
    shown = answer(
        run(
            "matrix",
            *module("plain.wasm", "--key", "one.pub", "--detached", "plain.sig", "--section", "*", "--json"),
            code=3,
        )
    )
    assert shown["reason"] == "POLICY_UNMET"
    rows = answer(run("matrix", *module("signed.wasm", "--key", "one.pub", "--json")))["keys"]
    assert rows == [{"key": KEY.fingerprint, "verifies": True, "signedParts": [True]}]


def test_hole_j_matrix_without_a_key_that_verifies_is_refused() -> None:
    run("matrix", *module("signed.wasm", "--key", "two.pub"), code=3)
    run("matrix", *module("signed.wasm"), code=2)


def test_detached_signature_is_not_overwritten_but_added_to(folder: Path) -> None:
    sign = ["sign", "plain.wasm", "--kind", "module", "--detached", "plain.sig"]
    run(*sign, "--key", "two.key", code=1)
    assert (folder / "plain.sig").read_bytes() == detached(TYPED_MODULE)
    run(*sign, "--key", "two.key", "--add-to", "plain.sig")
    keys = ["--key", "one.pub", "--key", "two.pub", "--threshold", "2"]
    run("verify", *module("plain.wasm", "--detached", "plain.sig", *keys))
    run(*sign, "--key", "two.key", "--add-to", "plain.sig", code=1)
    run("sign", *module("plain.wasm", "--key", "two.key", "--detached", "new.sig", "--add-to", "absent"), code=1)
    run("sign", *module("parts.wasm", "--key", "two.key", "--detached", "new.sig", "--add-to", "plain.sig"), code=1)
    run("sign", *module("plain.wasm", "--key", "two.key", "--output", "new", "--add-to", "plain.sig"), code=2)
    assert not list(folder.glob("new*"))


def test_adding_to_another_file_leaves_the_first(folder: Path) -> None:
    arguments = ["plain.wasm", "--key", "two.key", "--add-to", "plain.sig", "--detached", "both.sig"]
    run("sign", *module(*arguments))
    assert (folder / "plain.sig").read_bytes() == detached(TYPED_MODULE)
    run("attach", "plain.wasm", "--detached", "both.sig", "--output", "out.wasm")
    assert (folder / "out.wasm").read_bytes() == signed(signed(TYPED_MODULE), OTHER_SIGNER)
    run("sign", *module(*arguments), code=1)


@pytest.mark.parametrize(("form", "extra"), [("wasmsign2", 0), ("wsc", 1)])
def test_form_of_the_record(form: str, extra: int, folder: Path) -> None:
    run("sign", *module("plain.wasm", "--key", "one.key", "--output", "out.wasm", "--form", form))
    assert (folder / "out.wasm").stat().st_size == len(signed(TYPED_MODULE)) + extra
    run("verify", *module("out.wasm", "--key", "one.pub"))
    run("sign", *module("plain.wasm", "--key", "one.key", "--detached", "out.sig", "--form", form))
    assert (folder / "out.sig").stat().st_size == len(detached(TYPED_MODULE)) + extra


def test_show_tells_parts_and_escapes_names(folder: Path) -> None:
    (folder / "evil.wasm").write_bytes(MODULE + custom_section("\x1b[2J\u202e", b""))
    assert "\x1b" not in run("show", "evil.wasm").output
    assert run("show", "evil.wasm", "--json").output.isascii()
    parts = answer(run("show", "parts.wasm", "--json"))["parts"]
    assert isinstance(parts, list)
    assert len(parts) == 2
