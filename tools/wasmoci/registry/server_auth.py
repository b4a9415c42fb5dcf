"""What the embedded registry asks of its clients: nothing, a password, or a token of its own token service."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

_TOKEN_BYTES = 24


class ServerAuth(Protocol):
    """One way to ask for credentials."""

    def challenge(self, authorization: str | None, address: str, repository: str, *, push: bool) -> str | None:
        """The WWW-Authenticate header of a refusal; None where `authorization` suffices."""

    def token(self, authorization: str | None, parameters: Mapping[str, str]) -> str | None:
        """A token for `scope`; None where the token service refuses."""


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """Asks for a user name and a password, for reading too."""

    username: str
    password: str = field(repr=False)

    def challenge(
        self,
        authorization: str | None,
        address: str,
        repository: str,  # noqa: ARG002
        *,
        push: bool,  # noqa: ARG002
    ) -> str | None:
        accepted = _is_basic(authorization, self.username, self.password)
        return None if accepted else f'Basic realm="{address}"'

    def token(self, authorization: str | None, parameters: Mapping[str, str]) -> str | None:  # noqa: ARG002
        return None


@dataclass(slots=True)
class BearerAuth:
    """Asks for a token, which its token service at `/token` gives for the password or for the identity token.

    Where `anonymous_pull`, a token to read needs neither.
    """

    username: str
    password: str = field(repr=False)
    identity_token: str | None = field(default=None, repr=False)
    anonymous_pull: bool = False
    _scopes: dict[str, str] = field(default_factory=dict, repr=False)

    def challenge(self, authorization: str | None, address: str, repository: str, *, push: bool) -> str | None:
        needed = f"repository:{repository}:{'pull,push' if push else 'pull'}"
        scheme, _, token = (authorization or "").partition(" ")
        granted = self._scopes.get(token, "") if scheme == "Bearer" else ""
        # The check of API support, outside of any repository, takes any token.
        if granted and (not repository or granted in (needed, f"repository:{repository}:pull,push")):
            return None
        scope = f',scope="{needed}"' if repository else ""
        return f'Bearer realm="http://{address}/token",service="{address}"{scope}'

    def token(self, authorization: str | None, parameters: Mapping[str, str]) -> str | None:
        scope = parameters.get("scope", "")
        known = _is_basic(authorization, self.username, self.password) or (
            self.identity_token is not None
            and parameters.get("grant_type") == "refresh_token"
            and parameters.get("refresh_token") == self.identity_token
        )
        if not known and not (self.anonymous_pull and authorization is None and scope.endswith(":pull")):
            return None
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        # Clients may ask for `push,pull`, and for nothing when they only check the password.
        self._scopes[token] = scope.replace("push,pull", "pull,push") or "none"
        return token

    def revoke_all(self) -> None:
        """Let every token that was given be expired."""
        self._scopes.clear()


def _is_basic(authorization: str | None, username: str, password: str) -> bool:
    scheme, _, encoded = (authorization or "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme == "Basic" and secrets.compare_digest(given, f"{username}:{password}".encode())
