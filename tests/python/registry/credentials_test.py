"""Credentials from the Docker config and from credential helpers."""

import base64
import json
import os
from pathlib import Path

import pytest

from credential_fixtures import helper
from registry_fixtures import PASSWORD, docker_config
from wasmoci.registry import credential_helper
from wasmoci.registry.credential_helper import Credential, CredentialKind
from wasmoci.registry.credentials import find_credential
from wasmoci.values.errors import RegistryError, UsageError
from wasmoci.values.image_reference import Repository

HOST = "registry.example:5000"
REPOSITORY = Repository.parse(f"{HOST}/team/app")
SECRET_NUMBER = "4711081512345"
USER = Credential("user", PASSWORD)
TOKEN = Credential("", PASSWORD, CredentialKind.REFRESH)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def answering(username: str, secret: str) -> str:
    answer = {"ServerURL": "x", "Username": username, "Secret": secret}
    return f"print({json.dumps(json.dumps(answer))})"


@pytest.mark.parametrize(
    ("auths", "found"),
    [
        ({HOST: {"auth": b64(f"user:{PASSWORD}")}}, USER),
        ({HOST: {"auth": b64(f"user:{PASSWORD}").rstrip("=")}}, USER),
        ({HOST: {"auth": b64(f"user:{PASSWORD}\0\0")}}, USER),
        ({HOST: {"auth": f"{b64(f'user:{PASSWORD}')[:8]}\r\n {b64(f'user:{PASSWORD}')[8:]}\n"}}, USER),
        ({HOST: {"auth": b64("user:with:colons")}}, Credential("user", "with:colons")),
        ({HOST: {"username": "user", "password": PASSWORD}}, USER),
        ({HOST: {"auth": b64("user:other"), "identitytoken": PASSWORD}}, TOKEN),
        ({HOST: {"auth": b64(f"user:{PASSWORD}"), "username": "a", "password": "b"}}, USER),
        ({f"https://{HOST}": {"auth": b64(f"user:{PASSWORD}")}}, USER),
        ({f"https://{HOST}/v1/": {"auth": b64(f"user:{PASSWORD}")}}, USER),
        ({f"http://{HOST}/v2": {"auth": b64("a:b")}, HOST: {"auth": b64(f"user:{PASSWORD}")}}, USER),
        ({HOST: {"username": "user"}}, None),
        ({HOST: {"password": PASSWORD}}, None),
        ({HOST: {}}, None),
        ({HOST: {"email": "a@b"}}, None),
        ({"registry.example": {"auth": b64("a:b")}}, None),
        ({"registry.example:50000": {"auth": b64("a:b")}}, None),
        ({"xregistry.example:5000": {"auth": b64("a:b")}}, None),
        ({}, None),
    ],
)
def test_auths(auths: dict[str, object], found: Credential | None, tmp_path: Path) -> None:
    assert find_credential(REPOSITORY, docker_config(tmp_path, {"auths": auths})) == found


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io", "Docker.io/", "docker.io:443"]
)
@pytest.mark.parametrize(
    "host", ["docker.io", "index.docker.io", "registry-1.docker.io", "DOCKER.IO", "Index.Docker.io", "docker.io:443"]
)
def test_docker_hub_has_several_names(key: str, host: str, tmp_path: Path) -> None:
    assert (
        find_credential(
            Repository.parse(f"{host}/team/app"),
            docker_config(tmp_path, {"auths": {key: {"auth": b64(f"user:{PASSWORD}")}}}),
        )
        == USER
    )


def test_where_the_config_is(tmp_path: Path) -> None:
    docker_config(tmp_path / ".docker", {"auths": {HOST: {"auth": b64(f"user:{PASSWORD}")}}})
    assert find_credential(REPOSITORY, {"HOME": str(tmp_path)}) == USER
    assert find_credential(REPOSITORY, {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / "none")}) is None
    assert find_credential(REPOSITORY, {}) is None


def test_a_helper_for_one_registry(tmp_path: Path) -> None:
    script = f"assert sys.argv[1:] == ['get'] and asked == '{HOST}', asked\n{answering('user', PASSWORD)}"
    path = helper(tmp_path, "one", script)
    config = {"credHelpers": {HOST: "one"}, "auths": {HOST: {"auth": b64("a:b")}}, "credsStore": "none"}
    assert find_credential(REPOSITORY, docker_config(tmp_path, config) | path) == USER


def test_a_helper_without_a_name_is_none(tmp_path: Path) -> None:
    config = {"credHelpers": {HOST: ""}, "auths": {HOST: {"auth": b64(f"user:{PASSWORD}")}}}
    assert find_credential(REPOSITORY, docker_config(tmp_path, config)) == USER


