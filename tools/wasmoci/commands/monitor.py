"""`wasm-oci monitor`: looks at images again and again, and tells what changed."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import click

from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Option, command
from wasmoci.commands.report.output import Report, error_members, is_quiet, result_of, warn
from wasmoci.monitor.config import MonitorConfig
from wasmoci.monitor.metrics import Metrics
from wasmoci.monitor.observed import Known, Outcome
from wasmoci.monitor.rounds import Monitor
from wasmoci.monitor.state import DiskFullError, Receiver, State
from wasmoci.monitor.telling import Teller
from wasmoci.monitor.watch import watch
from wasmoci.values.errors import Error, Reason, RegistryError, VerificationError
from wasmoci.values.version import VERSION


@command(report_before="connection", example="wasm-oci monitor --config monitor.yaml")
def monitor(
    config: Annotated[Path, Option("What is looked at, and who is told (YAML): docs/monitoring.md.")],
    once: Annotated[bool, Option("Check everything once and end, for cron; serve no metrics.")],
    connection: Connection,
) -> Report:
    """Check images again and again, serve metrics for Prometheus, and print each change as a line of JSON.

    It ends with SIGINT or SIGTERM. With --once the exit code is that of `verify` on all images.
    """
    configured = MonitorConfig.read(config)
    metrics = Metrics(VERSION)
    state = click.get_current_context().with_resource(State(configured.state))
    with _stopped_by_signals() as stopping:
        watched = Monitor(
            configured,
            state,
            metrics,
            lambda: connection.registries(_pause_until(stopping)),
            time.time,
            version=VERSION,
            stopping=stopping,
        )
        teller = Teller(configured.command, configured.command_seconds, warn if once else _warn)
        teller.check()
        if once:
            watched.round()
            unwritten: list[Error] = []
            _pass_on(configured, metrics, teller, state, stopping, unwritten.append)
            lines = _Lines(state)
            if stopping.is_set() or watched.problem:
                errors = [Error(watched.problem or "it was stopped before all was checked"), *unwritten]
                return Report(lines.texts, _members(lines, []), errors=errors, then=lines.printed)
            report = _report(configured, state, lines)
            return report._replace(warnings=_warnings(watched), errors=[*report.errors, *unwritten])
        warned: Sequence[str] = ()
        with metrics.served(*configured.listen) as address:
            if not is_quiet():
                click.echo(f"metrics at http://{address}/metrics", err=True)
            _has_room(_Lines(state).print)
            do_round = partial(_has_room, watched.round)
            for is_noted in watch(
                do_round, configured.interval, configured.jitter, lambda rest: not stopping.wait(rest)
            ):
                if not is_noted:
                    continue
                _has_room(_Lines(state).print)
                warnings = _warnings(watched)
                if warnings != warned:
                    warned = warnings
                    for text in warnings:
                        _warn(text)
                _has_room(partial(_pass_on, configured, metrics, teller, state, stopping, _warn))
    return Report([], {})


def _has_room(work: Callable[[], object]) -> bool:
    """Do what the state notes; false, with a warning, where the disk has no room: the next round does it again."""
    try:
        work()
    except DiskFullError as error:
        _warn(error)
        return False
    return True


def _warn(problem: object) -> None:
    """A warning that cannot be printed ends nothing."""
    with suppress(OSError):
        warn(str(problem))


class _Lines:
    """The events that were not printed yet, in their order: a process that ends too early leaves some."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._waiting = state.waiting(Receiver.LINES)
        self.texts = [text for _, text in self._waiting]

    def print(self) -> None:
        """One after the other, unless the command is quiet; without room for them they wait, with a warning."""
        try:
            for text in () if is_quiet() else self.texts:
                click.echo(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            _warn(f"cannot print the events, which is tried again after the next round: {error.strerror}")
            return
        self.printed()

    def printed(self) -> None:
        """From now on nobody waits for them."""
        for number, _ in self._waiting:
            self._state.sent(number, Receiver.LINES)
        self._state.commit()


def _pass_on(
    config: MonitorConfig,
    metrics: Metrics,
    teller: Teller,
    state: State,
    stopping: threading.Event,
    unwritten: Callable[[Error], object],
) -> None:
    """Write the metrics and tell the command; `unwritten` gets why the metrics could not be written."""
    if config.textfile is not None:
        try:
            metrics.write(config.textfile)
        except Error as error:
            unwritten(error)
    teller.tell(state, stopping.is_set)


def _report(config: MonitorConfig, state: State, lines: "_Lines") -> Report:
    """What came of one round: events, and the images that are not verified."""
    errors: list[Error] = []
    images: list[dict[str, object]] = []
    for target in config.targets:
        found, listing = state.images(target.name), str(target.repository)
        if set(found) <= {listing}:
            listed = listing in found and not found[listing].failures
            lacks = f"no tag of {listing} matches {target.tags!r}" if listed else "no image of it could be checked"
            errors.append(Error(f"the target {target.name}: {lacks}"))
        if listing in found and found[listing].failures:
            # Its images were not looked at.
            found = {listing: found[listing]}
        for image, known in found.items():
            error = _error_of(known)
            if known.observed is None and error is None:
                continue
            result: dict[str, object] = {"result": "ok"}
            if error is not None:
                errors.append(error.about(image))
                result = {"result": result_of(error), **error_members(error)}
            elif known.observed is not None and known.observed.outcome is not Outcome.VERIFIED:
                result["reportsOnly"] = True
                if known.observed.outcome.is_refusal:
                    result |= {"reason": known.observed.reason, "message": known.observed.message}
            images.append({"target": image, **result})
    return Report(lines.texts, _members(lines, images), errors=errors, then=lines.printed)


def _warnings(watched: Monitor) -> Sequence[str]:
    if not watched.clock_reasons:
        return ()
    names = ", ".join(watched.clock_reasons)
    return (f"the clock of this machine judges signatures by keys that end ({names}) and have no time of a log",)


def _members(lines: "_Lines", images: Sequence[Mapping[str, object]]) -> dict[str, object]:
    return {"events": [json.loads(text) for text in lines.texts], "images": [*images]}


def _error_of(known: Known) -> Error | None:
    if known.failures:
        return RegistryError(known.problem)
    observed = known.observed
    if observed is None or observed.outcome is not Outcome.REFUSED:
        return None
    return VerificationError(Reason(observed.reason), observed.message)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Set by SIGINT and SIGTERM within the block."""
    stopping = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pause_until(stopping: threading.Event) -> Callable[[float], None]:
    """A pause before another attempt, which is not made where the monitor ends."""

    def pause(seconds: float) -> None:
        if stopping.wait(seconds):
            raise RegistryError("the monitor ends")

    return pause
