"""`wasm-oci login` and `logout`: a password is tried, kept where Docker keeps it, and in no command line."""

import base64
import json
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from credential_fixtures import helper
from registry_fixtures import PASSWORD, Answer, Simulator
from wasmoci.commands.main import main
from wasmoci.registry.credentials import find_credential
from wasmoci.values.image_reference import Repository

BASIC = {"GET /v2/": [Answer(401, {"WWW-Authenticate": "Basic"}), Answer()]}
BEARER = {
    "GET /v2/": [Answer(401, {"WWW-Authenticate": 'Bearer realm="http://{own}/token",service="s"'}), Answer()],
    "GET /token": Answer(body=b'{"token": "t"}'),
}
OPEN = {"GET /v2/": Answer()}
LOGIN = f"Basic {base64.b64encode(f'user:{PASSWORD}'.encode()).decode()}"
HOST = "registry.example:5000"
HELPER = """
if sys.argv[1] == "get":
    print("credentials not found")
    sys.exit(1)
open("told", "w").write(sys.argv[1] + " " + asked)
"""


def run(folder: Path, *arguments: str, code: int = 0, text: str | None = None, **environment: str) -> Result:
    names = ("REGISTRY_AUTH_FILE", "WASM_OCI_REGISTRY", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME")
    where = {**dict.fromkeys(names), "HOME": str(folder), "DOCKER_CONFIG": str(folder / "docker"), **environment}
    result = CliRunner().invoke(main, [*arguments], env=where, input=text)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def log_in(folder: Path, address: str, code: int = 0, text: str = f"{PASSWORD}\n", **environment: str) -> Result:
    options = ("--username", "user", "--password-stdin", "--insecure-registry", address)
    return run(folder, "login", address, *options, code=code, text=text, **environment)


def config(folder: Path, content: object = None) -> dict[str, object]:
    path = folder / "docker" / "config.json"
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    found: dict[str, object] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("answers", [BASIC, BEARER, OPEN], ids=["basic", "bearer", "open"])
def test_a_password_is_tried_and_kept(answers: Mapping[str, Answer | list[Answer]], tmp_path: Path) -> None:
    with Simulator(answers) as registry:
        result = log_in(tmp_path, registry.address)
        asked = [(seen.path.partition("?")[0], seen.authorization) for seen in registry.seen]
        where = Repository(registry.address, "team/app")
    assert asked[:1] == [("/v2/", None)]
    assert {LOGIN} == {sent for path, sent in asked if sent and not sent.startswith("Bearer")} or answers is OPEN
    assert "scope" not in "".join(seen.path for seen in registry.seen)
    assert "not encrypted" in result.stderr
    assert ("was not tried" in result.stderr) is (answers is OPEN)
    assert ("logged in" in result.stdout) is (answers is not OPEN)
    found = find_credential(where, {"DOCKER_CONFIG": str(tmp_path / "docker")})
    assert found is not None
    assert (found.username, found.secret) == ("user", PASSWORD)
    assert stat.S_IMODE((tmp_path / "docker" / "config.json").stat().st_mode) == 0o600


def test_a_wrong_password_is_not_kept(tmp_path: Path) -> None:
    with Simulator({"GET /v2/": Answer(401, {"WWW-Authenticate": "Basic"})}) as registry:
        result = log_in(tmp_path, registry.address, code=1)
    assert "it got the password of 'user' from stdin, which is wrong" in result.stderr
    assert not (tmp_path / "docker").exists()


def test_what_else_the_file_says_stays(tmp_path: Path) -> None:
    other = {"other.example": {"auth": "eDp5"}, "registry.example/team": {"auth": "eDp5"}}
    config(tmp_path, {"auths": other, "HttpHeaders": {"a": "b"}, "psFormat": "x"})
    with Simulator(BASIC) as registry:
        log_in(tmp_path, registry.address)
        kept = config(tmp_path)
        assert kept["HttpHeaders"] == {"a": "b"}
        assert set(kept["auths"]) == {*other, registry.address}  # type: ignore[call-overload]
        run(tmp_path, "logout", registry.address)
        assert config(tmp_path)["auths"] == other
        assert "nobody was logged in" in run(tmp_path, "logout", registry.address).stdout


@pytest.mark.parametrize("spelling", [HOST, f"https://{HOST}", f"https://{HOST}/v1/"])
def test_logout_knows_the_spellings_of_a_registry(spelling: str, tmp_path: Path) -> None:
    config(tmp_path, {"auths": {spelling: {"auth": "eDp5"}}})
    assert "logged out" in run(tmp_path, "logout", HOST).stdout
    assert config(tmp_path)["auths"] == {}


@pytest.mark.parametrize("named", [{"credsStore": "kept"}, {"credHelpers": {HOST: "kept"}}])
def test_logout_has_the_helper_forget(named: dict[str, object], tmp_path: Path) -> None:
    config(tmp_path, {"auths": {HOST: {}}, **named})
    found = helper(tmp_path, "kept", HELPER)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        run(tmp_path, "logout", HOST, PATH=f"{found['PATH']}:/usr/bin:/bin")
    assert (tmp_path / "told").read_text() == f"erase {HOST}"
    assert config(tmp_path)["auths"] == {}


def test_a_helper_keeps_the_password(tmp_path: Path) -> None:
    config(tmp_path, {"credsStore": "kept"})
    found = helper(tmp_path, "kept", HELPER)
    with Simulator(BASIC) as registry, pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        result = log_in(tmp_path, registry.address, PATH=f"{found['PATH']}:/usr/bin:/bin")
        told = (tmp_path / "told").read_text()
    assert told.startswith("store ")
    secret = {"ServerURL": registry.address, "Username": "user", "Secret": PASSWORD}
    assert json.loads(told.partition(" ")[2]) == secret
    assert config(tmp_path) == {"credsStore": "kept", "auths": {registry.address: {}}}
    assert "not encrypted" not in result.stderr


@pytest.mark.parametrize("content", ["{", "[]", '{"auths": 1}', '{"credsStore": 1}'])
def test_a_file_that_is_malformed_is_left_as_it_is(content: str, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(content)
    with Simulator(BASIC) as registry:
        log_in(tmp_path, registry.address, code=1)
        assert registry.seen == []
    assert (tmp_path / "docker" / "config.json").read_text() == content


@pytest.mark.parametrize(
    ("arguments", "text", "message"),
    [
        (["login", HOST, "--password-stdin"], "x", "--password-stdin needs --username"),
        (["login", HOST, "--username", "user"], "x", "there is no terminal"),
        (["login", HOST, "--username", "a:b", "--password-stdin"], "x", "no colon"),
        (["login", HOST, "--username", "user", "--password-stdin"], "\n", "neither is empty"),
        (["login", HOST, "--username", "user", "--password-stdin"], "x" * 70_000, "at most"),
        (["login", "localhost/team"], "", "a registry is host"),
        (["logout", "https://registry.example"], "", "a registry is host"),
    ],
)
def test_wrong_usage(arguments: list[str], text: str, message: str, tmp_path: Path) -> None:
    assert message in run(tmp_path, *arguments, code=2, text=text).stderr


def test_a_credential_of_another_place_is_told(tmp_path: Path) -> None:
    result = run(
        *(tmp_path, "logout", HOST), WASM_OCI_REGISTRY=HOST, WASM_OCI_USERNAME="user", WASM_OCI_PASSWORD=PASSWORD
    )
    assert f"{HOST} still has the password of 'user' from the environment" in result.stderr
