"""Which transparency logs to use, by cosign's signing configuration.

Source: `SigningConfig` v0.2 of sigstore's protobuf-specs, as `cosign signing-config create` 3.1.1 writes it.
Only the logs are looked at.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wasmoci.transparency.trusted_root import Validity
from wasmoci.values.errors import FormatError, UsageError
from wasmoci.values.strict_json import JsonObject, parse_object

MAX_SIGNING_CONFIG_SIZE = 1024 * 1024
MAX_SERVICES = 100

_MEDIA_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json"


@dataclass(frozen=True, slots=True)
class LogService:
    """A Rekor: its URL, its major version, when it is used, and who runs it."""

    url: str
    version: int
    validity: Validity
    operator: str


@dataclass(frozen=True, slots=True)
class LogServices:
    """The logs of a signing configuration, and how many of them take an entry: None means all."""

    services: Sequence[LogService]
    count: int | None

    def select(self, versions: Collection[int], now: float) -> list[LogService]:
        """The logs that take an entry at `now` (seconds since 1970), as sigstore's clients choose them.

        Only those of the highest of `versions` that has any, one an operator, the newest first. Where any
        will do it is the first. Raises UsageError where there are too few.
        """
        usable = [log for log in self.services if log.version in versions and log.validity.includes(now)]
        highest = max((log.version for log in usable), default=0)
        by_operator: dict[str, LogService] = {}
        for log in sorted(usable, key=lambda log: -(log.validity.start or 0)):
            if log.version == highest:
                by_operator.setdefault(log.operator, log)
        chosen = list(by_operator.values())
        wanted = 1 if self.count is None else self.count
        if len(chosen) < wanted:
            raise UsageError(
                f"the signing configuration wants {wanted} transparency logs, and it has {len(chosen)} "
                f"that can be used now, of major version {' or '.join(map(str, sorted(versions)))}"
            )
        return chosen[: self.count]


def parse_signing_config(data: bytes) -> LogServices:
    """Raises FormatError, LimitError; UsageError where the configuration has no transparency log."""
    top = parse_object(data, "the signing configuration", MAX_SIGNING_CONFIG_SIZE)
    if top.string("mediaType") != _MEDIA_TYPE:
        raise FormatError(f"the signing configuration's `mediaType` must be {_MEDIA_TYPE}")
    if "rekorTlogUrls" not in top:
        raise UsageError("the signing configuration has no transparency log")
    services = tuple(_parse_service(service) for service in top.objects("rekorTlogUrls", MAX_SERVICES))
    return LogServices(services, _parse_count(top.object("rekorTlogConfig")))


def _parse_service(value: JsonObject) -> LogService:
    return LogService(
        value.string("url"),
        value.integer("majorApiVersion"),
        Validity.parse(value.object("validFor")),
        value.optional_string("operator") or "",
    )


def _parse_count(value: JsonObject) -> int | None:
    selector = value.string("selector")
    if selector == "ALL":
        return None
    if selector == "ANY":
        return 1
    count = value.integer("count") if selector == "EXACT" else 0
    if not count:
        raise FormatError(f"{value.where}: `selector` must be ALL, ANY, or EXACT with a `count` of 1 or more")
    return count