def test_the_helper_for_all_registries_is_asked_last(tmp_path: Path) -> None:
    path = helper(tmp_path, "all", answering("<token>", PASSWORD))
    config = {"credHelpers": {"other": "none"}, "auths": {HOST: {}}, "credsStore": "all"}
    assert find_credential(REPOSITORY, docker_config(tmp_path, config) | path) == TOKEN
    config["auths"] = {HOST: {"auth": b64(f"user:{PASSWORD}")}}
    assert find_credential(REPOSITORY, docker_config(tmp_path, config) | path) == USER


def test_a_helper_knows_docker_hub_by_its_old_address(tmp_path: Path) -> None:
    script = f"assert asked == 'https://index.docker.io/v1/', asked\n{answering('user', PASSWORD)}"
    path = helper(tmp_path, "all", script)
    assert (
        find_credential(Repository.parse("docker.io/team/app"), docker_config(tmp_path, {"credsStore": "all"}) | path)
        == USER
    )


def test_the_environment_is_for_a_registry_however_it_is_spelled() -> None:
    for named, host in (("docker.io", "Index.Docker.io:443"), ("Registry.Example:5000", HOST)):
        environment = {"WASM_OCI_REGISTRY": named} | OWN_PAIR
        assert find_credential(Repository(host, "team/app"), environment) == user("own")


def test_a_helper_gets_the_environment_that_is_passed(tmp_path: Path) -> None:
    script = f"import os\nassert os.environ['MARK'] == 'x'\n{answering('user', PASSWORD)}"
    environment = docker_config(tmp_path, {"credsStore": "all"}) | helper(tmp_path, "all", script) | {"MARK": "x"}
    assert find_credential(REPOSITORY, environment) == USER


@pytest.mark.parametrize(
    "script",
    ["print('credentials not found in native keychain'); sys.exit(1)", answering("", "")],
)
def test_a_helper_that_has_none(script: str, tmp_path: Path) -> None:
    path = helper(tmp_path, "all", script)
    assert find_credential(REPOSITORY, docker_config(tmp_path, {"credsStore": "all"}) | path) is None


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (f"print('{PASSWORD}'); print('{PASSWORD}', file=sys.stderr); sys.exit(3)", "exit code 3"),
        (f"print('{PASSWORD}')", "not JSON"),
        (f"print('[\"{PASSWORD}\"]')", "must be a JSON object"),
        (f"print(json.dumps({{'Secret': '{PASSWORD}'}}))", "`Username` is missing"),
        (f"print(json.dumps({{'Username': 'x', 'Secret': ['{PASSWORD}']}}))", "`Secret` must be"),
        (f'print(\'{{"Username": "x", "Secret": 123.{SECRET_NUMBER}}}\')', "numbers must be whole"),
        (f'print(\'{{"Username": "x", "Secret": {SECRET_NUMBER}}}\')', "`Secret` must be a string"),
        (f"print('{PASSWORD}' + 'x' * (1024 * 1024))", "more bytes than the limit of 1048576"),
        (f"print('{PASSWORD}')\nwhile True: print('x' * 65536)", "more bytes than the limit of 1048576"),
        ("sys.stdout.close()\nimport os\nos.close(1)\ntime.sleep(20)", "no answer within 1 s"),
        (
            "import subprocess\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(8)'])",
            "no answer within 1 s",
        ),
        ("time.sleep(20)", "no answer within 1 s"),
    ],
)
def test_a_helper_that_fails(script: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "no answer" in text:
        monkeypatch.setattr(credential_helper, "TIMEOUT_SECONDS", 1)
    path = helper(tmp_path, "all", script)
    with pytest.raises(RegistryError, match=text) as caught:
        find_credential(REPOSITORY, docker_config(tmp_path, {"credsStore": "all"}) | path)
    for secret in (PASSWORD, SECRET_NUMBER):
        assert secret not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../evil", "a b", "a;b", "x\ny", "a/b"])
def test_a_helper_with_a_name_that_is_no_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="name of a credential helper"):
        find_credential(REPOSITORY, docker_config(tmp_path, {"credsStore": name}))


def test_a_helper_that_is_not_installed(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"docker-credential-none, which .* is not on PATH"):
        find_credential(REPOSITORY, docker_config(tmp_path, {"credsStore": "none"}) | {"PATH": str(tmp_path)})


