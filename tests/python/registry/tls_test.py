"""The files of TLS: CA certificates, and a client's certificate, which one registry gets to see."""

import contextlib
import socket
import ssl
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from image_fixtures import SIGNER
from publish_fixtures import dual_layout
from registry_fixtures import (
    LAYER,
    LAYER_DESCRIPTOR,
    MANIFEST,
    PASSWORD,
    REPOSITORY_PATH,
    SUBJECT,
    Answer,
    OwnClient,
    Simulator,
    Tls,
    make_tls,
    no_sleep,
)
from wasmoci.commands.main import main
from wasmoci.registry import connections
from wasmoci.registry.tls import TlsFiles
from wasmoci.values.errors import Error, KeyFileError, RegistryError, UsageError
from wasmoci.values.image_reference import Repository


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Tls:
    folder = tmp_path / "server"
    folder.mkdir()
    return make_tls(folder)


@pytest.fixture(name="user")
def _user(tmp_path: Path) -> TlsFiles:
    """A client's certificate and key."""
    folder = tmp_path / "user"
    folder.mkdir()
    make_tls(folder)
    return TlsFiles(certificate=folder / "certificate.pem", key=folder / "key.pem")


def demanding(server: Tls, user: TlsFiles, *, required: bool = True) -> ssl.SSLContext:
    """The server's context, which asks for the user's certificate."""
    server.server.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    server.server.load_verify_locations(user.certificate)
    return server.server


def client_with(address: str, environment: dict[str, str], tls: TlsFiles | None) -> OwnClient:
    return OwnClient(Repository.parse(f"{address}/team/app"), environment, (), no_sleep, tls=tls)


def test_a_ca_file(server: Tls) -> None:
    files = TlsFiles(ca=Path(server.environment["SSL_CERT_FILE"]))
    with Simulator(tls=server.server) as registry:
        for environment in ({}, {"SSL_CERT_FILE": "/nonexistent"}):
            with client_with(registry.address, environment, files) as client:
                assert client.resolve("v1") == (SUBJECT, MANIFEST)


def test_a_ca_file_is_all_that_is_trusted(server: Tls, user: TlsFiles) -> None:
    with (
        Simulator(tls=server.server) as registry,
        client_with(registry.address, server.environment, TlsFiles(ca=user.certificate)) as client,
        pytest.raises(RegistryError, match="certificate verify failed"),
    ):
        client.resolve("v1")


def test_a_certificate_that_has_expired(tmp_path: Path) -> None:
    expired = make_tls(tmp_path, expired=True)
    with (
        Simulator(tls=expired.server) as registry,
        client_with(registry.address, expired.environment, None) as client,
        pytest.raises(RegistryError, match="certificate has expired"),
    ):
        client.resolve("v1")
    assert registry.seen == []


def test_a_client_certificate(server: Tls, user: TlsFiles) -> None:
    with Simulator(tls=demanding(server, user)) as registry:
        with client_with(registry.address, server.environment, user) as client:
            assert client.resolve("v1") == (SUBJECT, MANIFEST)
        with client_with(registry.address, server.environment, None) as client, pytest.raises(RegistryError):
            client.resolve("v1")


def test_a_client_certificate_is_shown_to_the_registry_only(server: Tls, user: TlsFiles) -> None:
    context = demanding(server, user, required=False)

    with Simulator({"GET /storage": Answer(body=LAYER)}, tls=context) as storage:
        answers = {f"GET blobs/{LAYER_DESCRIPTOR.digest}": Answer(307, {"Location": "https://{other}/storage"})}
        with Simulator(answers, other=storage.address, tls=context) as registry:
            with client_with(registry.address, server.environment, user) as client:
                assert client.read_blob(LAYER_DESCRIPTOR, 1000) == LAYER
    assert [seen.certificate is None for seen in (*registry.seen, *storage.seen)] == [False, True]


def test_a_client_certificate_of_the_environment(server: Tls, user: TlsFiles) -> None:
    variables = {"WASM_OCI_CLIENT_CERTIFICATE": str(user.certificate), "WASM_OCI_CLIENT_KEY": str(user.key)}
    with Simulator(tls=demanding(server, user)) as registry:
        for named, shown in ((registry.address, True), ("other.example", False)):
            environment = {**server.environment, **variables, "WASM_OCI_REGISTRY": named}
            with client_with(registry.address, environment, None) as client:
                if shown:
                    assert client.resolve("v1") == (SUBJECT, MANIFEST)
                else:
                    with pytest.raises(RegistryError):
                        client.resolve("v1")
    with pytest.raises(UsageError, match="name the registry that it is for in WASM_OCI_REGISTRY"):
        client_with("registry.example", variables, None)


