"""Add transparency log entries to the signatures of an image or index in a layout, without signing again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wasmoci.cosign.bundle import parse_bundle
from wasmoci.cosign.dsse import Envelope
from wasmoci.disk.layout import Layout
from wasmoci.disk.layout_writer import LayoutCopy
from wasmoci.keys.image import ImagePublicKey
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.transparency.log_entry import LogEntry, with_log_entries
from wasmoci.values.errors import Reason, UsageError, VerificationError
from wasmoci.verify.attached_bundles import AttachedBundle, attached_bundles, signing_key
from wasmoci.verify.trust import LogVerifier


class LogClient(Protocol):
    """Transparency logs that take entries, as transparency.rekor.RekorLogs."""

    def stamp(self, signature: bytes, key: ImagePublicKey) -> Sequence[bytes]:
        """Time stamps (RFC 3161) of a signature by `key`, verified: none where the logs themselves say when."""

    def add(self, envelope: Envelope, key: ImagePublicKey) -> Sequence[LogEntry]:
        """Log an envelope that `key` signed; the entries, not verified."""


@dataclass(frozen=True, slots=True)
class Logged:
    """The image's descriptor, how many bundles got entries and how many had some, and what was passed over."""

    subject: Descriptor
    added: int
    kept: int
    warnings: tuple[str, ...]


def log_signatures(
    layout: Path, output: Path, keys: Sequence[ImagePublicKey], logs: LogVerifier, client: LogClient
) -> Logged:
    """Write a copy of the layout where every bundle that one of the keys signed has a log entry.

    `logs` verify the entries: those that are there and those that are added.
    That is signatures and attestations alike, of an index and of all its images. A bundle that has entries is
    kept, and they must hold; one that gets its first takes the place of the old one. All entries are there before
    anything is written. Raises UsageError without keys, VerificationError where there is no bundle by them and
    where an entry does not hold, FormatError, Error where the layout cannot be read or written; and what `client`
    raises.
    """
    if not keys:
        raise UsageError("no OCI key is given, so no signature can be logged")
    source = Layout(layout)
    graph = read_graph(source)
    copy = LayoutCopy(source)
    added = kept = 0
    problems: list[VerificationError] = []
    for subject in graph.subjects:
        for attached in attached_bundles(subject, problems):
            key = _key_of(attached, keys)
            if key is None:
                continue
            bundle = attached.bundle
            if bundle.log_entries:
                logs.verify(bundle.log_entries, bundle.envelope, key, bundle.time_stamps)
                kept += 1
                continue
            # The log comes last, because what is in it is public for ever.
            stamps = client.stamp(bundle.envelope.signature, key)
            blob = with_log_entries(attached.data, client.add(bundle.envelope, key), stamps)
            logged = parse_bundle(blob)
            logs.verify(logged.log_entries, logged.envelope, key, logged.time_stamps)
            copy.replace_layer(attached.carrier, attached.manifest, blob)
            added += 1
    if not added and not kept:
        raise VerificationError(Reason.UNSIGNED, "no bundle in the layout is signed by a key given")
    copy.write(output)
    return Logged(graph.descriptor, added, kept, tuple(map(str, problems)))


def _key_of(attached: AttachedBundle, keys: Sequence[ImagePublicKey]) -> ImagePublicKey | None:
    if attached.bundle.has_certificate:
        return None
    envelope = attached.bundle.envelope
    try:
        return signing_key(envelope.signature, envelope.signed_message, keys)
    except VerificationError:
        return None