def test_a_helper_that_is_no_program(tmp_path: Path) -> None:
    path = helper(tmp_path, "all", "")
    (tmp_path / "docker-credential-all").write_bytes(b"\x7fELF nonsense")
    with pytest.raises(RegistryError, match="cannot be run"):
        find_credential(REPOSITORY, docker_config(tmp_path, {"credsStore": "all"}) | path)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (f'{{"auths": {{"{HOST}": {{"auth": "{PASSWORD}"', "not JSON"),
        (f'["{PASSWORD}"]', "must be a JSON object"),
        ({"auths": [PASSWORD]}, "`auths` must be"),
        ({"auths": {HOST: PASSWORD}}, "must be a JSON object"),
        ({"auths": {HOST: {"auth": [PASSWORD]}}}, "`auth` must be a string"),
        ({"auths": {HOST: {"auth": f"{PASSWORD}!"}}}, "not the base64"),
        ({"auths": {HOST: {"auth": b64(PASSWORD)}}}, "not the base64"),
        ({"auths": {HOST: {"auth": b64(f":{PASSWORD}")}}}, "not the base64"),
        ({"auths": {HOST: {"auth": base64.b64encode(b"\xff:" + PASSWORD.encode()).decode()}}}, "not the base64"),
        ({"credHelpers": {HOST: 7}}, "must be a string"),
        (" " * (1024 * 1024 + 1), "the limit is 1048576"),
    ],
)
def test_a_malformed_config(config: object, text: str, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=text) as caught:
        find_credential(REPOSITORY, docker_config(tmp_path, config))
    assert PASSWORD not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_config_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(RegistryError, match="cannot be read"):
        find_credential(REPOSITORY, {"DOCKER_CONFIG": str(tmp_path)})


def test_a_config_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(RegistryError, match="cannot be read: it is no regular file"):
        find_credential(REPOSITORY, {"DOCKER_CONFIG": str(tmp_path)})


def test_a_credential_does_not_show_its_secret() -> None:
    assert PASSWORD not in f"{USER!r} {USER!s} {TOKEN!r} {[USER]}"


def login(user: str, secret: str = PASSWORD) -> dict[str, object]:
    return {"auth": b64(f"{user}:{secret}")}


def user(name: str) -> Credential:
    return Credential(name, PASSWORD)


OWN_PAIR = {"WASM_OCI_USERNAME": "own", "WASM_OCI_PASSWORD": PASSWORD}
WKG_PAIR = {"WKG_OCI_USERNAME": "wkg", "WKG_OCI_PASSWORD": PASSWORD}
WKG_TOKEN = {"WKG_REGISTRY_REGISTRY_EXAMPLE_5000_AUTH_BEARER": PASSWORD}
NAMED = {"WASM_OCI_REGISTRY": HOST}
BEARER = Credential("", PASSWORD, CredentialKind.BEARER)


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        (NAMED | OWN_PAIR, user("own")),
        (NAMED | WKG_PAIR, user("wkg")),
        (NAMED | OWN_PAIR | WKG_PAIR, user("own")),
        (NAMED | {"WASM_OCI_TOKEN": PASSWORD}, BEARER),
        (NAMED | {"WASM_OCI_TOKEN": PASSWORD} | WKG_PAIR, BEARER),
        (WKG_TOKEN, BEARER),
        (WKG_TOKEN | WKG_PAIR, BEARER),
        (NAMED | WKG_TOKEN, BEARER),
        (NAMED | WKG_TOKEN | WKG_PAIR, BEARER),
        (NAMED | WKG_TOKEN | OWN_PAIR, user("own")),
        ({"WASM_OCI_REGISTRY": "other.example"} | WKG_TOKEN, None),
        ({"WKG_REGISTRY_REGISTRY_EXAMPLE_5000_AUTH_BEARER": ""}, None),
        ({"WKG_REGISTRY_REGISTRY_EXAMPLE_AUTH_BEARER": PASSWORD}, None),
        ({"WKG_REGISTRY_REGISTRY_EXAMPLE_5000_AUTH_BASIC": PASSWORD}, None),
        (NAMED, None),
        (WKG_PAIR, None),
        (NAMED | {"WASM_OCI_USERNAME": "", "WASM_OCI_PASSWORD": ""}, None),
    ],
)
def test_the_environment(environment: dict[str, str], found: Credential | None) -> None:
    assert find_credential(REPOSITORY, environment) == found