def encrypted(key_file: Path) -> Path:
    key = load_pem_private_key(key_file.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(PASSWORD.encode())
    path = key_file.with_name("encrypted.pem")
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    path.chmod(0o600)
    return path


def test_files_that_do_not_fit(server: Tls, user: TlsFiles) -> None:
    assert user.key is not None
    other_key = Path(server.environment["SSL_CERT_FILE"]).with_name("key.pem")
    for files, text, code in (
        (TlsFiles(certificate=user.certificate), "give both files", 2),
        (TlsFiles(key=user.key), "give both files", 2),
        (TlsFiles(certificate=user.certificate, key=other_key), "cannot use", 1),
        (TlsFiles(certificate=user.key, key=user.key), "cannot use", 1),
        (TlsFiles(certificate=user.certificate, key=Path("/none")), "cannot use .* /none: No such file", 1),
        (TlsFiles(certificate=user.certificate, key=encrypted(user.key)), "the key is encrypted", 1),
        (TlsFiles(ca=Path("/none")), "cannot read the CA certificates /none: No such file or directory$", 1),
    ):
        with pytest.raises(Error, match=text) as raised:
            client_with("registry.example", {}, files)
        assert raised.value.exit_code == code


def test_a_key_that_others_may_read(user: TlsFiles) -> None:
    assert user.key is not None
    user.key.chmod(0o640)
    with pytest.raises(KeyFileError, match=r"the client key .* is open to others than its owner \(mode 0640\)"):
        client_with("registry.example", {}, user)


def variables_of(user: TlsFiles, registry: str) -> dict[str, str]:
    return {
        "WASM_OCI_CLIENT_CERTIFICATE": str(user.certificate),
        "WASM_OCI_CLIENT_KEY": str(user.key),
        "WASM_OCI_REGISTRY": registry,
    }


def test_files_that_are_given_go_before_those_of_the_environment(server: Tls, user: TlsFiles) -> None:
    ca = Path(server.environment["SSL_CERT_FILE"])
    given = replace(user, ca=ca)
    with Simulator(tls=demanding(server, user)) as registry:
        wrong = TlsFiles(certificate=Path("/nonexistent"), key=Path("/nonexistent"))
        for environment, tls, shown in (
            ({}, given, True),
            (variables_of(wrong, registry.address), given, True),
            (variables_of(user, registry.address), TlsFiles(ca=ca), True),
            ({"WASM_OCI_REGISTRY": "other.example"}, given, False),
            ({}, TlsFiles(ca=ca), False),
        ):
            with client_with(registry.address, environment, tls) as client:
                if shown:
                    assert client.resolve("v1") == (SUBJECT, MANIFEST)
                else:
                    with pytest.raises(RegistryError):
                        client.resolve("v1")


def run(*arguments: str | Path, code: int) -> Result:
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def options_of(server: Tls, user: TlsFiles) -> dict[str, str]:
    return {
        "--registry-cacert": server.environment["SSL_CERT_FILE"],
        "--registry-client-cert": str(user.certificate),
        "--registry-client-key": str(user.key),
    }


@pytest.mark.parametrize("command", ["publish", "verify", "pull", "verify-attestation"])
def test_the_options_of_every_command(command: str, server: Tls, user: TlsFiles, tmp_path: Path) -> None:
    """What the registry answers is no image; it is the handshake that counts."""
    (tmp_path / "oci.pub").write_bytes(SIGNER.public_key.pem())
    key = ["--oci-key", str(tmp_path / "oci.pub")]
    with Simulator(tls=demanding(server, user)) as registry:
        repository = f"{registry.address}/{REPOSITORY_PATH}"
        arguments = {
            "publish": [str(dual_layout(tmp_path)), repository, "--tag", "v2", *key],
            "verify": [f"{repository}:v1", *key],
            "pull": [f"{repository}:v1", "--output", str(tmp_path / "pulled.wasm"), *key],
            "verify-attestation": [f"{repository}:v1", "--type", "spdx", *key],
        }[command]
        given = options_of(server, user)
        for absent in given:
            kept = [word for option, value in given.items() if option != absent for word in (option, value)]
            run(command, *arguments, *kept, code=1 if absent == "--registry-cacert" else 2)
        run(command, *arguments, "--registry-cacert", given["--registry-cacert"], code=1)
        assert registry.seen == []
        run(
            command,
            *arguments,
            *(word for pair in given.items() for word in pair),
            code=1 if command == "publish" else 3,
        )
        assert registry.seen


def test_a_handshake_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HANDSHAKE_SECONDS", 0.4)
    with Dripping() as server:
        start = time.monotonic()
        with (
            client_with(server.address, {}, None) as client,
            pytest.raises(RegistryError, match=f"GET https://{server.address}"),
        ):
            client.resolve("v1")
    assert time.monotonic() - start < 10


class Dripping:
    """A server that sends one byte of a TLS record after the other, each well within any socket's timeout."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> "Dripping":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._socket.accept()[0]
                with connection, contextlib.suppress(OSError):
                    connection.sendall(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xf0")
                    while True:
                        time.sleep(0.05)
                        connection.sendall(b"\0")
