"""Verify transparency log entries of signatures made with a key, offline, with the logs of a trusted root.

Every entry of a bundle must be understood and must hold: one of another log, or one that is broken or of
another signature, refuses the signature, also beside a good one. Stricter than cosign 3.1.3 in that, and in
that an entry counts only if its log's key was valid: at the integrated time that Rekor v1 signs; for an
entry without one, as those of Rekor v2, now or at a time when a time stamp proves that the signature was there.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wasmoci.cosign.bundle import MAX_LOG_ENTRIES
from wasmoci.cosign.dsse import Envelope
from wasmoci.disk.files import read_bounded
from wasmoci.keys.image import ImagePublicKey
from wasmoci.transparency.authorities import Authority
from wasmoci.transparency.checkpoint import Checkpoint
from wasmoci.transparency.entry_body import check_envelope_body, check_payload_body
from wasmoci.transparency.log_entry import LegacyBundle, LogEntry
from wasmoci.transparency.merkle import leaf_hash, root_hash
from wasmoci.transparency.time_stamps import parse_time_stamp_authorities, proven_time
from wasmoci.transparency.trusted_root import MAX_TRUSTED_ROOT_SIZE, TransparencyLog, parse_trusted_root
from wasmoci.values.base64_strict import encode
from wasmoci.values.clock import Clock
from wasmoci.values.errors import LimitError, UsageError, not_logged
from wasmoci.values.strict_json import JsonObject, dump

# How far the clocks of a service and of this machine may differ.
MAX_CLOCK_SKEW_SECONDS = 300


@dataclass(frozen=True)
class TrustedLogs:
    """The logs of a trusted root; an verify.trust.LogVerifier.

    `threshold` is the number of distinct logs that must have an entry; `authorities` are those whose time stamps
    count.
    """

    logs: Sequence[TransparencyLog]
    threshold: int = 1
    clock: Clock = time.time
    authorities: Sequence[Authority] = ()

    def __post_init__(self) -> None:
        """Raises UsageError for a threshold that means nothing or cannot be met."""
        if not 1 <= self.threshold <= len({log.key for log in self.logs}):
            raise UsageError(f"the threshold of transparency logs cannot be {self.threshold}")

    @classmethod
    def from_file(cls, path: Path, clock: Clock = time.time) -> "TrustedLogs":
        """Read `trusted_root.json`; raises FormatError, LimitError, Error where it cannot be read."""
        data = read_bounded(path, MAX_TRUSTED_ROOT_SIZE, "the trusted root")
        return cls(parse_trusted_root(data), clock=clock, authorities=parse_time_stamp_authorities(data))

    def verify(
        self, entries: Sequence[JsonObject], envelope: Envelope, key: ImagePublicKey, stamps: Sequence[bytes] = ()
    ) -> int | None:
        """Raise VerificationError unless enough logs have exactly this envelope, signed by this key.

        `stamps` are RFC 3161 time stamps of the signature; one that does not hold proves nothing. Returns the earliest
        time, in seconds since 1970, that a log or a stamp proves. Raises FormatError for an entry that is none,
        LimitError above MAX_LOG_ENTRIES.
        """
        if len(entries) > MAX_LOG_ENTRIES:
            raise LimitError(f"the bundle has {len(entries)} log entries, the limit is {MAX_LOG_ENTRIES}")
        proven = cache(lambda: self._proven_times(stamps, envelope.signature))
        logs = set()
        times = []
        for entry in map(LogEntry.parse, entries):
            log = self._log(entry.log_id)
            check_envelope_body(entry.kind, entry.version, entry.body, envelope, key)
            self._verify_inclusion(entry, log, proven)
            logs.add(log.key)
            if entry.promise:
                times.append(entry.integrated_time)
        self._check_threshold(len(logs))
        return min([*times, *proven()], default=None)

    def proven_time(self, stamps: Sequence[bytes], signature: bytes) -> int | None:
        """The earliest time, in seconds since 1970, that one of these time stamps of a signature proves."""
        return min(self._proven_times(stamps, signature), default=None)

    def verify_legacy(self, entry: str, payload: bytes, signature: bytes, key: ImagePublicKey) -> int:
        """Raise VerificationError unless `entry`, a legacy layer's annotation, logs exactly this signature.

        It is empty where there is none, and `payload` is the layer. Returns the time at which it was logged. Raises
        FormatError for what is no entry. There is one entry, so more than one log can never have the signature.
        """
        self._check_threshold(1 if entry else 0)
        bundle = LegacyBundle.parse(entry)
        log = self._log(bundle.log_id)
        check_payload_body(bundle.body, payload, signature, key)
        self._verify_promise(bundle, log)
        return bundle.integrated_time

    def _check_threshold(self, logs: int) -> None:
        if logs < self.threshold:
            raise not_logged(f"the signature must be in transparency logs: {self.threshold}, it is in: {logs}")

    def _log(self, log_id: bytes) -> TransparencyLog:
        for log in self.logs:
            if log.log_id == log_id:
                return log
        raise not_logged(f"the log {log_id.hex()} is not in the trusted root")

    def _proven_times(self, stamps: Sequence[bytes], signature: bytes) -> list[int]:
        """Those of `stamps` that prove one which is not in the future."""
        latest = self.clock() + MAX_CLOCK_SKEW_SECONDS
        times = (proven_time(stamp, signature, self.authorities) for stamp in stamps)
        return [time for time in times if time is not None and time <= latest]

    def _verify_inclusion(self, entry: LogEntry, log: TransparencyLog, proven: Callable[[], list[int]]) -> None:
        proof = entry.proof
        checkpoint = Checkpoint.parse(proof.checkpoint)
        if entry.promise:
            self._verify_promise(entry, log)
        else:
            self._check_unpromised(entry, log, proven)
        checkpoint.verify(log)
        if (checkpoint.tree_size, checkpoint.root) != (proof.tree_size, proof.root):
            raise not_logged("the inclusion proof is not for the tree of its checkpoint")
        if root_hash(leaf_hash(entry.body), proof.index, proof.tree_size, proof.hashes) != proof.root:
            raise not_logged("the log entry is not in the tree of its checkpoint")

    def _verify_promise(self, entry: LogEntry | LegacyBundle, log: TransparencyLog) -> None:
        """Check Rekor v1's signed time: the log's key must have been valid then."""
        log.verify(entry.promise, _promised(entry), "the signed entry timestamp")
        if entry.integrated_time > self.clock() + MAX_CLOCK_SKEW_SECONDS:
            raise not_logged("the log entry's integrated time is in the future")
        if not log.validity.includes(entry.integrated_time):
            raise not_logged(f"the key of the log {log.base_url} was not valid at the log entry's integrated time")

    def _check_unpromised(self, entry: LogEntry, log: TransparencyLog, proven: Callable[[], list[int]]) -> None:
        """Check that no time is claimed which no log signed: the log's key is valid now or was at a proven one."""
        if entry.integrated_time:
            raise not_logged("the log entry has an integrated time that the log did not sign")
        if entry.index != entry.proof.index:
            raise not_logged("the log entry's index is not that of its inclusion proof")
        if not log.validity.includes(self.clock()) and not any(map(log.validity.includes, proven())):
            raise not_logged(
                f"the key of the log {log.base_url} is not valid now, and no time stamp of a trusted authority proves "
                "that the signature was there when it was"
            )


def _promised(entry: LogEntry | LegacyBundle) -> bytes:
    """The message that a signed entry timestamp signs: JSON in the canonical form of RFC 8785.

    For these letters and whole numbers it is the compact form with sorted names.
    """
    return dump(
        {
            "body": encode(entry.body),
            "integratedTime": entry.integrated_time,
            "logID": entry.log_id.hex(),
            "logIndex": entry.index,
        }
    )
