"""Which transparency logs and time stamping authorities to use, by cosign's signing configuration.

Source: `SigningConfig` v0.2 of sigstore's protobuf-specs, as `cosign signing-config create` 3.1.3 writes it.
Its other parts are not looked at.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wasmoci.transparency.trusted_root import Validity
from wasmoci.values.errors import FormatError, UsageError
from wasmoci.values.strict_json import JsonObject, parse_object

MAX_SIGNING_CONFIG_SIZE = 1024 * 1024
MAX_SERVICES = 100

_MEDIA_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
_LOGS, _AUTHORITIES = "transparency logs", "time stamping authorities"


@dataclass(frozen=True, slots=True)
class Service:
    """A Rekor or a time stamping authority: its URL, its major version, when it is used, and who runs it."""

    url: str
    version: int
    validity: Validity
    operator: str


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one kind, called `what`, and how many of them are used: None means all."""

    services: Sequence[Service]
    count: int | None
    what: str = _LOGS

    def select(self, versions: Collection[int], now: float) -> list[Service]:
        """Those that are used at `now` (seconds since 1970), as sigstore's clients choose them.

        Only those of the highest of `versions` that has any, one an operator, the newest first. Where any
        will do it is the first. Raises UsageError where there are too few.
        """
        usable = [
            service for service in self.services if service.version in versions and service.validity.includes(now)
        ]
        highest = max((service.version for service in usable), default=0)
        by_operator: dict[str, Service] = {}
        for service in sorted(usable, key=lambda service: -(service.validity.start or 0)):
            if service.version == highest:
                by_operator.setdefault(service.operator, service)
        chosen = list(by_operator.values())
        wanted = 1 if self.count is None else self.count
        if len(chosen) < wanted:
            raise UsageError(
                f"the signing configuration wants {wanted} {self.what}, and it has {len(chosen)} "
                f"that can be used now, of major version {' or '.join(map(str, sorted(versions)))}"
            )
        return chosen[: self.count]


@dataclass(frozen=True, slots=True)
class SigningConfig:
    """The services of a signing configuration; of authorities it may have none."""

    logs: Services
    authorities: Services | None


def parse_signing_config(data: bytes) -> SigningConfig:
    """Raises FormatError, LimitError; UsageError where the configuration has no transparency log."""
    top = parse_object(data, "the signing configuration", MAX_SIGNING_CONFIG_SIZE)
    top.check("mediaType", _MEDIA_TYPE)
    if "rekorTlogUrls" not in top:
        raise UsageError("the signing configuration has no transparency log")
    has_authorities = "tsaUrls" in top and bool(top.objects("tsaUrls", MAX_SERVICES))
    return SigningConfig(
        logs=_parse_services(top, "rekorTlogUrls", "rekorTlogConfig", _LOGS),
        authorities=_parse_services(top, "tsaUrls", "tsaConfig", _AUTHORITIES) if has_authorities else None,
    )


def _parse_services(top: JsonObject, urls: str, config: str, what: str) -> Services:
    services = tuple(map(_parse_service, top.objects(urls, MAX_SERVICES)))
    return Services(services, _parse_count(top.object(config)), what)


def _parse_service(value: JsonObject) -> Service:
    return Service(
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
