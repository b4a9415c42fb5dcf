"""Authorization at a registry: Basic (RFC 7617) and the token flow of the distribution project.

https://distribution.github.io/distribution/spec/auth/token/ and .../oauth/
"""

import base64
import threading
from collections import deque
from collections.abc import Callable, Mapping
from copy import copy
from enum import Enum
from functools import cache
from urllib.parse import urlencode

from wasmoci.registry.challenges import challenges_of, check_realm, may_ask
from wasmoci.registry.credential_helper import Credential, CredentialKind, check_token
from wasmoci.registry.deadline import Deadline
from wasmoci.registry.transport import Body, Request, Response, Transport
from wasmoci.registry.url import Origin, Url
from wasmoci.values.errors import RegistryError, not_of_the_image
from wasmoci.values.image_reference import Repository
from wasmoci.values.strict_json import parse_object
from wasmoci.values.text import excerpt, without_password

MAX_TOKEN_RESPONSE = 256 * 1024
CLIENT_ID = "wasm-oci"

# The scopes that were asked for last, why there is no token, and the limit of a client that may be all that ended.
Failure = tuple[list[str], RegistryError, Deadline | None]
_OK, _UNAUTHORIZED, _FORBIDDEN = 200, 401, 403
_MAY_BE_AT_FAULT = "may not do this, or has expired (Amazon ECR's do after 12 hours)"


class Access(str, Enum):
    """What a token is asked for."""

    PULL = "pull"
    PUSH = "pull,push"
    DELETE = "pull,push,delete"


