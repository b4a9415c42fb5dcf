"""The metrics of the monitor, as Prometheus reads them.

`target` is a target's name in the configuration and `signer` a signer's in the policy, never a tag or digest: what is
in a registry makes no series. Every counter of a target is there from its start, but for refusals by reason.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry, Histogram, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wasmoci.disk.files import os_errors, write_atomically
from wasmoci.monitor.check import ERROR_KINDS, Checked
from wasmoci.monitor.observed import FORMATS, Known, Observed, Outcome
from wasmoci.monitor.state import CHECK_ERRORS, CHECKS, COUNTERS, REFUSALS, TAG_CHANGES
from wasmoci.monitor.trusted import Trusted
from wasmoci.values.errors import Error, refusals_about

Labels = tuple[str, ...]

_PREFIX = "wasm_oci_"
_BUCKETS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)


@dataclass(frozen=True, slots=True)
class _Definition:
    help: str
    labels: Labels


_COUNTERS = {
    CHECKS: _Definition("Checks of images, by how they ended.", COUNTERS[CHECKS]),
    REFUSALS: _Definition("Checks that ended with a refusal.", COUNTERS[REFUSALS]),
    CHECK_ERRORS: _Definition("Checks that could not be done.", COUNTERS[CHECK_ERRORS]),
    TAG_CHANGES: _Definition("Tags that named another image than before.", COUNTERS[TAG_CHANGES]),
}
_LAST_SUCCESS, _VERIFIED, _SIGNATURES = "last_success_timestamp_seconds", "verified", "signatures"
_DISTINCT, _REQUIRED, _VANISHED = "distinct_signers", "required_signers", "vanished"
_VALID_UNTIL, _BUILD_INFO = "signer_valid_until_timestamp_seconds", "build_info"
_GAUGES = {
    _LAST_SUCCESS: _Definition("When all images of the target had been checked, whatever the verdicts.", ("target",)),
    _VERIFIED: _Definition("Whether the last verdicts on all images of the target are good.", ("target",)),
    _SIGNATURES: _Definition("Signatures that hold.", ("target", "layer", "format")),
    _DISTINCT: _Definition("Distinct signers; of several images the fewest.", ("target", "layer")),
    _REQUIRED: _Definition("Distinct signers that the policy asks for.", ("target", "layer")),
    _VANISHED: _Definition("Signatures that were there and are gone.", ("target",)),
    _VALID_UNTIL: _Definition("When a signer of the policy ends, of those that do.", ("signer",)),
    _BUILD_INFO: _Definition("The program and its policy.", ("version", "policy_sha256")),
}
_DURATION = "check_duration_seconds"


class Metrics(Collector):
    """Shows what it was last told, whole: a scrape sees one round and never half of one."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self._version = version
        self._families: list[Metric] = []
        self._of_policy: dict[str, dict[Labels, float]] = {_VALID_UNTIL: {}, _BUILD_INFO: {(version, ""): 1}}
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._duration = Histogram(
            f"{_PREFIX}{_DURATION}", "How long a look at an image takes, and a verdict.", ["phase"],
            registry=self.registry, buckets=_BUCKETS,
        )  # fmt: skip
        for phase in ("look", "verify"):
            self._duration.labels(phase)
        self.registry.register(self)

    def took(self, checked: Checked) -> None:
        """Count how long a check took."""
        self._duration.labels("look").observe(checked.look_seconds)
        if checked.verify_seconds:
            self._duration.labels("verify").observe(checked.verify_seconds)

    def show(
        self,
        images: Mapping[str, Mapping[str, Known]],
        counters: Mapping[tuple[str, Labels], int],
        trusted: Trusted | None,
    ) -> None:
        """What is known of the images of each target, and of the policy; None where that is as it was."""
        if trusted is not None:
            self._of_policy = _of_policy(trusted, self._version)
        gauges: dict[str, dict[Labels, float]] = {name: {} for name in _GAUGES} | self._of_policy
        for target, known in images.items():
            for name, labels, value in _of_target(target, known):
                gauges[name][labels] = value
        counts: dict[str, dict[Labels, float]] = {name: {} for name in _COUNTERS}
        for name, labels in (start for target in images for start in _at_zero(target)):
            counts[name][labels] = 0
        for (name, labels), value in counters.items():
            counts[name][labels] = value
        self._families = [
            *_families(CounterMetricFamily, _COUNTERS, counts),
            *_families(GaugeMetricFamily, _GAUGES, gauges),
        ]

    def collect(self) -> Iterable[Metric]:
        return self._families

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[str]:
        """Answers Prometheus; gives the `host:port`. Port 0 is any free one. Error where it cannot listen there."""
        shown = f"[{host}]" if ":" in host else host
        with os_errors(f"serve metrics at {shown}:{port}, as `listen` says"):
            server, thread = start_http_server(port, host, self.registry)
        try:
            yield f"{shown}:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def write(self, path: Path) -> None:
        """Write the file that node_exporter's textfile collector reads, whole or not at all.

        Raises Error where it cannot, and where something other than a file is there.
        """
        with refusals_about("the metrics", Error):
            if path.exists() and not path.is_file():
                raise Error(f"cannot write {path}: it is no regular file")
            write_atomically(path, generate_latest(self.registry))


