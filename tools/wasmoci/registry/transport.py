"""HTTP to registries: TLS, time and size limits, retries; no authorization and no redirects."""

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader, SSLError

from wasmoci.registry.connections import READ_SECONDS, Connections, failure
from wasmoci.registry.deadline import REQUEST_SECONDS, Deadline, interrupting, pause_seconds, seconds_asked, until
from wasmoci.registry.tls import TlsFiles
from wasmoci.registry.url import Origin, Url
from wasmoci.values.errors import LimitError, RegistryError, UsageError
from wasmoci.values.text import excerpt, without_password

USER_AGENT = "wasm-oci"

CONNECT_SECONDS = 10.0
MAX_REQUEST_SECONDS = 6 * 3600.0

MAX_ATTEMPTS = 4
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_TOO_MANY = 429
# With a time in Retry-After: the request was not served.
_NOT_SERVED = frozenset({_TOO_MANY, 503})

READ_BLOCK_SIZE = 256 * 1024
_DRAINED_SIZE = 64 * 1024
_MAX_FAILURE_CHARACTERS = 500


class NoAnswerError(RegistryError):
    """The connection broke before an answer came; the request may have been carried out."""


@dataclass(frozen=True, slots=True)
class Body:
    """A request body of `size` bytes; `open` gives its blocks anew for each attempt."""

    size: int
    open: Callable[[], Iterable[bytes]]

    @classmethod
    def of(cls, data: bytes) -> "Body":
        return cls(len(data), lambda: (data,))


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `seconds`, and those left `within` another deadline, bound all attempts and reading the answer.

    An `idempotent` one may be sent again, one that is `repeatable` where the answer says that it was not served.
    """

    method: str
    url: Url
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    idempotent: bool = False
    repeatable: bool = False
    seconds: float = REQUEST_SECONDS
    within: Deadline | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


class Response(contextlib.AbstractContextManager["Response"]):
    """The head of an answer, and its body to be read once. Close it, or use it in a `with`."""

    def __init__(
        self, raw: urllib3.BaseHTTPResponse, url: Url, deadline: Deadline, redact: Callable[[str], str]
    ) -> None:
        self._raw = raw
        self._deadline = deadline
        self._redact = redact
        self.url = url
        self.status = raw.status

    def header(self, name: str) -> str | None:
        """The header's value; of several lines, all joined by commas."""
        return self._raw.headers.get(name)

    def quote(self, name: str) -> str:
        """The header's value as errors show it: an excerpt, without secrets that were sent."""
        return repr(excerpt(self._redact(self.header(name) or "")))

    def next_url(self, location: str) -> Url:
        """Where a Location or Link goes on; raises RegistryError where that is no URL."""
        url = self.url.join(location)
        if url is None:
            shown = self._redact(without_password(location.partition("?")[0]))
            raise self.error(f"goes on at what is not an http or https URL: {excerpt(shown)!r}")
        return url.named_by_a_peer(self._redact)

    def error(self, problem: str) -> RegistryError:
        """What is wrong with the answer."""
        return RegistryError(f"{self.url}: {problem}", self.status)

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, empty where there is none."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    def blocks(self) -> Iterator[bytes]:
        """The body as it comes; raises RegistryError where it ends early, stalls or is encoded."""
        encoding = self.header("Content-Encoding") or "identity"
        if encoding.lower() != "identity":
            raise self.error(f"Content-Encoding {self.quote('Content-Encoding')} was not asked for")
        with interrupting(self._raw.shutdown, self._deadline.remaining):
            while block := self._read_block():
                yield block

    def read(self, limit: int, what: str) -> bytes:
        """The whole body; raise LimitError when it has more than `limit` bytes."""
        data = bytearray()
        for block in self.blocks():
            data += block
            if len(data) > limit:
                raise LimitError(f"{what} from {self.url} is larger than the limit of {limit} bytes")
        return bytes(data)

    def close(self) -> None:
        """Give the connection back if next to nothing is left to read, else close it."""
        left = self._raw.length_remaining
        if left is not None and left <= _DRAINED_SIZE:
            with contextlib.suppress(OSError), interrupting(self._raw.shutdown, self._deadline.remaining):
                self._raw.drain_conn()
        self._raw.close()

    def _read_block(self) -> bytes:
        try:
            block = self._raw.read1(READ_BLOCK_SIZE, decode_content=False)
        except (HTTPError, OSError) as error:
            self._deadline.check()
            raise self.error(f"the answer broke off: {excerpt(self._redact(str(error)))}") from None
        # An interrupted read looks like the end of the body.
        self._deadline.check()
        return block

    def __exit__(self, *_: object) -> None:
        self.close()


