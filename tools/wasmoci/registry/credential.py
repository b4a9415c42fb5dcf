"""What a registry is given by which it knows its user."""

from dataclasses import dataclass, field
from enum import Enum


class CredentialKind(str, Enum):
    """What the secret of a credential is."""

    # A password, with its user name; for the registry (Basic), or for its token service.
    LOGIN = "login"
    # An OAuth2 refresh token (Docker: identity token), for the token service only.
    REFRESH = "refresh"
    # A bearer token (Docker: registry token), for the registry itself.
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Credential:
    """A password with its user name, or a token without."""

    username: str
    secret: str = field(repr=False)
    kind: CredentialKind = CredentialKind.LOGIN
