"""Add transparency log entries to the signatures of an image or index in a layout, without signing again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from wasmoci.cosign.bundle import parse_bundle
from wasmoci.cosign.dsse import Envelope
from wasmoci.disk.layout import Layout
from wasmoci.disk.layout_writer import LayoutCopy
from wasmoci.keys.image import ImagePublicKey
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.sign.wanted import Found, Places, taken, unmade
from wasmoci.transparency.log_entry import LogEntry, with_log_entries
from wasmoci.values.errors import Reason, UsageError, VerificationError, not_logged
from wasmoci.values.strict_json import JsonObject
from wasmoci.verify.attached_bundles import AttachedBundle, attached_bundles, noted, signing_key
from wasmoci.verify.trust import LogVerifier


class LogClient(Protocol):
    """Transparency logs that take entries, as transparency.rekor.RekorLogs."""

    def stamp(self, signature: bytes, key: ImagePublicKey) -> Sequence[bytes]:
        """Time stamps (RFC 3161) of a signature by `key`, verified: none where the logs themselves say when."""

    def wants_stamp(self, key: ImagePublicKey) -> bool:
        """Whether `stamp` asks for some."""

    def add(self, envelope: Envelope, key: ImagePublicKey) -> Sequence[LogEntry]:
        """Log an envelope that `key` signed; the entries, not verified."""


@dataclass(frozen=True, slots=True)
class AskedLogs:
    """A LogVerifier for what is there already: `logs`, and the time stamp that `client` would ask for."""

    logs: LogVerifier
    client: LogClient

    def verify(
        self, entries: Sequence[JsonObject], envelope: Envelope, key: ImagePublicKey, stamps: Sequence[bytes]
    ) -> int | None:
        time = self.logs.verify(entries, envelope, key, stamps)
        if self.client.wants_stamp(key) and self.proven_time(stamps, envelope.signature) is None:
            raise not_logged("it has no time stamp that holds, and one is asked for")
        return time

    def proven_time(self, stamps: Sequence[bytes], signature: bytes) -> int | None:
        return self.logs.proven_time(stamps, signature)

    def verify_legacy(self, entry: str, payload: bytes, signature: bytes, key: ImagePublicKey) -> int:
        return self.logs.verify_legacy(entry, payload, signature, key)


@dataclass(frozen=True, slots=True)
class Logged:
    """The image's descriptor, how many bundles got entries and how many had some, and what was passed over."""

    subject: Descriptor
    added: int
    kept: int
    warnings: tuple[str, ...]


def log_signatures(
    layout: Path,
    output: Path,
    keys: Sequence[ImagePublicKey],
    logs: LogVerifier,
    client: LogClient,
    places: Places | None = None,
    *,
    again: bool = True,
) -> Logged:
    """Write a copy of the layout where every bundle that one of the keys signed has a log entry.

    `logs` verify the entries: those that are there and those that are added.
    That is signatures and attestations alike, of an index and of all its images. A bundle that has entries is
    kept, and they must hold; it gets a time stamp where it has none and the entries do not say when they were made. One
    that gets its first entry takes the place of the old one. Unless `again`, one of the
    `places` that has a bundle with the same statement by the same key, and an entry that holds, gives that. All
    entries are there before anything is written. Raises UsageError without keys, VerificationError where there is no
    bundle by them and where an entry does not hold, FormatError, Error where the layout cannot be read or written;
    and what `client` raises.
    """
    if not keys:
        raise UsageError("no OCI key is given, so no signature can be logged")
    source = Layout(layout)
    graph = read_graph(source)
    copy = LayoutCopy(source)
    added = kept = 0
    problems: list[VerificationError] = []
    waiting: list[tuple[AttachedBundle, ImagePublicKey]] = []
    found: dict[tuple[bytes, str], Found] = {}
    for subject in graph.subjects:
        plain = []
        for attached in attached_bundles(subject, problems):
            key = _key_of(attached, keys)
            if key is None:
                continue
            bundle = attached.bundle
            if bundle.log_entries:
                logs.verify(bundle.log_entries, bundle.envelope, key, bundle.time_stamps)
                kept += 1
                if stamped := _stamped(attached, key, client):
                    copy.replace_layer(attached.carrier, attached.manifest, stamped)
            else:
                plain.append((attached, key))
        if places is not None and plain:
            if not again:
                places.visit(subject.digest, partial(_look, keys, AskedLogs(logs, client), found))
            missing = [each for each in plain if _name(*each) not in found]
            places.check_room(subject.digest, unmade(len(missing)), ())
        waiting += plain
    for attached, key in waiting:
        there = found.get(_name(attached, key))
        if there is not None:
            copy.drop(attached.carrier, attached.manifest)
            copy.add(there.blobs, there.entry)
            kept += 1
            continue
        envelope = attached.bundle.envelope
        # The log comes last, because what is in it is public for ever.
        stamps = client.stamp(envelope.signature, key)
        blob = with_log_entries(attached.data, client.add(envelope, key), stamps)
        logged = parse_bundle(blob)
        logs.verify(logged.log_entries, envelope, key, logged.time_stamps)
        copy.replace_layer(attached.carrier, attached.manifest, blob)
        added += 1
    if not added and not kept:
        raise VerificationError(Reason.UNSIGNED, "no bundle in the layout is signed by a key given")
    copy.write(output)
    return Logged(graph.descriptor, added, kept, tuple(map(str, problems)))


def _stamped(attached: AttachedBundle, key: ImagePublicKey, client: LogClient) -> bytes | None:
    """The bundle with its first time stamps; None where it needs none, or none are to be had."""
    bundle = attached.bundle
    entries = [LogEntry.parse(entry) for entry in bundle.log_entries]
    if bundle.time_stamps or all(entry.promise for entry in entries):
        return None
    stamps = client.stamp(bundle.envelope.signature, key)
    return with_log_entries(attached.data, entries, stamps) if stamps else None


def _name(attached: AttachedBundle, key: ImagePublicKey) -> tuple[bytes, str]:
    """What is said, and by whom."""
    return attached.bundle.envelope.payload, key.fingerprint


def _look(
    keys: Sequence[ImagePublicKey],
    logs: LogVerifier,
    found: dict[tuple[bytes, str], Found],
    graph: ImageGraph,
) -> None:
    """Add the bundles of an image by one of the keys whose log entries hold."""
    for attached in attached_bundles(graph, []):
        key = _key_of(attached, keys)
        if key is None or not attached.bundle.log_entries or _name(attached, key) in found:
            continue
        bundle = attached.bundle
        with noted([], attached.carrier):
            logs.verify(bundle.log_entries, bundle.envelope, key, bundle.time_stamps)
            found[_name(attached, key)] = taken(graph, attached, logged=True)


def _key_of(attached: AttachedBundle, keys: Sequence[ImagePublicKey]) -> ImagePublicKey | None:
    if attached.bundle.has_certificate:
        return None
    envelope = attached.bundle.envelope
    try:
        return signing_key(envelope.signature, envelope.signed_message, keys)
    except VerificationError:
        return None
