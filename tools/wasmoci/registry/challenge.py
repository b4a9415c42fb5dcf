"""`WWW-Authenticate` challenges (RFC 9110, section 11.6.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wasmoci.values.errors import RegistryError
from wasmoci.values.text import excerpt

MAX_CHALLENGE_CHARACTERS = 8192

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SEPARATOR = re.compile(r"[ \t]*(?:,[ \t]*)*")
_PARAMETER = re.compile(rf'({_NAME})[ \t]*=[ \t]*(?:({_NAME})|"((?:[^"\\]|\\.)*)")[ \t]*(?=,|$)')
_SCHEME = re.compile(rf"({_NAME})(?:[ \t]+|(?=,|$))")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge; the scheme and the parameters' names are in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """Read all challenges of a header; raise RegistryError for one that is not well-formed."""
    if len(header) > MAX_CHALLENGE_CHARACTERS:
        raise RegistryError(
            f"the registry's WWW-Authenticate header has {len(header)} characters, "
            f"the limit is {MAX_CHALLENGE_CHARACTERS}"
        )
    challenges: list[tuple[str, dict[str, str]]] = []
    position = _skip(_SEPARATOR, header, 0)
    while position < len(header):
        if challenges and (parameter := _PARAMETER.match(header, position)):
            _add(challenges[-1][1], parameter, header)
            position = parameter.end()
        elif scheme := _SCHEME.match(header, position):
            challenges.append((scheme[1].lower(), {}))
            position = scheme.end()
            if not _PARAMETER.match(header, position):
                position = _skip(_TOKEN68, header, position)
        else:
            raise _malformed(header)
        position = _skip(_SEPARATOR, header, position)
    return [Challenge(scheme, parameters) for scheme, parameters in challenges]


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _add(parameters: dict[str, str], match: re.Match[str], header: str) -> None:
    name = match[1].lower()
    if name in parameters:
        raise _malformed(header)
    parameters[name] = match[2] if match[2] is not None else re.sub(r"\\(.)", r"\1", match[3])


def _malformed(header: str) -> RegistryError:
    return RegistryError(f"the registry's WWW-Authenticate header is malformed: {excerpt(header)!r}")
