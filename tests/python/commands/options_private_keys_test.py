"""Where a key's password comes from: options, the environment, a terminal; and that nothing ever hangs or shows it."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import FILE_KEY, PUBLIC_KEY
from wasmoci.commands.main import main
from wasmoci.commands.options.declared import command
from wasmoci.commands.options.private_keys import MAX_PASSWORD_SIZE, KeyPassword, NewPassword, Password
from wasmoci.commands.report.output import Report
from wasmoci.disk.files import SECRET_FILE_MODE, write_atomically
from wasmoci.keys.image import load_file_key
from wasmoci.values.errors import Error, LimitError, UsageError

PASSWORD = "MARKED-PASSWORD"
OTHER_PASSWORD = "MARKED-OTHER-PASSWORD"
SECONDS = 60
CALL = "from wasmoci.commands.main import main; main()"
PROGRAM = (sys.executable, "-c", CALL)
# Its stdin becomes the terminal that controls it, which is where passwords are asked for.
PROGRAM_AT_TERMINAL = (sys.executable, "-c", f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {CALL}")


@pytest.fixture(name="key")
def _key(tmp_path: Path) -> Path:
    path = tmp_path / "oci.key"
    write_atomically(path, FILE_KEY.pem(PASSWORD.encode()), SECRET_FILE_MODE)
    return path


@pytest.fixture(name="password_file")
def _password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(PASSWORD)
    return path


def run(*arguments: str | Path, code: int = 0, environment: dict[str, str] | None = None) -> Result:
    variables = {"COSIGN_PASSWORD": None, **(environment or {})}
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], env=variables)
    assert result.exit_code == code, result.output + repr(result.exception)
    assert "MARKED" not in result.output
    return result


def is_public_key(result: Result) -> bool:
    return result.stdout == PUBLIC_KEY.pem().decode()


# Options and the environment


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_file_gives_it_without_one_newline(key: Path, password_file: Path, ending: str) -> None:
    password_file.write_bytes((PASSWORD + ending).encode())
    assert is_public_key(run("key", "public", key, "--password-file", password_file))


@pytest.mark.parametrize("content", [f"{PASSWORD}\n\n", f" {PASSWORD}", ""])
def test_a_file_is_taken_as_it_is(key: Path, password_file: Path, content: str) -> None:
    password_file.write_text(content)
    result = run("key", "public", key, "--password-file", password_file, code=1)
    assert "does not open with the password given" in result.stderr


def test_the_size_of_a_password_file_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(bytes(MAX_PASSWORD_SIZE))
    assert Password(path)() == bytes(MAX_PASSWORD_SIZE)
    path.write_bytes(bytes(MAX_PASSWORD_SIZE + 1))
    with pytest.raises(LimitError, match=f"limit of {MAX_PASSWORD_SIZE}"):
        Password(path)()
    with pytest.raises(Error, match="cannot read the password file"):
        Password(tmp_path / "missing")()


def test_a_variable_gives_it(key: Path) -> None:
    assert is_public_key(run("key", "public", key, environment={"COSIGN_PASSWORD": PASSWORD}))
    environment = {"COSIGN_PASSWORD": OTHER_PASSWORD, "MINE": PASSWORD}
    assert is_public_key(run("key", "public", key, "--password-env", "MINE", environment=environment))


def test_a_file_goes_before_the_environment(key: Path, password_file: Path) -> None:
    environment = {"COSIGN_PASSWORD": OTHER_PASSWORD}
    assert is_public_key(run("key", "public", key, "--password-file", password_file, environment=environment))


def test_a_named_variable_that_is_not_set_is_wrong_usage_and_is_not_repeated(key: Path) -> None:
    environment = {"COSIGN_PASSWORD": PASSWORD}
    result = run("key", "public", key, "--password-env", "MARKED-NAME", code=2, environment=environment)
    assert "the environment variable that is to hold the password is not set" in result.stderr


def test_both_options_are_wrong_usage(key: Path, password_file: Path) -> None:
    result = run("key", "public", key, "--password-file", password_file, "--password-env", "MINE", code=2)
    assert "not both" in result.stderr


def test_an_empty_variable_is_an_empty_password(tmp_path: Path) -> None:
    path = tmp_path / "cosign.key"
    write_atomically(path, FILE_KEY.pem_for_cosign(b""), SECRET_FILE_MODE)
    assert is_public_key(run("key", "public", path, environment={"COSIGN_PASSWORD": ""}))


@pytest.mark.skipif(os.name != "posix", reason="the environment holds bytes on POSIX only")
def test_a_variable_of_other_bytes_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "COSIGN_PASSWORD", os.fsdecode(b"\xff\xfe"))
    assert Password()() == b"\xff\xfe"


def test_a_password_source_shows_nothing(password_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", PASSWORD)
    assert "MARKED" not in repr([Password(password_file), Password()])


def test_the_options_of_a_new_password_ask_twice() -> None:
    seen: list[Password] = []

    @command()
    def of_a_key(password: KeyPassword) -> Report:
        seen.append(password)
        return Report([], {})

    @command()
    def of_a_new_key(password: NewPassword) -> Report:
        seen.append(password)
        return Report([], {})

    for asking in (of_a_key, of_a_new_key):
        CliRunner().invoke(asking, [], catch_exceptions=False)
    assert [password.is_new for password in seen] == [False, True]
    assert not any(password.is_named for password in seen)
    assert Password(Path("a")).is_named
    assert Password(variable="A").is_named


# Without a terminal


def test_without_a_password_there_is_one_clear_error(key: Path) -> None:
    result = run("key", "public", key, code=1)
    assert len(result.stderr.splitlines()) == 1
    assert "encrypted and no password was given: --password-file or --password-env names it" in result.stderr


@pytest.mark.parametrize("stdin", ["null", "open_pipe"])
def test_nothing_hangs_without_a_terminal(key: Path, stdin: str) -> None:
    reading, writing = os.pipe()
    try:
        result = subprocess.run(
            [*PROGRAM, "key", "public", str(key)],
            capture_output=True,
            check=False,
            env=environment_of(None),
            start_new_session=True,
            stdin=subprocess.DEVNULL if stdin == "null" else reading,
            timeout=SECONDS,
        )
    finally:
        os.close(reading)
        os.close(writing)
    assert result.returncode == 1
    assert b"no password was given" in result.stderr


# At a terminal


def environment_of(password: str | None) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if name != "COSIGN_PASSWORD"}
    variables["PYTHONPATH"] = os.pathsep.join(sys.path)
    return variables if password is None else {**variables, "COSIGN_PASSWORD": password}


def at_terminal(command: Sequence[str | Path], answers: Sequence[str], password: str | None = None) -> tuple[int, str]:
    """Run `wasm-oci` at a terminal of its own and type each answer at its prompt; the exit code and all it showed."""
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM_AT_TERMINAL, *map(str, command)],
        env=environment_of(password),
        start_new_session=True,
        stderr=its_end,
        stdin=its_end,
        stdout=its_end,
    )
    os.close(its_end)
    try:
        shown = b""
        for number, answer in enumerate(answers, start=1):
            shown += read_until(terminal, shown, number)
            os.write(terminal, f"{answer}\n".encode())
        shown += read_until(terminal, shown, None)
        return process.wait(SECONDS), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def read_until(terminal: int, before: bytes, prompts: int | None) -> bytes:
    """What is shown until that many prompts stand there, or until the end."""
    shown = b""
    deadline = time.monotonic() + SECONDS
    while prompts is None or (before + shown).count(b"assword") < prompts or not (before + shown).endswith(b": "):
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"nothing more was shown after: {before + shown!r}"
        try:
            data = os.read(terminal, 4096)
        except OSError:
            data = b""
        if not data:
            assert prompts is None, f"the program ended after: {before + shown!r}"
            return shown
        shown += data
    return shown


def test_a_terminal_is_asked_and_shows_no_password(key: Path) -> None:
    code, shown = at_terminal(["key", "public", key], [PASSWORD])
    assert code == 0, shown
    assert shown.startswith("Password of the private key: ")
    assert PUBLIC_KEY.pem().decode().splitlines()[1] in shown
    assert "MARKED" not in shown


def test_a_wrong_password_typed_is_refused_and_not_shown(key: Path) -> None:
    code, shown = at_terminal(["key", "public", key], [OTHER_PASSWORD])
    assert code == 1
    assert "does not open with the password given" in shown
    assert "MARKED" not in shown


def test_a_terminal_is_not_asked_where_the_environment_has_it(key: Path) -> None:
    code, shown = at_terminal(["key", "public", key], [], PASSWORD)
    assert (code, "Password" in shown) == (0, False)


def test_end_of_input_at_the_prompt_ends_the_command(key: Path) -> None:
    code, shown = at_terminal(["key", "public", key], ["\x04"])
    assert code == 1
    assert "Traceback" not in shown


def test_a_new_password_is_asked_for_twice(tmp_path: Path) -> None:
    private, public = tmp_path / "new.key", tmp_path / "new.pub"
    command: list[str | Path] = ["keygen", "oci", "--private-key", private, "--public-key", public, "--form", "cosign"]
    code, shown = at_terminal(command, [PASSWORD, OTHER_PASSWORD])
    assert code == 1
    assert "the two passwords are not the same" in shown
    assert not private.exists()
    code, shown = at_terminal(command, [PASSWORD, PASSWORD])
    assert code == 0, shown
    assert "MARKED" not in shown
    load_file_key(private, PASSWORD.encode)


def test_a_terminal_that_cannot_hide_a_password_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import getpass
    import warnings

    def showing(prompt: str) -> str:
        warnings.warn(prompt, getpass.GetPassWarning, stacklevel=1)
        return PASSWORD

    monkeypatch.setattr(getpass, "getpass", showing)
    monkeypatch.delenv("COSIGN_PASSWORD", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with pytest.raises(Error, match="cannot hide a password"):
        Password()()


@pytest.mark.parametrize(("stdin", "stderr"), [(True, False), (False, True), (False, False)])
def test_half_a_terminal_is_not_asked(monkeypatch: pytest.MonkeyPatch, stdin: bool, stderr: bool) -> None:
    monkeypatch.delenv("COSIGN_PASSWORD", raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: PASSWORD)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: stdin, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: stderr, raising=False)
    assert Password()() is None


def test_text_that_the_terminal_cannot_have_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSIGN_PASSWORD", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: f"{PASSWORD}\udcff")
    with pytest.raises(Error, match="not text in the terminal's encoding") as refused:
        Password()()
    assert "MARKED" not in repr(refused.value)
    assert not isinstance(refused.value, UsageError)


@pytest.mark.parametrize(
    ("is_new", "typed", "asked"),
    [(False, [PASSWORD, OTHER_PASSWORD], 1), (True, [PASSWORD, PASSWORD], 2), (True, [PASSWORD, OTHER_PASSWORD], 2)],
)
def test_only_a_new_password_is_typed_twice_and_the_same(
    is_new: bool, typed: list[str], asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts: list[str] = []

    def answer(prompt: str) -> str:
        prompts.append(prompt)
        return typed[len(prompts) - 1]

    monkeypatch.delenv("COSIGN_PASSWORD", raising=False)
    monkeypatch.setattr("getpass.getpass", answer)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    source = Password(is_new=is_new)
    if len(set(typed[:asked])) == 1:
        assert source() == PASSWORD.encode()
    else:
        with pytest.raises(Error, match="the two passwords are not the same"):
            source()
    assert len(prompts) == asked