class Transport:
    """A pool of connections, safe to share between threads.

    `insecure_registries` are the `host[:port]` that are spoken to in plain HTTP; every other is HTTPS.
    Of `environment`, SSL_CERT_FILE and REQUESTS_CA_BUNDLE name a CA bundle that replaces the system's, and
    HTTPS_PROXY, HTTP_PROXY and NO_PROXY say what goes through a proxy. The client certificate of `tls` is
    shown to `registry` only.
    """

    def __init__(
        self,
        insecure_registries: Collection[str] = (),
        environment: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        *,
        tls: TlsFiles | None = None,
        registry: str | None = None,
        busy: Callable[[], object] = lambda: None,
    ) -> None:
        """`busy` is called for each answer that there are too many requests (429)."""
        self._insecure = frozenset(_origin("http", insecure) for insecure in insecure_registries)
        self._sleep = sleep
        self._busy = busy
        own = None if registry is None else self.origin_of(registry)
        self._connections = Connections(environment or {}, tls or TlsFiles(), own)
        self.hide, self.redact, self.close = self._connections.hide, self._connections.redact, self._connections.close

    def origin_of(self, registry: str) -> Origin:
        """Where `host[:port]` is reached."""
        insecure = _origin("http", registry)
        return insecure if insecure in self._insecure else _origin("https", registry)

    def send(self, request: Request) -> Response:
        """Send a request and return the answer, whatever its status; redirects are answers too.

        An idempotent request is sent again after a broken connection and a status of RETRIED_STATUSES, a repeatable
        one after 429 and 503 with a time in Retry-After.
        Raises NoAnswerError where there is no answer, RegistryError where none is worth asking for.
        """
        origin = request.url.origin
        if origin.scheme == "http" and origin not in self._insecure:
            raise RegistryError(
                f"{request.url}: plain HTTP is refused, as {origin.netloc} is not among the insecure registries"
            )
        deadline = Deadline(min(request.seconds, MAX_REQUEST_SECONDS), str(request), request.within)
        deadline.check()
        for attempt in range(MAX_ATTEMPTS):
            is_last = attempt == MAX_ATTEMPTS - 1
            try:
                response = self._send_once(request, deadline)
            except NoAnswerError:
                deadline.check()
                if is_last or not request.idempotent:
                    raise
                pause = pause_seconds(attempt, None)
            else:
                if response.status == _TOO_MANY:
                    self._busy()
                if is_last or not _may_repeat(request, response):
                    return response
                pause = pause_seconds(attempt, response.header("Retry-After"))
                response.close()
            self._sleep(min(pause, deadline.remaining))
            deadline.check()
        raise AssertionError("the last attempt returns or raises")

    def _send_once(self, request: Request, deadline: Deadline) -> Response:
        body = request.body
        headers = {"User-Agent": USER_AGENT, **request.headers}
        if body is not None:
            headers["Content-Length"] = str(body.size)
        try:
            raw = self._connections.open(
                request.method,
                request.url,
                headers,
                None if body is None else until(deadline, body.open()),
                urllib3.Timeout(
                    connect=min(CONNECT_SECONDS, deadline.remaining), read=min(READ_SECONDS, deadline.remaining)
                ),
            )
        except (HTTPError, OSError) as error:
            kind = RegistryError if isinstance(error, (SSLError, InvalidHeader)) else NoAnswerError
            said = self.redact(failure(error, request.url.origin, self._insecure))
            raise kind(f"{request}: {excerpt(said, _MAX_FAILURE_CHARACTERS)}") from None
        return Response(raw, request.url, deadline, self.redact)


def _may_repeat(request: Request, response: Response) -> bool:
    not_served = response.status in _NOT_SERVED and seconds_asked(response.header("Retry-After")) is not None
    return response.status in RETRIED_STATUSES if request.idempotent else request.repeatable and not_served


def _origin(scheme: str, registry: str) -> Origin:
    with contextlib.suppress(RegistryError):
        url = Url.parse(f"{scheme}://{registry}/")
        if url.target == "/":
            return url.origin
    raise UsageError(f"a registry is host[:port], got: {excerpt(registry)!r}")