def _families(
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily],
    definitions: Mapping[str, _Definition],
    values: Mapping[str, Mapping[Labels, float]],
) -> Iterator[Metric]:
    for name, definition in definitions.items():
        family = kind(f"{_PREFIX}{name}", definition.help, labels=definition.labels)
        for labels, value in sorted(values[name].items()):
            family.add_metric(labels, value)
        yield family


def _at_zero(target: str) -> Iterator[tuple[str, Labels]]:
    """What is counted from the start: an increase is seen only of what was there before."""
    for outcome in (Outcome.VERIFIED, Outcome.REFUSED, Outcome.ERROR):
        yield CHECKS, (target, outcome.value)
    for kind in ERROR_KINDS:
        yield CHECK_ERRORS, (target, kind)
    yield TAG_CHANGES, (target,)


@dataclass(slots=True)
class _Sums:
    """Of the images of one target."""

    formats: dict[tuple[str, str], int] = field(default_factory=lambda: dict.fromkeys(FORMATS, 0))
    distinct: dict[str, int] = field(default_factory=dict)
    required: dict[str, int] = field(default_factory=dict)

    def add(self, observed: Observed) -> None:
        for signature in observed.signatures:
            self.formats[signature.layer, signature.format] += 1
        for layer, (distinct, required) in observed.signers.items():
            self.distinct[layer] = min(distinct, self.distinct.get(layer, distinct))
            self.required[layer] = max(required, self.required.get(layer, required))


def _of_target(target: str, known: Mapping[str, Known]) -> Iterator[tuple[str, Labels, float]]:
    sums = _Sums()
    images = [each for name, each in known.items() if ":" in name.rpartition("/")[2]]
    for each in images:
        if each.observed is not None:
            sums.add(each.observed)
    yield _VERIFIED, (target,), float(bool(images) and all(each.is_good for each in images))
    yield _LAST_SUCCESS, (target,), min((each.checked_at for each in known.values()), default=0)
    yield _VANISHED, (target,), sum(len(each.vanished) for each in images)
    for (layer, form), count in sums.formats.items():
        yield _SIGNATURES, (target, layer, form), count
    for layer, distinct in sums.distinct.items():
        yield _DISTINCT, (target, layer), distinct
        yield _REQUIRED, (target, layer), sums.required[layer]


def _of_policy(trusted: Trusted, version: str) -> dict[str, dict[Labels, float]]:
    ends: dict[Labels, float] = {
        (signer.name,): datetime(signer.ends.year, signer.ends.month, signer.ends.day, tzinfo=timezone.utc).timestamp()
        for signer in trusted.file.signers
        if signer.ends is not None and not signer.is_revoked
    }
    return {_VALID_UNTIL: ends, _BUILD_INFO: {(version, trusted.sha256): 1}}
