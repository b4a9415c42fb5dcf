"""The way to one registry, and requests to its repositories: authorized, with every unexpected answer an error."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial

from wasmoci.oci.manifest import Descriptor
from wasmoci.registry.auth import Access, Authorizer
from wasmoci.registry.credential_helper import Credential, ask_helper
from wasmoci.registry.credentials import find_credential
from wasmoci.registry.deadline import Deadline
from wasmoci.registry.tls import TlsFiles, files_of
from wasmoci.registry.transport import Request, Response, Transport
from wasmoci.registry.url import Url
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, NotFoundError, Reason, RegistryError, VerificationError
from wasmoci.values.host import DOCKER_HUB, registry_key
from wasmoci.values.image_reference import Repository
from wasmoci.values.lanes import Lane
from wasmoci.values.text import excerpt, without_secrets

MAX_REDIRECTS = 5
MAX_ERROR_RESPONSE = 64 * 1024

# Blobs that go to one registry at the same time, of all images; and beside them, other requests.
MAX_UPLOADS = MAX_LOOKS = 32

# A mount may cost a token, so that small blobs are sent faster.
MIN_MOUNTED_SIZE = 64 * 1024
MAX_KNOWN_BLOBS = 10_000

_OK, _UNAUTHORIZED, _NOT_FOUND = 200, 401, 404
REDIRECTS = frozenset({301, 302, 303, 307, 308})

# The names under which users know Docker Hub are not where its API is.
_DOCKER_HUB_API = "registry-1.docker.io"


class RegistryConnection:
    """Connections, TLS files, and the answers of credential helpers; safe to share between threads.

    A token is one repository's own, of all its clients. Which credential it is got with may depend on the repository
    (credentials.py), so files are read for each; a helper knows registries only and is asked once.
    """

    def __init__(
        self,
        registry: str,
        environment: Mapping[str, str],
        insecure_registries: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        *,
        tls: TlsFiles | None = None,
    ) -> None:
        """As those of Registries."""
        self.registry = registry
        self.sleep = sleep
        # Whether it is known to have a referrers API.
        self.lists_referrers = False
        self.uploads, self.looks = Lane(MAX_UPLOADS), Lane(MAX_LOOKS)
        self.environment = environment
        host = api_host(registry)
        tls = files_of(registry, environment, tls)
        self.transport = Transport(insecure_registries, environment, sleep, tls=tls, registry=host, busy=self._narrow)
        self.origin = self.transport.origin_of(host)
        self._homes: dict[Digest, str] = {}
        self._answers: dict[tuple[str, str], Credential | None] = {}
        self._authorizers: dict[Repository, Authorizer] = {}
        self._lock = threading.Lock()

    def home_of(self, blob: Descriptor) -> str | None:
        """The path of a repository that has the blob, if one is known, so that it can be mounted from there."""
        return self._homes.get(blob.digest)

    def is_in(self, blob: Descriptor, path: str) -> None:
        """The repository at `path` has the blob."""
        with self._lock:
            if blob.size >= MIN_MOUNTED_SIZE and len(self._homes) < MAX_KNOWN_BLOBS:
                self._homes.setdefault(blob.digest, path)

    def ask_helper(self, name: str, server: str, environment: Mapping[str, str]) -> Credential | None:
        """As the function of that name, but each helper once for each server."""
        with self._lock:
            if (name, server) not in self._answers:
                self._answers[name, server] = ask_helper(name, server, environment)
            return self._answers[name, server]

    def authorizer(self, repository: Repository, find: Callable[[], Credential | None] | None) -> Authorizer:
        """That of all clients of the repository; one by itself where `find` gives the credential."""
        if find is not None:
            return Authorizer(repository, self.origin, self.transport, find)
        with self._lock:
            if repository not in self._authorizers:
                find = partial(find_credential, repository, self.environment, self.ask_helper)
                self._authorizers[repository] = Authorizer(repository, self.origin, self.transport, find)
            return self._authorizers[repository]

    def _narrow(self) -> None:
        for lane in (self.uploads, self.looks):
            lane.narrow()


class Session:
    """Sends requests below `/v2/<repository>/`."""

    def __init__(
        self,
        connection: RegistryConnection,
        repository: Repository,
        limit: Deadline | None = None,
        find: Callable[[], Credential | None] | None = None,
    ) -> None:
        """`limit` is for all requests; `find` gives the credential, else one is looked for as credentials.py says.

        Raises ValueError for a repository of another registry, which must not get this one's credentials.
        """
        if repository.registry != connection.registry:
            raise ValueError(f"{repository} is not on {connection.registry}")
        self.repository = repository
        self.connection = connection
        self._origin = connection.origin
        self._limit = limit
        # Blobs that were sent, and that the registry then called by their digest.
        self.confirmed: set[Digest] = set()
        self.authorizer = connection.authorizer(repository, find).within(limit)

    def url(self, path: str) -> Url:
        """`path` is relative to the repository, such as `manifests/v1`."""
        return Url(self._origin, f"/v2/{self.repository.path}/{path}")

    def request(self, request: Request, expected: Collection[int], access: Access) -> Response:
        """Send, answer a 401, and a second one that names another scope; return an answer of an `expected` status.

        Authorization goes to the registry's own origin only. Raises RegistryError for any other status, NotFoundError
        for 404.
        """
        own = request.url.origin == self._origin
        authorization, failure = self.authorizer.header(access) if own else None, self.authorizer.failure
        for answer in (self.authorizer.answer, self.authorizer.answer_again, None):
            added = {"Authorization": authorization} if authorization else {}
            headers = {**request.headers, **added}
            response = self.connection.transport.send(replace(request, headers=headers, within=self._limit))
            if response.status in expected:
                return response
            with response:
                refused = own and response.status == _UNAUTHORIZED
                authorization = answer(response, access, authorization, failure) if refused and answer else None
                if authorization is None:
                    raise self._unexpected(request, response)
        raise AssertionError("the last answer is returned or raised")

    def get_following_redirects(self, url: Url, seconds: float) -> Response:
        """GET that follows redirects to the registry's storage, without Authorization on another origin.

        Raises RegistryError for a redirect from HTTPS to HTTP, to an address that is not the
        registry's own, and for more than MAX_REDIRECTS.
        """
        for _ in range(MAX_REDIRECTS + 1):
            request = Request("GET", url, seconds=seconds, idempotent=True)
            response = self.request(request, {_OK, *REDIRECTS}, Access.PULL)
            if response.status not in REDIRECTS:
                return response
            with response:
                url = self._redirect_target(response)
        raise RegistryError(f"{url}: more than {MAX_REDIRECTS} redirects", response.status)

    def own_location(self, response: Response, location: str) -> Url:
        """Where a Location or Link points, if that is on the registry itself; raise RegistryError otherwise."""
        url = response.next_url(location)
        if url.origin != self._origin:
            raise response.error(f"goes on at {url}, which is not on {self._origin}")
        return url

    def _redirect_target(self, response: Response) -> Url:
        location = response.header("Location")
        if location is None:
            raise response.error("a redirect without Location")
        target = response.next_url(location)
        if (response.url.origin.scheme, target.origin.scheme) == ("https", "http"):
            raise response.error(f"a redirect from HTTPS to plain HTTP ({target})")
        if target.origin.is_address and target.origin.host != self._origin.host:
            raise response.error(f"a redirect to an address that is not the registry's own ({target})")
        return target

    def _unexpected(self, request: Request, response: Response) -> RegistryError:
        # Without the body where that cannot be read: the status says more.
        said = ""
        with contextlib.suppress(Error):
            said = _what_it_said(response.read(MAX_ERROR_RESPONSE, "the error"))
        said = excerpt(without_secrets(self.connection.transport.redact(said), request.url.secrets))
        blamed = self.authorizer.blamed(response.status) if request.url.origin == self._origin else ""
        answered = f"{request}: answered {response.status}{': ' if said else ''}{said}{blamed}"
        kind = NotFoundError if response.status == _NOT_FOUND else RegistryError
        return kind(answered, response.status)


def check_said_digest(response: Response, actual: Digest) -> bool:
    """Return whether the registry names the digest; VerificationError (DIGEST_MISMATCH) where it names another one."""
    said = response.header("Docker-Content-Digest")
    if said not in (None, str(actual)):
        raise mismatch(
            f"{response.url}: Docker-Content-Digest is {response.quote('Docker-Content-Digest')}, "
            f"but the bytes have digest {actual}"
        )
    return said is not None


def mismatch(problem: str) -> VerificationError:
    """Other bytes than asked for, or than a descriptor says."""
    return VerificationError(Reason.DIGEST_MISMATCH, problem)


def api_host(registry: str) -> str:
    """The `host[:port]` at which the API of a registry is."""
    return _DOCKER_HUB_API if registry_key(registry) == DOCKER_HUB else registry


def _what_it_said(data: bytes) -> str:
    """The first error of an OCI error answer (distribution-spec, Error Codes), else the text as it is."""
    text = data.decode(errors="replace").strip()
    try:
        error = json.loads(text)["errors"][0]
        return f"{error['code']}: {error.get('message', '')}"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return text
