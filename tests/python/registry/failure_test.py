"""Why there is no answer, in words that name what the user named; urllib3's own texts name its objects."""

import socket
import ssl
from pathlib import Path

import pytest
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    SSLError,
)

from registry_fixtures import Answer, Simulator, client_of, password_for
from wasmoci.registry.connections import failure
from wasmoci.registry.url import Origin
from wasmoci.values.errors import RegistryError

ORIGIN = Origin("https", "registry.example", 5000)
CONNECTION = HTTPSConnection("registry.example", 5000)
REFUSED = ConnectionRefusedError(111, "Connection refused")


def raised(error: Exception, cause: Exception) -> Exception:
    """The error as it is where it comes from another one."""
    error.__cause__ = cause
    return error


def tls(reason: str) -> Exception:
    inner = ssl.SSLError(1, f"[SSL: {reason}] some text (_ssl.c:1006)")
    inner.reason = reason
    return SSLError(inner)


def untrusted(code: int) -> Exception:
    inner = ssl.SSLCertVerificationError(1, "[SSL] certificate verify failed: some text (_ssl.c:1006)")
    inner.verify_code, inner.verify_message = code, "some text"
    return SSLError(inner)


NO_TLS = (
    "registry.example:5000 does not speak TLS: if it is a registry in plain HTTP, allow that with "
    "--insecure-registry registry.example:5000"
)
UNTRUSTED = (
    "the certificate of registry.example:5000 is not trusted (certificate verify failed: some text): "
    "name the CA certificates for it with --registry-cacert FILE"
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (tls("WRONG_VERSION_NUMBER"), NO_TLS),
        (tls("RECORD_LAYER_FAILURE"), NO_TLS),
        (tls("TLSV1_ALERT_UNKNOWN_CA"), "[SSL: TLSV1_ALERT_UNKNOWN_CA] some text (_ssl.c:1006)"),
        *((untrusted(code), UNTRUSTED) for code in (18, 19, 20, 21)),
        (untrusted(10), UNTRUSTED.partition(": name")[0]),
        (
            raised(NewConnectionError(CONNECTION, "x"), REFUSED),
            "cannot connect to registry.example:5000 (Connection refused): does the registry run, and is the port "
            "right?",
        ),
        (
            raised(
                NameResolutionError("registry.example", CONNECTION, socket.gaierror(-2, "x")),
                socket.gaierror(-2, "Name or service not known"),
            ),
            "the host registry.example has no address (Name or service not known): is it spelled right?",
        ),
        (
            ProxyError("Unable to connect to proxy", raised(NewConnectionError(CONNECTION, "x"), REFUSED)),
            "the proxy that the environment names: Connection refused",
        ),
        (ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset")), "Connection reset"),
        (ConnectTimeoutError(CONNECTION, "x"), "registry.example:5000 gave no answer in time"),
    ],
    ids=lambda value: None,
)
def test_the_text(error: Exception, text: str) -> None:
    assert failure(error, ORIGIN, ()) == text


def test_another_port_of_the_host_was_named() -> None:
    others = [Origin("http", "other.example", 80), Origin("http", "registry.example", 80)]
    assert failure(tls("WRONG_VERSION_NUMBER"), ORIGIN, others) == f"{NO_TLS}, not registry.example (port 80)"


@pytest.mark.parametrize(("status", "is_blamed"), [(400, False), (401, True), (403, True), (404, False)])
def test_only_a_refusal_blames_the_credential(status: int, is_blamed: bool, tmp_path: Path) -> None:
    asked = Answer(401, {"WWW-Authenticate": "Basic"})
    with Simulator({"GET manifests/v1": [asked, Answer(status)]}) as registry:
        environment = password_for(registry.address, tmp_path)
        with client_of(registry.address, environment) as client, pytest.raises(RegistryError) as refused:
            client.resolve("v1")
    assert ("it got the password of 'user'" in str(refused.value)) == is_blamed
