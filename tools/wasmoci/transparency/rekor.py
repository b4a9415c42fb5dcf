"""A client of transparency logs: Rekor v1 and v2.

What is sent to a log becomes public, and what a log answers is worth nothing before it is verified: so a
signing configuration may name a log by a URL in plain HTTP.

Sources: the API of Rekor 1.5 (`dsse` 0.0.1) and of rekor-tiles 2.3, which is Rekor v2 (`hashedRekordRequestV002`).
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from wasmoci.cosign.dsse import Envelope
from wasmoci.disk.files import read_bounded
from wasmoci.keys.image import ImagePublicKey
from wasmoci.registry.transport import Body, Request, Response, Transport
from wasmoci.registry.url import Url
from wasmoci.transparency.authorities import Authority
from wasmoci.transparency.entry_body import KEY_DETAILS, hashed_rekord_body, signature_for_v2
from wasmoci.transparency.log_entry import InclusionProof, LogEntry
from wasmoci.transparency.merkle import MAX_PROOF_HASHES
from wasmoci.transparency.signing_config import MAX_SIGNING_CONFIG_SIZE, Service, Services, parse_signing_config
from wasmoci.transparency.stamping import MAX_ANSWER_SIZE, content, time_stamp
from wasmoci.transparency.tiles import existing_entry
from wasmoci.transparency.trusted_root import TransparencyLog
from wasmoci.transparency.verifying import TrustedLogs
from wasmoci.values.base64_strict import decode, encode
from wasmoci.values.errors import FormatError, RegistryError
from wasmoci.values.strict_json import dump, parse_object

# Rekor v2 answers once the entry is in the tree, which takes it some seconds.
_REQUEST_SECONDS = 60.0

_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_INDEX = re.compile(r"[0-9]{1,15}", re.ASCII)

_OK, _CREATED, _CONFLICT = 200, 201, 409
_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


@dataclass(frozen=True)
class RekorLogs:
    """The logs of a signing configuration. Of `environment`, see Transport; `clock` gives seconds since 1970.

    `trusted` are needed to fetch entries that a log of Rekor v2 has already. `authorities` give time stamps, which
    those `trusted_authorities` must have made.
    """

    services: Services
    environment: Mapping[str, str] | None = None
    trusted: Sequence[TransparencyLog] = ()
    clock: Callable[[], float] = time.time
    authorities: Services | None = None
    trusted_authorities: Sequence[Authority] = ()

    @classmethod
    def from_file(cls, path: Path, trusted: TrustedLogs, environment: Mapping[str, str] | None = None) -> "RekorLogs":
        """Read `signing_config.json`; raises FormatError, LimitError, Error where it cannot be read."""
        config = parse_signing_config(read_bounded(path, MAX_SIGNING_CONFIG_SIZE, "the signing configuration"))
        return cls(
            config.logs,
            environment,
            trusted.logs,
            authorities=config.authorities,
            trusted_authorities=trusted.authorities,
        )

    def stamp(self, signature: bytes, key: ImagePublicKey) -> list[bytes]:
        """Time stamps of a signature by `key`: none where the logs that take it say when, as Rekor v1 does.

        None either where the configuration has no authority. Raises UsageError where none can be used now, and
        what `time_stamp` raises.
        """
        if self.authorities is None or not self.wants_stamp(key):
            return []
        return [
            time_stamp(signature, service.url, self.trusted_authorities, self.environment)
            for service in self.authorities.select([1], self.clock())
        ]

    def wants_stamp(self, key: ImagePublicKey) -> bool:
        """Whether `stamp` asks for some."""
        return self.authorities is not None and any(service.version > 1 for service in self._services(key))

    def add(self, envelope: Envelope, key: ImagePublicKey) -> list[LogEntry]:
        """Log an envelope that `key` signed; the entries as the logs gave them, not verified.

        An entry that a log has already is the one that it gives. Raises UsageError where no log takes
        signatures of this key, RegistryError where a log cannot be reached or refuses, FormatError for an
        answer that is none, VerificationError for the checkpoint of a log that is not trusted.
        """
        return [self._add_to(service, envelope, key) for service in self._services(key)]

    def _services(self, key: ImagePublicKey) -> list[Service]:
        """The logs that take signatures by `key` now."""
        return self.services.select((1, 2) if key.algorithm in KEY_DETAILS else (1,), self.clock())

    def _add_to(self, service: Service, envelope: Envelope, key: ImagePublicKey) -> LogEntry:
        base = Url.parse(service.url.rstrip("/"))
        with closing(Transport([base.origin.netloc], self.environment)) as transport:
            if service.version == 1:
                return _add_to_v1(transport, _below(base, "/api/v1/log/entries"), _dsse_request(envelope, key))
            return self._add_to_v2(transport, _below(base, "/api/v2"), envelope, key)

    def _add_to_v2(self, transport: Transport, api: Url, envelope: Envelope, key: ImagePublicKey) -> LogEntry:
        url = _below(api, "/log/entries")
        with _post(transport, url, _hashed_rekord_request(envelope, key)) as response:
            if response.status != _CONFLICT:
                data = content(response, _CREATED)
                return LogEntry.parse(parse_object(data, f"the answer of {url}", MAX_ANSWER_SIZE))
            index = response.header("X-Log-Index") or ""
        if not _INDEX.fullmatch(index):
            raise RegistryError(f"{url} has the entry already and does not say where", _CONFLICT)

        def read(path: str) -> bytes:
            with _get(transport, _below(api, f"/{path}")) as response:
                return content(response, _OK)

        return existing_entry(read, int(index), hashed_rekord_body(envelope, key), self.trusted)


def _add_to_v1(transport: Transport, url: Url, body: bytes) -> LogEntry:
    with _post(transport, url, body) as response:
        if response.status != _CONFLICT:
            return parse_answer_v1(content(response, _CREATED), f"the answer of {url}")
        location = response.header("Location")
    existing = None if location is None else url.join(location)
    if existing is None or existing.origin != url.origin:
        raise RegistryError(f"{url} has the entry already and does not say where", _CONFLICT)
    with _get(transport, existing) as response:
        return parse_answer_v1(content(response, _OK), f"the answer of {existing}")


def _post(transport: Transport, url: Url, body: bytes) -> Response:
    """A log has each entry once, so what is sent again changes nothing."""
    request = Request("POST", url, _HEADERS, Body.of(body), idempotent=True, seconds=_REQUEST_SECONDS)
    return transport.send(request)


def _get(transport: Transport, url: Url) -> Response:
    return transport.send(Request("GET", url, idempotent=True, seconds=_REQUEST_SECONDS))


def _below(base: Url, path: str) -> Url:
    """The URL of an API's `path` below the base URL of a service."""
    return Url(base.origin, f"{base.target.rstrip('/')}{path}")


