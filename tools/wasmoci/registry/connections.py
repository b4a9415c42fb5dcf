"""Connections to registries: pools by origin, through proxies, with bounded waiting."""

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError, ProxyError, TimeoutError  # noqa: A004

from wasmoci.registry.deadline import interrupting
from wasmoci.registry.proxy import Proxy, proxy_for
from wasmoci.registry.tls import TlsFiles, bundle_of, identified, trusting
from wasmoci.registry.url import Origin, Url
from wasmoci.values.text import without_secrets

# Connections to one origin that are kept: more than a run that publishes many images has at the same time.
MAX_CONNECTIONS = 96

READ_SECONDS = 60.0

# It would log whole URLs, whose queries are secrets.
logging.getLogger("urllib3.connectionpool").setLevel(logging.WARNING)

# From a connected socket to the end of its TLS handshake, through a proxy too.
HANDSHAKE_SECONDS = 30.0

# What OpenSSL says of an answer that is no TLS record, and its codes for a certificate of an authority that is unknown.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})
_UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})


class Connections:
    """Safe to share between threads. The client certificate of `tls` is shown to the origin `own` only."""

    def __init__(self, environment: Mapping[str, str], tls: TlsFiles, own: Origin | None) -> None:
        """Raises UsageError for files that cannot be used."""
        self._environment = environment
        self._tls = tls
        self._own = own
        # Reading the system's certificates takes long, and plain HTTP needs none.
        self._others = trusting(tls, environment) if bundle_of(tls, environment) else None
        self._identified = identified(tls, environment) if tls.certificate or tls.key else None
        self._managers: dict[tuple[Proxy | None, str, bool], urllib3.PoolManager] = {}
        self._secrets: set[str] = set()
        self._lock = threading.Lock()

    def open(
        self, method: str, url: Url, headers: Mapping[str, str], body: Iterable[bytes] | None, timeout: urllib3.Timeout
    ) -> urllib3.BaseHTTPResponse:
        """Send one request, once; raises what urllib3 raises, UsageError for proxy variables that name none."""
        origin = url.origin
        proxy = proxy_for(origin, self._environment)
        manager = self._manager(proxy, origin.scheme, is_own=origin == self._own)
        pool = manager.connection_from_host(origin.host, origin.port, origin.scheme)
        forwarded = proxy is not None and origin.scheme == "http"
        return pool.urlopen(
            method,
            f"{origin}{url.target}" if forwarded else url.target,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            assert_same_host=not forwarded,
            preload_content=False,
            decode_content=False,
            timeout=timeout,
        )

    def hide(self, secret: str) -> None:
        """Keep a secret that is sent out of what `redact` returns."""
        self._secrets.add(secret)

    def redact(self, text: str) -> str:
        """`text` without secrets, and passwords of proxies; for what a peer says."""
        return without_secrets(text, tuple(self._secrets))

    def close(self) -> None:
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    def _manager(self, proxy: Proxy | None, scheme: str, *, is_own: bool) -> urllib3.PoolManager:
        key = (proxy, scheme, is_own)
        with self._lock:
            if key not in self._managers:
                self._managers[key] = _new_manager(proxy, None if scheme == "http" else self._context(is_own=is_own))
                self._secrets.update(proxy.secrets if proxy else ())
            return self._managers[key]

    def _context(self, *, is_own: bool) -> ssl.SSLContext:
        if is_own and self._identified is not None:
            return self._identified
        if self._others is None:
            self._others = trusting(self._tls, self._environment)
        return self._others


def failure(error: Exception, origin: Origin, insecure: Iterable[Origin]) -> str:
    """Why there is no answer from `origin`, and what its user can do; `insecure` are all that may be plain HTTP."""
    if isinstance(error, ProxyError):
        return f"the proxy that the environment names: {_reason(error.original_error)}"
    reason = _reason(error)
    if any(getattr(cause, "reason", None) in _NO_TLS for cause in _causes(error)):
        meant = next((other for other in insecure if other.host == origin.host), None)
        named = "" if meant is None else f", not {meant.netloc} (port {meant.port})"
        return (
            f"{origin.netloc} does not speak TLS: if it is a registry in plain HTTP, "
            f"allow that with --insecure-registry {origin.netloc}{named}"
        )
    untrusted = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if untrusted is not None:
        way_out = ": name the CA certificates for it with --registry-cacert FILE"
        return (
            f"the certificate of {origin.netloc} is not trusted (certificate verify failed: "
            f"{untrusted.verify_message}){way_out if untrusted.verify_code in _UNKNOWN_AUTHORITY else ''}"
        )
    if isinstance(error, NameResolutionError):
        return f"the host {origin.host} has no address ({reason}): is it spelled right?"
    if isinstance(error, NewConnectionError):
        return f"cannot connect to {origin.netloc} ({reason}): does the registry run, and is the port right?"
    return f"{origin.netloc} gave no answer in time" if isinstance(error, TimeoutError) else reason


def _reason(error: BaseException) -> str:
    """The innermost cause: what urllib3 puts around it names its own objects."""
    *_, cause = _causes(error)
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, as urllib3 says that: by `raise … from`, or as its last argument."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        inner = [argument for argument in cause.args if isinstance(argument, Exception)]
        cause = inner[-1] if inner else cause.__cause__


def _new_manager(proxy: Proxy | None, context: ssl.SSLContext | None) -> urllib3.PoolManager:
    if proxy is None:
        manager = urllib3.PoolManager(ssl_context=context, maxsize=MAX_CONNECTIONS)
    else:
        url = f"http://{proxy.origin.host}:{proxy.origin.port}"
        headers = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
        manager = urllib3.ProxyManager(url, proxy_headers=headers, ssl_context=context, maxsize=MAX_CONNECTIONS)
    manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return manager


class _Bounded:
    """Bounds the time of a handshake and of an answer's head, and lets each block sent wait as long as one received.

    Mixed into urllib3's connections, whose timeouts are those of single socket operations.
    """

    sock: Any
    timeout: Any
    _connecting: socket.socket | None = None

    def connect(self) -> None:
        try:
            with interrupting(self._cut, HANDSHAKE_SECONDS):
                super().connect()  # type: ignore[misc]
        finally:
            if self._connecting is not None:
                self._connecting.close()
                self._connecting = None
        self.sock.settimeout(READ_SECONDS)

    def getresponse(self) -> Any:
        sock = self.sock
        with interrupting(lambda: sock.shutdown(2), self.timeout):
            return super().getresponse()  # type: ignore[misc]

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        # TLS takes the socket itself over before the handshake; a second handle still reaches the connection.
        self._connecting = sock.dup()
        return sock

    def _cut(self) -> None:
        connecting = self._connecting
        if connecting is not None:
            with contextlib.suppress(OSError):
                connecting.shutdown(socket.SHUT_RDWR)


class _HttpConnection(_Bounded, HTTPConnection):
    pass


class _HttpsConnection(_Bounded, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection
