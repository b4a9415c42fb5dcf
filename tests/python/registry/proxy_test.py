"""Proxies: which one is taken, what it is told, and what of it is shown."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from registry_fixtures import MANIFEST, PASSWORD, SUBJECT, Answer, OwnClient, Simulator, client_of, make_tls, no_sleep
from wasmoci.registry.proxy import proxy_for
from wasmoci.registry.url import Url
from wasmoci.values.errors import RegistryError, UsageError
from wasmoci.values.image_reference import Repository

SECURE = {"HTTPS_PROXY": "http://secure.example:3128"}
PLAIN = {"HTTP_PROXY": "http://plain.example:3128"}
LOGIN = base64.b64encode(f"user:{PASSWORD}".encode()).decode()


@pytest.mark.parametrize(
    ("url", "environment", "found"),
    [
        ("https://registry.example", SECURE | PLAIN, "secure.example"),
        ("http://registry.example", SECURE | PLAIN, "plain.example"),
        ("https://registry.example", PLAIN, None),
        ("https://registry.example", {"https_proxy": "lower.example:1"}, "lower.example"),
        ("https://registry.example", {"HTTPS_PROXY": ""}, None),
        # This machine itself.
        ("https://localhost:5000", SECURE, None),
        ("https://127.0.0.1", SECURE, None),
        ("https://127.8.8.8", SECURE, None),
        ("https://[::1]:5000", SECURE, None),
        # NO_PROXY.
        ("https://registry.example", SECURE | {"NO_PROXY": "*"}, None),
        ("https://registry.example", SECURE | {"NO_PROXY": "other, Registry.EXAMPLE"}, None),
        ("https://registry.example", SECURE | {"no_proxy": "example"}, None),
        ("https://registry.example", SECURE | {"NO_PROXY": ".example"}, None),
        ("https://registry.example", SECURE | {"NO_PROXY": "*.example"}, None),
        ("https://registry.example", SECURE | {"NO_PROXY": ".registry.example"}, "secure.example"),
        ("https://registry.example", SECURE | {"NO_PROXY": "try.example"}, "secure.example"),
        ("https://registry.example", SECURE | {"NO_PROXY": "registry.example:443"}, None),
        ("https://registry.example", SECURE | {"NO_PROXY": "registry.example:444"}, "secure.example"),
        ("https://registry.example", SECURE | {"NO_PROXY": " , "}, "secure.example"),
        ("https://10.1.2.3", SECURE | {"NO_PROXY": "10.0.0.0/8"}, None),
        ("https://10.1.2.3", SECURE | {"NO_PROXY": "10.1.2.3"}, None),
        ("https://10.1.2.3", SECURE | {"NO_PROXY": "10.1.2.3:443"}, None),
        ("https://10.1.2.3", SECURE | {"NO_PROXY": "2.3"}, "secure.example"),
        ("https://[fd00::1]", SECURE | {"NO_PROXY": "fd00::/8"}, None),
        ("https://[fd00::1]", SECURE | {"NO_PROXY": "[fd00::1]"}, None),
    ],
)
def test_which_proxy(url: str, environment: dict[str, str], found: str | None) -> None:
    proxy = proxy_for(Url.parse(url).origin, environment)
    assert (proxy and proxy.origin.host) == found


@pytest.mark.parametrize("value", ["https://{}@proxy", "socks5://{}@proxy:1", "http://{}@", "http://{}@a b", "{}@x:y"])
def test_a_variable_that_names_no_proxy(value: str) -> None:
    environment = {"HTTPS_PROXY": value.format(f"user:{PASSWORD}")}
    with pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
        proxy_for(Url.parse("https://registry.example").origin, environment)
    assert PASSWORD not in f"{caught.value} {caught.value.__cause__!r}"


def test_a_proxy_does_not_show_its_password() -> None:
    proxy = proxy_for(Url.parse("https://a.example").origin, {"HTTPS_PROXY": f"http://user:{PASSWORD}@proxy:1"})
    assert proxy is not None
    assert proxy.authorization == f"Basic {LOGIN}"
    assert PASSWORD not in repr(proxy)
    assert LOGIN not in repr(proxy)


class _ProxyHandler(BaseHTTPRequestHandler):
    """Takes every name for the one server behind it."""

    def do_CONNECT(self) -> None:
        server = cast(Any, self.server)
        server.asked.append(
            (self.command, self.path, self.headers["Proxy-Authorization"], self.headers["Authorization"])
        )
        if server.refusal:
            self.wfile.write(f"HTTP/1.1 407 {self.headers['Proxy-Authorization']}\r\n\r\n".encode())
            return
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(server.behind) as there:
            forward = threading.Thread(target=_pump, args=(there, self.connection), daemon=True)
            forward.start()
            _pump(self.connection, there)
            forward.join()

    def do_GET(self) -> None:
        server = cast(Any, self.server)
        server.asked.append(
            (self.command, self.path, self.headers["Proxy-Authorization"], self.headers["Authorization"])
        )
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def proxy_before(address: str, *, refusal: bool = False) -> Iterator[tuple[str, list[tuple[str | None, ...]]]]:
    """A proxy; gives its address, and what it was asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _ProxyHandler)
    server.daemon_threads = True
    host, port = address.split(":")
    shared = cast(Any, server)
    shared.behind, shared.asked, shared.refusal = (host, int(port)), [], refusal
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", shared.asked
    finally:
        server.shutdown()
        server.server_close()


