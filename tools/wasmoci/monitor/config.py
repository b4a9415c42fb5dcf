"""The monitor's configuration: what is looked at, by which policy, how often, and who is told.

    apiVersion: wasm-oci/v1
    policy: policy.yaml
    interval: 5m
    targets:
      greeting: {reference: registry.example.com/acme/greeting:v1.0.0}
      shop: {repository: registry.example.com/acme/shop, tags: "v*"}

docs/monitoring.md says what each member means.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wasmoci.disk.files import read_bounded
from wasmoci.policy.document import MAX_DOCUMENT_SIZE, Node
from wasmoci.policy.file import read_members
from wasmoci.policy.patterns import matches
from wasmoci.values.errors import UsageError
from wasmoci.values.host import is_host
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.text import excerpt

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60

DEFAULT_LISTEN = ("127.0.0.1", 9464)
DEFAULT_INTERVAL = 5 * MINUTE
DEFAULT_VERIFY_EVERY = DAY
DEFAULT_WARN_BEFORE = 30 * DAY
DEFAULT_TRUSTED_ROOT_AGE = 180 * DAY
DEFAULT_COMMAND_SECONDS = 10

_TIMES = ("interval", "jitter", "verifyEvery", "warnBefore", "trustedRootAge")
_OUTPUTS = ("state", "listen", "textfile", "command", "commandTimeout")
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_SECONDS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
# Of cosign, and of indexes of referrers; they belong to the image whose digest they have.
_TAG_OF_DIGEST = re.compile(r"sha256-[0-9a-f]{64}(\..*)?")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^:\[\]]+):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Target:
    """What is looked at under one name: the image at a reference, or those at the tags that `tags` matches.

    `named` is the repository that its images count as, for a mirror.
    """

    name: str
    repository: Repository
    reference: Reference | None = None
    tags: str = "*"
    named: Repository | None = None

    @property
    def counts_as(self) -> Repository:
        """The repository by whose rule its images are judged."""
        return self.named or self.repository

    def has(self, name: str) -> bool:
        """Whether an image of this name is looked at, or listed for it where it is the name of a repository."""
        if self.reference is not None:
            return name == str(self.reference)
        repository, _, tag = name.removeprefix(str(self.repository)).partition(":")
        return not repository and (not tag or matches(self.tags, tag))

    def of_tags(self, listed: list[str]) -> list[Reference]:
        """The images of a listing, without the tags at which signatures are."""
        wanted = [tag for tag in listed if not _TAG_OF_DIGEST.fullmatch(tag) and matches(self.tags, tag)]
        return [Reference(self.repository, tag, None) for tag in wanted]


@dataclass(frozen=True, slots=True)
class MonitorConfig:
    """What a file says, its times in seconds. Make one with `read`."""

    policy: Path
    state: Path
    targets: tuple[Target, ...]
    interval: int = DEFAULT_INTERVAL
    jitter: int = 0
    verify_every: int = DEFAULT_VERIFY_EVERY
    warn_before: int = DEFAULT_WARN_BEFORE
    trusted_root_age: int = DEFAULT_TRUSTED_ROOT_AGE
    listen: tuple[str, int] = DEFAULT_LISTEN
    textfile: Path | None = None
    command: tuple[str, ...] = ()
    command_seconds: int = DEFAULT_COMMAND_SECONDS

    @classmethod
    def read(cls, path: Path) -> "MonitorConfig":
        """Raises UsageError that begins `file:line:column`, Error where the file cannot be read.

        Paths in it, and a command with a slash, are relative to its folder.
        """
        data = read_bounded(path, MAX_DOCUMENT_SIZE, "the configuration")
        members = read_members(data, str(path), ("policy", "targets"), (*_TIMES, *_OUTPUTS))
        folder = path.parent
        interval = _seconds(members, "interval", DEFAULT_INTERVAL)
        named = {name: folder / members[name].text() for name in ("state", "policy", "textfile") if name in members}
        files = {"state": path.with_suffix(".sqlite"), **named}
        _check_differ(path, files, members)
        return cls(
            policy=files["policy"],
            state=files["state"],
            targets=tuple(_target(name, target) for name, target in members["targets"].members().items()),
            interval=interval,
            jitter=_seconds(members, "jitter", interval // 10),
            verify_every=_seconds(members, "verifyEvery", DEFAULT_VERIFY_EVERY),
            warn_before=_seconds(members, "warnBefore", DEFAULT_WARN_BEFORE),
            trusted_root_age=_seconds(members, "trustedRootAge", DEFAULT_TRUSTED_ROOT_AGE),
            listen=_address(members["listen"]) if "listen" in members else DEFAULT_LISTEN,
            textfile=files.get("textfile"),
            command=_command(members["command"], folder) if "command" in members else (),
            command_seconds=_seconds(members, "commandTimeout", DEFAULT_COMMAND_SECONDS),
        )


def _check_differ(path: Path, files: Mapping[str, Path], members: Mapping[str, Node]) -> None:
    """Raise UsageError where two of these files, or one and the configuration at `path`, are the same."""
    names = {path.resolve(): "the configuration"}
    for name, file in files.items():
        other = names.setdefault(file.resolve(), name)
        if other != name:
            place = members.get(name, members["policy"]).place
            raise place.error(f"{name} and {other} are the same file, and each needs its own")


def _seconds(members: Mapping[str, Node], name: str, default: int) -> int:
    if name not in members:
        return default
    text = members[name].scalar("a time")
    match = _DURATION.fullmatch(text)
    if match is None:
        problem = f"a time is a number of up to 6 digits and s, m, h or d, such as 5m, got: {excerpt(text)!r}"
        raise members[name].place.error(problem)
    return int(match[1]) * _SECONDS[match[2]]


def _target(name: str, node: Node) -> Target:
    if not _NAME.fullmatch(name):
        raise (node.name_place or node.place).error(
            "the name of a target has at most 100 letters, digits and . _ / -, and begins with a letter or digit"
        )
    members = node.members(("reference", "repository", "tags", "as"))
    if ("reference" in members) == ("repository" in members):
        raise node.place.error("a target has a reference, or a repository whose tags are looked at")
    if "tags" in members and "repository" not in members:
        raise members["tags"].place.error("tags are those of a repository; a reference has its own")
    named = _repository(members["as"]) if "as" in members else None
    if "repository" in members:
        tags = members["tags"].text() if "tags" in members else "*"
        return Target(name, _repository(members["repository"]), tags=tags, named=named)
    if "*" in members["reference"].text():
        raise members["reference"].place.error("a reference is one image; several are a repository, and tags with *")
    try:
        reference = Reference.parse(members["reference"].text())
    except UsageError as error:
        raise members["reference"].place.error(str(error)) from None
    return Target(name, reference.repository, reference, named=named)


def _repository(node: Node) -> Repository:
    try:
        return Repository.parse(node.text())
    except UsageError as error:
        raise node.place.error(str(error)) from None


def _address(node: Node) -> tuple[str, int]:
    text = node.scalar("an address")
    match = _ADDRESS.fullmatch(text)
    if match is None or not is_host(match[1]) or int(match[2]) > 65535:
        raise node.place.error(f"an address is HOST:PORT, such as 127.0.0.1:9464, got: {excerpt(text)!r}")
    return match[1].strip("[]"), int(match[2])


def _command(node: Node, folder: Path) -> tuple[str, ...]:
    program, *arguments = (item.text() for item in node.items())
    return (str(folder.absolute() / program) if "/" in program else program, *arguments)
