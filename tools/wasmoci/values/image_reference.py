"""Image references: `registry/repository[:tag][@digest]`.

Grammar: OCI distribution-spec 1.1. The registry is always spelled out; nothing is inferred.
"""

import re
from dataclasses import dataclass, replace

from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, UsageError
from wasmoci.values.host import is_host, is_loopback, registry_key
from wasmoci.values.text import excerpt, without_password

_REGISTRY = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[1-9][0-9]{0,4})?")
_PATH_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PATH_PART}(?:/{_PATH_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")

MAX_REPOSITORY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository of one registry. Make one with `parse`."""

    registry: str
    path: str

    @classmethod
    def parse(cls, text: str) -> "Repository":
        """Read `host[:port]/path`; raise UsageError for anything else."""
        check_no_password(text)
        _check_no_scheme(text)
        registry, slash, path = text.partition("/")
        if not slash or not _is_registry(registry):
            raise UsageError(
                f"a repository is host[:port]/path with the registry's host spelled out, got: {excerpt(text)!r}"
            )
        if ":" in path or "@" in path:
            raise UsageError(f"a repository is host[:port]/path without a tag or digest, got: {excerpt(text)!r}")
        if not _REPOSITORY.fullmatch(path) or len(path) > MAX_REPOSITORY_LENGTH:
            raise UsageError(
                f"a repository path is lower-case words joined by / . _ or -, "
                f"at most {MAX_REPOSITORY_LENGTH} characters, got: {excerpt(path)!r}"
            )
        return cls(registry, path)

    @property
    def is_loopback(self) -> bool:
        """Whether the registry's host is `localhost` or a loopback address literal."""
        return is_loopback(re.sub(r":[0-9]+$", "", self.registry))

    def is_same(self, other: "Repository") -> bool:
        """Whether both are one repository, however its registry is spelled."""
        return (registry_key(self.registry), self.path) == (registry_key(other.registry), other.path)

    def on(self, registry: str) -> "Repository":
        """The same path on another registry; raises UsageError unless that is `host[:port]`."""
        return Repository.parse(f"{registry}/{self.path}")

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A manifest in a repository, by tag, by digest, or by both. Make one with `parse`."""

    repository: Repository
    tag: str | None
    digest: Digest | None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read `host[:port]/path[:tag][@sha256:…]`; raise UsageError for anything else.

        Neither a tag nor a digest is an error: `latest` is never assumed.
        """
        check_no_password(text)
        name, at, digest_text = text.rpartition("@") if "@" in text else (text, "", "")
        try:
            digest = Digest.parse(digest_text) if at else None
        except FormatError as error:
            raise UsageError(str(error)) from None
        repository, tag = _split_tag(name)
        if tag is None and digest is None:
            raise UsageError(f"a reference needs a tag or a digest, got: {excerpt(text)!r}")
        return cls(Repository.parse(repository), tag, digest)

    def with_digest(self, digest: Digest) -> "Reference":
        return replace(self, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


def parse_destination(text: str) -> tuple[Repository, str | None]:
    """Read `host[:port]/path[:tag]`: where something goes that has its digest already; raise UsageError."""
    check_no_password(text)
    if "@" in text:
        raise UsageError(f"a destination is host[:port]/path[:tag] and has no digest, got: {excerpt(text)!r}")
    repository, tag = _split_tag(text)
    return Repository.parse(repository), tag


def check_registry(text: str) -> str:
    """Return `text`; raise UsageError unless it is `host[:port]`, with the host spelled out."""
    check_no_password(text)
    if not _is_registry(text):
        raise UsageError(f"a registry is host[:port], such as ghcr.io or localhost:5000, got: {excerpt(text)!r}")
    return text


def check_no_password(text: str) -> None:
    """Raise UsageError where what should be a reference or registry begins with a user and a password."""
    shown = without_password(text)
    if shown != text:
        raise UsageError(f"a reference has no user and no password, `wasm-oci login` takes these: {excerpt(shown)!r}")


def _is_registry(text: str) -> bool:
    explicit_host = "." in text or ":" in text or text == "localhost"
    match = _REGISTRY.fullmatch(text)
    return explicit_host and match is not None and is_host(match[1])


def _check_no_scheme(text: str) -> None:
    scheme, separator, _ = text.partition("://")
    if separator:
        raise UsageError(f"an image has no {excerpt(scheme)}:// in front of its host, got: {excerpt(text)!r}")


def _split_tag(text: str) -> tuple[str, str | None]:
    _check_no_scheme(text)
    head, slash, last = text.rpartition("/")
    last, colon, tag = last.partition(":")
    return f"{head}{slash}{last}", check_tag(tag) if colon else None


def is_tag(text: str) -> bool:
    """Whether it is an OCI tag."""
    return _TAG.fullmatch(text) is not None


def check_tag(tag: str) -> str:
    """Return `tag`; raise UsageError unless it is an OCI tag."""
    if not is_tag(tag):
        raise UsageError(
            f"a tag has 1 to 128 characters of A-Z a-z 0-9 _ . - and starts with none of . and -, got: {excerpt(tag)!r}"
        )
    return tag
