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
        """A token for `scope`, which is any number of scopes with spaces between; None for a refusal."""


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
    # What each token is for: `repository action`, and an empty text for no repository at all.
    _grants: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    def challenge(self, authorization: str | None, address: str, repository: str, *, push: bool) -> str | None:
        actions = ("pull", "push") if push else ("pull",)
        scheme, _, token = (authorization or "").partition(" ")
        granted = self._grants.get(token, frozenset()) if scheme == "Bearer" else frozenset()
        # The check of API support, outside of any repository, takes any token.
        needed = {f"{repository} {action}" for action in actions} if repository else {""}
        if needed <= granted:
            return None
        scope = f',scope="repository:{repository}:{",".join(actions)}"' if repository else ""
        return f'Bearer realm="http://{address}/token",service="{address}"{scope}'

    def token(self, authorization: str | None, parameters: Mapping[str, str]) -> str | None:
        known = _is_basic(authorization, self.username, self.password) or (
            self.identity_token is not None
            and parameters.get("grant_type") == "refresh_token"
            and parameters.get("refresh_token") == self.identity_token
        )
        grants = _grants_of(parameters.get("scope", ""))
        only_pull = all(grant.endswith(" pull") for grant in grants)
        if not known and not (self.anonymous_pull and authorization is None and only_pull):
            return None
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._grants[token] = grants | {""}
        return token

    def revoke_all(self) -> None:
        """Let every token that was given be expired."""
        self._grants.clear()


def _grants_of(scopes: str) -> frozenset[str]:
    """The `repository action` of scopes such as `repository:team/app:pull,push`."""
    parts = (scope.split(":") for scope in scopes.split())
    return frozenset(f"{part[1]} {action}" for part in parts if len(part) == 3 for action in part[2].split(","))


def _is_basic(authorization: str | None, username: str, password: str) -> bool:
    scheme, _, encoded = (authorization or "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme == "Basic" and secrets.compare_digest(given, f"{username}:{password}".encode())