class Authorizer:
    """The Authorization header for one repository; safe to share between threads.

    `find_credential` is called at most once, when the registry first asks. Secrets go to the registry
    itself, and to a token service that `check_realm` accepts.
    """

    def __init__(
        self,
        repository: Repository,
        origin: Origin,
        transport: Transport,
        find_credential: Callable[[], Credential | None],
    ) -> None:
        self._repository = repository
        self._origin = origin
        self._transport = transport
        self._limit: Deadline | None = None
        self._find_credential = cache(find_credential)
        self._was_asked = False
        # What the copies for other clients have, too.
        self._headers: dict[Access, str] = {}
        self._mount_sources: set[str] = set()
        self._failures: deque[Failure] = deque(maxlen=1)
        self._lock = threading.RLock()

    def within(self, limit: Deadline | None) -> "Authorizer":
        """One for another client of the same repository, of which `limit` is for all requests: they share tokens."""
        other = copy(self)
        other._limit = limit
        return other

    @property
    def failure(self) -> Failure | None:
        """The last."""
        return self._failures[0] if self._failures else None

    def header(self, access: Access) -> str | None:
        """The header that the registry took before, or will take; None where it has not asked yet."""
        return self._headers.get(access) or (None if access is Access.DELETE else self._headers.get(Access.PUSH))

    def will_mount_from(self, path: str) -> None:
        """From now on a token to push is one to read the repository `path` of the same registry, too."""
        with self._lock:
            if path not in self._mount_sources:
                self._mount_sources.add(path)
                if (self._headers.get(Access.PUSH) or "").startswith("Bearer "):
                    del self._headers[Access.PUSH]

    def will_not_mount_from(self, path: str) -> None:
        """Take `will_mount_from` back."""
        with self._lock:
            self._mount_sources.discard(path)

    def answer(self, refusal: Response, access: Access, used: str | None = None, known: Failure | None = None) -> str:
        """Answer a 401 to a request that was sent with the header `used`, when `known` was the last failure.

        Of many that are refused at once one asks for a token; what it gets, or why none, holds for all. Returns the
        header to try once more with; raises RegistryError (status 401) where there is none.
        """
        self._was_asked = True
        challenges = challenges_of(refusal)
        with self._lock:
            if (header := self.header(access)) not in (None, used):
                return header
            if "bearer" in challenges:
                header = self._headers[access] = self._asked_for(challenges["bearer"], access, known)
            elif "basic" in challenges:
                header = self._basic()
                self._headers.update(dict.fromkeys(Access, header))
            else:
                raise _refused(f"{refusal.url}: refused, and neither Bearer nor Basic is offered")
        return header

    def answer_again(self, refusal: Response, access: Access, used: str | None, known: Failure | None) -> str | None:
        """As `answer`, where a token of our own scope was refused: one of the scope that the challenge names.

        A gateway may know the repository by another path. None for a scope that is not of one repository, or
        has other actions than `access` needs, or may delete.
        """
        parameters = challenges_of(refusal).get("bearer", {})
        scope = parameters.get("scope", "")
        with self._lock:
            if (header := self.header(access)) not in (None, used):
                return header
            credential = self._credential_of_registry()
            has_token = credential is not None and credential.kind is CredentialKind.BEARER
            if (
                has_token
                or scope in self._scopes(access)
                or not may_ask(scope, self._repository.registry, access.value)
            ):
                return None
            header = self._headers[access] = self._asked_once(parameters, [scope], known)
        return header

    def blamed(self, status: int) -> str:
        """What may be at fault where the registry answers so: the credential that it got, or that there is none."""
        if status not in (_UNAUTHORIZED, _FORBIDDEN) or not (self._was_asked or self._headers):
            return ""
        credential = self._credential_of_registry()
        if credential is None:
            return f"; neither the environment nor the Docker config has a credential: {self._way_in}"
        fault = "is wrong or has expired" if status == _UNAUTHORIZED else _MAY_BE_AT_FAULT
        return f"; it got {credential}, which {fault}: {self._way_in}"

    @property
    def _way_in(self) -> str:
        return f"log in with `wasm-oci login {self._repository.registry}`"

    def _scopes(self, access: Access) -> list[str]:
        # Without a repository, whose path is then empty, a token is asked for that opens nothing: to log in.
        scopes = [f"repository:{self._repository.path}:{access.value}"] if self._repository.path else []
        if access is Access.PUSH:
            scopes += [f"repository:{path}:{Access.PULL.value}" for path in sorted(self._mount_sources)]
        return scopes

    def _credential_of_registry(self) -> Credential | None:
        credential = self._find_credential()
        if credential is not None:
            self._transport.hide(credential.secret)
        return credential

    def _basic(self) -> str:
        credential = self._credential_of_registry()
        if credential is None or credential.kind is not CredentialKind.LOGIN:
            raise _refused(
                f"{self._repository.registry} wants a user name and a password, and neither the environment nor the "
                f"Docker config has them for it: {self._way_in}"
            )
        return self._basic_header(credential)

    def _basic_header(self, credential: Credential) -> str:
        encoded = base64.b64encode(f"{credential.username}:{credential.secret}".encode()).decode()
        self._transport.hide(encoded)
        return f"Basic {encoded}"

    def _bearer(self, parameters: Mapping[str, str], scopes: list[str]) -> str:
        credential = self._credential_of_registry()
        if credential is not None and credential.kind is CredentialKind.BEARER:
            check_token(credential.secret, "the registry token")
            return f"Bearer {credential.secret}"
        return f"Bearer {self._fetch_token(parameters, scopes, credential)}"

    def _asked_for(self, parameters: Mapping[str, str], access: Access, known: Failure | None) -> str:
        """Where a token that mounts, too, is refused, one that does not: others only push."""
        try:
            return self._asked_once(parameters, self._scopes(access), known)
        except RegistryError as error:
            if access is not Access.PUSH or not self._mount_sources or error.status != _UNAUTHORIZED:
                raise
            self._mount_sources.clear()
        return self._asked_once(parameters, self._scopes(access), known)

    def _asked_once(self, parameters: Mapping[str, str], scopes: list[str], known: Failure | None) -> str:
        """As `_bearer`, but what failed since `known` was what failed last fails again without asking."""
        failure = self.failure
        is_new = failure is not None and failure is not known
        if failure is not None and is_new and failure[0] == scopes and failure[2] in (None, self._limit):
            raise failure[1]
        try:
            return self._bearer(parameters, scopes)
        except RegistryError as error:
            self._failures.append((scopes, error, self._limit if error.status is None else None))
            raise

    def _fetch_token(self, parameters: Mapping[str, str], scopes: list[str], credential: Credential | None) -> str:
        realm = self._realm(parameters.get("realm", ""))
        check_realm(realm, self._origin, self._repository.registry, has_credential=credential is not None)
        with self._ask(realm, scopes, parameters.get("service"), credential) as response:
            if response.status != _OK:
                raise _refused(f"the token service {realm} answered {response.status}{self.blamed(response.status)}")
            where = f"the answer of the token service {realm}"
            with not_of_the_image(response.status):
                answer = parse_object(response.read(MAX_TOKEN_RESPONSE, where), where, MAX_TOKEN_RESPONSE)
                token = answer.optional_string("token") or answer.string("access_token")
        check_token(token, f"{where}: the token")
        self._transport.hide(token)
        return token

    def _realm(self, text: str) -> Url:
        url = Url.read(text)
        if url is None:
            shown = self._transport.redact(without_password(text.partition("?")[0]))
            raise _refused(f"the realm of the token service is not an http or https URL: {excerpt(shown)!r}")
        return url.named_by_a_peer(self._transport.redact)

    def _ask(self, realm: Url, scopes: list[str], service: str | None, credential: Credential | None) -> Response:
        services = {} if service is None else {"service": service}
        if credential is not None and credential.kind is CredentialKind.REFRESH:
            form = {
                "grant_type": "refresh_token",
                "client_id": CLIENT_ID,
                "refresh_token": credential.secret,
                "scope": " ".join(scopes),
                **services,
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return self._transport.send(
                Request("POST", realm, headers, Body.of(urlencode(form).encode()), repeatable=True, within=self._limit)
            )
        headers = {} if credential is None else {"Authorization": self._basic_header(credential)}
        query = [*(("scope", scope) for scope in scopes), *services.items()]
        request = Request("GET", realm.with_query(query), headers, idempotent=True, within=self._limit)
        return self._transport.send(request)


def _refused(problem: str) -> RegistryError:
    return RegistryError(problem, _UNAUTHORIZED)