def _dsse_request(envelope: Envelope, key: ImagePublicKey) -> bytes:
    """The body of a POST to Rekor v1."""
    content = {"envelope": dump(envelope.to_json()).decode(), "verifiers": [encode(key.pem())]}
    return dump({"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": content}})


def _hashed_rekord_request(envelope: Envelope, key: ImagePublicKey) -> bytes:
    """The body of a POST to Rekor v2."""
    digest = hashlib.sha256(envelope.signed_message).digest()
    return dump({"hashedRekordRequestV002": {"digest": encode(digest), "signature": signature_for_v2(envelope, key)}})


def parse_answer_v1(data: bytes, where: str) -> LogEntry:
    """The entry in Rekor v1's answer, an object with one member; FormatError for anything else."""
    top = parse_object(data, where, MAX_ANSWER_SIZE)
    names = sorted(top.names())
    if len(names) != 1:
        raise FormatError(f"{where} has {len(names)} log entries, one is wanted")
    value = top.object(names[0])
    verification = value.object("verification")
    proof = verification.object("inclusionProof")
    body = decode(value.string("body"), f"{where}: `body`")
    kind = parse_object(body, f"{where}: the body", MAX_ANSWER_SIZE)
    return LogEntry(
        index=value.integer("logIndex"),
        log_id=_from_hex(value.string("logID"), f"{value.where}: `logID`"),
        kind=kind.string("kind"),
        version=kind.string("apiVersion"),
        integrated_time=value.integer("integratedTime"),
        promise=decode(verification.string("signedEntryTimestamp"), f"{where}: `signedEntryTimestamp`"),
        proof=InclusionProof(
            index=proof.integer("logIndex"),
            tree_size=proof.integer("treeSize"),
            root=_from_hex(proof.string("rootHash"), f"{proof.where}: `rootHash`"),
            hashes=tuple(_from_hex(sibling, proof.where) for sibling in proof.strings("hashes", MAX_PROOF_HASHES)),
            checkpoint=proof.string("checkpoint"),
        ),
        body=body,
    )


def _from_hex(text: str, what: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise FormatError(f"{what} is not lower-case hex")
    return bytes.fromhex(text)