def test_https_is_a_tunnel_through_the_proxy(tmp_path: Path) -> None:
    tls = make_tls(tmp_path, "registry.test")
    with Simulator(tls=tls.server) as registry, proxy_before(registry.address) as (proxy, asked):
        environment = tls.environment | {"HTTPS_PROXY": f"http://user:{PASSWORD}@{proxy}"}
        repository = Repository.parse("registry.test/team/app")
        with OwnClient(repository, environment, (), no_sleep) as client:
            assert client.resolve("v1") == (SUBJECT, MANIFEST)
            client.resolve("v1")
    assert asked == [("CONNECT", "registry.test:443", f"Basic {LOGIN}", None)]
    assert len(registry.connections) == 1


def test_the_proxy_cannot_be_the_registry(tmp_path: Path) -> None:
    tls = make_tls(tmp_path, "other.test")
    with Simulator(tls=tls.server) as registry, proxy_before(registry.address) as (proxy, _):
        environment = tls.environment | {"HTTPS_PROXY": proxy}
        with (
            OwnClient(Repository.parse("registry.test/team/app"), environment, (), no_sleep) as client,
            pytest.raises(RegistryError, match="certificate"),
        ):
            client.resolve("v1")
    assert registry.seen == []


def test_a_proxy_that_repeats_its_password() -> None:
    with proxy_before("127.0.0.1:1", refusal=True) as (proxy, _):
        environment = {"HTTPS_PROXY": f"http://user:{PASSWORD}@{proxy}"}
        with (
            OwnClient(Repository.parse("registry.test/team/app"), environment, (), no_sleep) as client,
            pytest.raises(RegistryError, match=r"407 Basic \[secret\]"),
        ):
            client.resolve("v1")


def test_plain_http_is_forwarded_by_the_proxy() -> None:
    with proxy_before("127.0.0.1:1") as (proxy, asked):
        environment = {"HTTP_PROXY": f"http://user:{PASSWORD}@{proxy}"}
        repository = Repository.parse("registry.test:5000/team/app")
        with OwnClient(repository, environment, ["registry.test:5000"], no_sleep) as client:
            assert client.find_manifest("v1") is None
    assert asked == [("GET", "http://registry.test:5000/v2/team/app/manifests/v1", f"Basic {LOGIN}", None)]


def test_a_registry_on_this_machine_needs_no_proxy() -> None:
    nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://proxy.invalid:1")
    with Simulator({"GET manifests/v2": Answer(404)}) as registry, client_of(registry.address, nowhere) as client:
        assert client.find_manifest("v2") is None
