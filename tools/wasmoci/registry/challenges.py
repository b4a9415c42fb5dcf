"""The challenges of a WWW-Authenticate header (RFC 9110, section 11.6.1), and which token services they may name."""

import re

from wasmoci.registry.transport import Response
from wasmoci.registry.url import Origin, Url
from wasmoci.values.errors import RegistryError, UsageError
from wasmoci.values.image_reference import Repository

MAX_CHALLENGE_CHARACTERS = 8192

_UNAUTHORIZED = 401

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SEPARATOR = re.compile(r"[ \t]*(?:,[ \t]*)*")
# Some registries leave the comma before the next parameter out.
_PARAMETER = re.compile(
    rf'({_NAME})[ \t]*=[ \t]*(?:({_NAME})|"((?:[^"\\]|\\.)*)")(?:[ \t]*(?=,|$)|[ \t]+(?={_NAME}[ \t]*=))'
)
_SCHEME = re.compile(rf"({_NAME})(?:[ \t]+|(?=,|$))")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)")


def challenges_of(refusal: Response) -> dict[str, dict[str, str]]:
    """The parameters of each scheme that a 401 asks for; raises RegistryError."""
    try:
        return dict(parse_challenges(refusal.header("WWW-Authenticate") or ""))
    except RegistryError as error:
        raise RegistryError(f"{error}: {refusal.quote('WWW-Authenticate')}", refusal.status) from None


def parse_challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    """Schemes with their parameters.

    Schemes and names of parameters are in lower case. Raises RegistryError for a header that is not well-formed.
    """
    if len(header) > MAX_CHALLENGE_CHARACTERS:
        raise RegistryError(
            f"the registry's WWW-Authenticate header has {len(header)} characters, "
            f"the limit is {MAX_CHALLENGE_CHARACTERS}"
        )
    challenges: list[tuple[str, dict[str, str]]] = []
    position = _skip(_SEPARATOR, header, 0)
    while position < len(header):
        if challenges and (parameter := _PARAMETER.match(header, position)):
            _add(challenges[-1][1], parameter)
            position = parameter.end()
        elif scheme := _SCHEME.match(header, position):
            challenges.append((scheme[1].lower(), {}))
            position = scheme.end()
            if not _PARAMETER.match(header, position):
                position = _skip(_TOKEN68, header, position)
        else:
            raise _malformed()
        position = _skip(_SEPARATOR, header, position)
    return challenges


def check_realm(realm: Url, origin: Origin, registry: str, *, has_credential: bool) -> None:
    """Refuse a token service that the registry, which is at `origin`, has no business to name.

    A registry that is malicious or impersonated could otherwise collect credentials that are not
    its own, or have this machine call services inside its network (the class of CVE-2020-15157,
    CVE-2026-48978). Transport refuses plain HTTP.
    """
    if realm.origin.host == origin.host:
        return
    if realm.origin.is_address:
        problem = f"{registry} names the token service {realm}, an address that is not its own"
        raise RegistryError(problem, _UNAUTHORIZED)
    if has_credential and not realm.origin.shares_domain_with(origin):
        raise RegistryError(
            f"the credentials for {registry} are not sent to the token service {realm}, as it is under another domain",
            _UNAUTHORIZED,
        )


def may_ask(scope: str, registry: str, actions: str) -> bool:
    """Whether a scope is of one repository, with none but these actions and without deleting."""
    kind, _, rest = scope.partition(":")
    path, _, named = rest.partition(":")
    try:
        Repository.parse(f"{registry}/{path}")
    except UsageError:
        return False
    return kind == "repository" and set(named.split(",")) <= set(actions.split(",")) - {"delete"}


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _add(parameters: dict[str, str], match: re.Match[str]) -> None:
    name = match[1].lower()
    if name in parameters:
        raise _malformed()
    parameters[name] = match[2] if match[2] is not None else re.sub(r"\\(.)", r"\1", match[3])


def _malformed() -> RegistryError:
    return RegistryError("the registry's WWW-Authenticate header is malformed")