@pytest.mark.parametrize("name", ["registry.example", "registry.example:443", "evil.example", f"{HOST}.evil.example"])
@pytest.mark.parametrize("variables", [OWN_PAIR, WKG_PAIR, {"WASM_OCI_TOKEN": PASSWORD}])
def test_the_environment_is_for_the_registry_that_it_names(name: str, variables: dict[str, str]) -> None:
    assert find_credential(Repository(name, "team/app"), NAMED | variables) is None


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        (OWN_PAIR, "name the registry that it is for in WASM_OCI_REGISTRY"),
        ({"WASM_OCI_TOKEN": PASSWORD}, "name the registry that it is for in WASM_OCI_REGISTRY"),
        (NAMED | OWN_PAIR | {"WASM_OCI_TOKEN": PASSWORD}, "not both"),
        (NAMED | {"WASM_OCI_USERNAME": "own"}, "set both WASM_OCI_USERNAME and WASM_OCI_PASSWORD"),
        (NAMED | {"WASM_OCI_PASSWORD": PASSWORD}, "set both WASM_OCI_USERNAME and WASM_OCI_PASSWORD"),
        (NAMED | {"WKG_OCI_PASSWORD": PASSWORD}, "set both WKG_OCI_USERNAME and WKG_OCI_PASSWORD"),
    ],
)
def test_an_environment_that_contradicts_itself(environment: dict[str, str], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        find_credential(REPOSITORY, environment)


def test_the_order_of_places(tmp_path: Path) -> None:
    places: list[tuple[str, Path, str]] = [
        ("XDG_CONFIG_HOME", tmp_path / "config", "containers/auth.json"),
        ("XDG_RUNTIME_DIR", tmp_path / "run", "containers/auth.json"),
        ("DOCKER_CONFIG", tmp_path / "docker", "config.json"),
    ]
    environment: dict[str, str] = {}
    for variable, folder, name in places:
        file = folder / name
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"auths": {HOST: login(variable)}}))
        environment[variable] = str(folder)
        assert find_credential(REPOSITORY, environment) == user(variable)
    named = tmp_path / "named.json"
    named.write_text(json.dumps({"auths": {HOST: login("named")}}))
    environment["REGISTRY_AUTH_FILE"] = str(named)
    assert find_credential(REPOSITORY, environment) == user("named")
    assert find_credential(REPOSITORY, environment | NAMED | OWN_PAIR) == user("own")
    named.write_text("{}")
    assert find_credential(REPOSITORY, environment) is None


def test_the_files_below_home(tmp_path: Path) -> None:
    file = tmp_path / ".config/containers/auth.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"auths": {HOST: login("podman")}}))
    for home in ("HOME", "USERPROFILE"):
        assert find_credential(REPOSITORY, {home: str(tmp_path)}) == user("podman")


def test_an_auth_file_that_is_named_and_not_there(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="which REGISTRY_AUTH_FILE names, does not exist"):
        find_credential(REPOSITORY, {"REGISTRY_AUTH_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ([HOST, f"{HOST}/team", f"{HOST}/team/app"], f"{HOST}/team/app"),
        ([HOST, f"{HOST}/team", f"{HOST}/team/application"], f"{HOST}/team"),
        ([HOST, f"{HOST}/tea", f"{HOST}/team/app/more"], HOST),
        ([f"{HOST}/other"], None),
        ([f"https://{HOST}/other"], f"https://{HOST}/other"),
        ([f"{HOST}/"], f"{HOST}/"),
        ([f"{HOST}/v1/"], f"{HOST}/v1/"),
        ([f"{HOST}/v2/"], f"{HOST}/v2/"),
        ([f"{HOST}/v2"], None),
        ([f"{HOST}/", f"{HOST}/team/"], f"{HOST}/team/"),
        ([f"{HOST}/team/app/"], f"{HOST}/team/app/"),
        ([f"{HOST}/tea/"], None),
        (["Registry.Example:5000/team"], "Registry.Example:5000/team"),
        ([f"{HOST}//"], None),
    ],
)
def test_keys_with_a_path(keys: list[str], found: str | None, tmp_path: Path) -> None:
    config = {"auths": {key: {"username": key, "password": PASSWORD} for key in keys}}
    assert find_credential(REPOSITORY, docker_config(tmp_path, config)) == (found and user(found))


def test_a_registry_token(tmp_path: Path) -> None:
    config = {"auths": {HOST: {"registrytoken": PASSWORD, **login("user")}}}
    assert find_credential(REPOSITORY, docker_config(tmp_path, config)) == BEARER


def test_a_helper_gets_no_other_secret(tmp_path: Path) -> None:
    script = f"import os\nassert '{PASSWORD}' not in os.environ.values()\n{answering('user', 'helped')}"
    environment = docker_config(tmp_path, {"credsStore": "all"}) | helper(tmp_path, "all", script)
    environment |= {"WASM_OCI_REGISTRY": "other.example", "WASM_OCI_TOKEN": PASSWORD} | WKG_PAIR | WKG_TOKEN
    assert find_credential(REPOSITORY, environment) == Credential("user", "helped")
