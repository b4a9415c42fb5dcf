"""Rounds over all targets: each image is checked, and what is to be told of it is told once."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from typing import TypeVar

from wasmoci.monitor.check import LIMIT, POLICY, UNREACHABLE, Checked, Failure, check, is_due, listed
from wasmoci.monitor.config import MonitorConfig, Target
from wasmoci.monitor.events import Event, What
from wasmoci.monitor.metrics import Metrics
from wasmoci.monitor.notes import Notes
from wasmoci.monitor.observed import Known
from wasmoci.monitor.registries import RegistriesSeen
from wasmoci.monitor.state import Receiver, State
from wasmoci.monitor.trusted import ENDING, Trusted, is_old, root_events, root_fact, signer_events
from wasmoci.oci.source import ImageSource
from wasmoci.registry.client import Registries, RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.image_reference import Reference

# Images of all targets together; a listing with more is not looked at, which is an error.
MAX_IMAGES = 10_000

_WORKERS = 8
# Images that are looked at by one client, one after the other.
_CHUNK = 25

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True, slots=True)
class Job:
    """Images of a target that are looked at one after the other, with what is known of each."""

    target: Target
    images: list[tuple[Reference, Known]]


@dataclass(frozen=True, slots=True)
class _Round:
    """What a round checks with, and what it notes."""

    trusted: Trusted
    registries: Registries
    seen: RegistriesSeen
    notes: Notes


class Monitor:
    """Looks at all targets of a configuration, round by round; its `state` and `metrics` say what was seen."""

    def __init__(
        self,
        config: MonitorConfig,
        state: State,
        metrics: Metrics,
        registries: Callable[[], Registries],
        clock: Callable[[], float],
        *,
        version: str,
        stopping: threading.Event | None = None,
    ) -> None:
        """`registries` are opened for each round: credentials may have changed. `clock` gives seconds since 1970.

        A round ends early once `stopping` is set.
        """
        self._config = config
        self._state = state
        self._metrics = metrics
        self._open = registries
        self._clock = clock
        self._version = version
        self._stopping = stopping or threading.Event()
        # The signers that end soon, of whose signatures only this machine's clock may tell whether they count.
        self.clock_reasons: Sequence[str] = ()
        state.keep_targets([target.name for target in config.targets])
        self._show(None)

    @property
    def problem(self) -> str:
        """Why the policy cannot be used; empty where it can."""
        return str((self._state.fact("policy") or {"problem": ""})["problem"])

    def round(self) -> list[Event]:
        """Check all images once, as far as they need it; return what is to be told.

        The state knows that by then, with what was seen, and before it knows nothing of the round: what is
        interrupted is done again.

        Raises Error where the state cannot be used.
        """
        notes = Notes(self._state, self._clock())
        trusted = self._read_policy(notes)
        if trusted is not None:
            self._check_all(trusted, notes)
        self._show(trusted)
        events = [replace(event, time=notes.now) for event in notes.events]
        receivers = [Receiver.LINES, *([Receiver.COMMAND] if self._config.command else [])]
        for event in events:
            self._state.post(event.line(), receivers)
        self._state.commit()
        return events

    def _read_policy(self, notes: Notes) -> Trusted | None:
        """The policy as it is now; None where it cannot be used, and then nothing is checked."""
        state, config = self._state, self._config
        day = datetime.fromtimestamp(notes.now, timezone.utc).date()
        before = state.fact("policy") or {"sha256": "", "problem": ""}
        try:
            trusted = Trusted.read(config.policy, day, self._version)
        except Error as error:
            if not before["problem"]:
                notes.events.append(Event(What.POLICY_UNUSABLE, f"nothing can be checked: {error}"))
            state.set_fact("policy", {**before, "problem": str(error)})
            for target in config.targets:
                notes.count_failure(target.name, POLICY)
            return None
        if before["problem"]:
            notes.events.append(Event(What.POLICY_USABLE, "the policy can be used again"))
        if before["sha256"] not in ("", trusted.sha256):
            details = {"before": before["sha256"], "after": trusted.sha256}
            message = "the policy is another one: everything is verified again"
            notes.events.append(Event(What.POLICY_CHANGED, message, details))
        state.set_fact("policy", {"sha256": trusted.sha256, "problem": ""})
        notes.events += signer_events(state.fact("signers"), trusted, config.warn_before)
        phases = trusted.phases(config.warn_before)
        self.clock_reasons = [name for name in trusted.file.clock_reasons if phases[name] == ENDING]
        state.set_fact("signers", phases)
        root = state.fact("root")
        notes.events += root_events(root, trusted, notes.now, config.trusted_root_age)
        fact = root_fact(root, trusted, notes.now)
        state.set_fact("root", {**fact, "old": is_old(fact, notes.now, config.trusted_root_age)})
        return trusted

    def _check_all(self, trusted: Trusted, notes: Notes) -> None:
        with self._open() as registries, ThreadPoolExecutor(_WORKERS) as pool:
            trusted.open_image = partial(_open_image, registries)
            current = _Round(trusted, registries, RegistriesSeen(), notes)
            for job, results in _in_order(pool, partial(self._check, current), self._jobs(pool, current)):
                for (reference, known), result in zip(job.images, results, strict=False):
                    self._metrics.took(result)
                    notes.image(job.target.name, str(reference), known, result, trusted.basis_of(job.target.counts_as))
        if not self._stopping.is_set():
            notes.conclude(self._config.targets, current.seen)

    def _jobs(self, pool: ThreadPoolExecutor, current: _Round) -> Iterator[Job]:
        images = 0
        for target, listing in _in_order(pool, partial(self._list, current), self._config.targets):
            known = current.notes.images_of(target)
            found = listing
            if not isinstance(found, Failure) and images + len(found) > MAX_IMAGES:
                found = Failure(LIMIT, f"with these {len(found)} there are more images than the limit of {MAX_IMAGES}")
            if target.reference is None:
                current.notes.listing(target, known, found)
            if isinstance(found, Failure):
                continue
            images += len(found)
            wanted = [(reference, known.get(str(reference), Known())) for reference in found]
            for start in range(0, len(wanted), _CHUNK):
                yield Job(target, wanted[start : start + _CHUNK])

    def _list(self, current: _Round, target: Target) -> list[Reference] | Failure:
        """In a thread of the pool."""
        if target.reference is not None:
            return [target.reference]
        registry = target.repository.registry
        failure = current.seen.given_up(registry)
        if failure is not None:
            return failure
        client = _client(current.registries, target)
        found = client if isinstance(client, Failure) else listed(target, client, MAX_IMAGES)
        current.seen.note(registry, found if isinstance(found, Failure) else None)
        return found

    def _check(self, current: _Round, job: Job) -> list[Checked]:
        """In a thread of the pool."""
        registry = job.target.repository.registry
        client = _client(current.registries, job.target)
        if isinstance(client, Failure):
            current.seen.note(registry, client)
            return [Checked(client) for _ in job.images]
        basis = current.trusted.basis_of(job.target.counts_as)
        checked: list[Checked] = []
        for reference, known in job.images:
            if self._stopping.is_set():
                break
            failure = current.seen.given_up(registry)
            if failure is not None:
                checked.append(Checked(replace(failure, digest="")))
                continue
            due = is_due(str(reference), known, basis, current.notes.now, self._config.verify_every)
            result = check(reference, job.target, client, known, current.trusted, is_due=due)
            current.seen.note(registry, result.observed if isinstance(result.observed, Failure) else None)
            checked.append(result)
        return checked

    def _show(self, trusted: Trusted | None) -> None:
        """Let the metrics say what the state knows."""
        images = {target.name: self._state.images(target.name) for target in self._config.targets}
        self._metrics.show(images, self._state.counters(), trusted)


def _client(registries: Registries, target: Target) -> RepositoryClient | Failure:
    """Files of certificates may be gone while others take their place; UsageError for what stays as it is."""
    try:
        return registries.client(target.repository)
    except UsageError:
        raise
    except Error as error:
        return Failure(UNREACHABLE, str(error))


def _open_image(registries: Registries, name: str) -> AbstractContextManager[ImageSource]:
    reference = Reference.parse(name)
    return nullcontext(RegistrySource(reference, registries.client(reference.repository), forbidden_is_absent=True))


def _in_order(
    pool: ThreadPoolExecutor, function: Callable[[_In], _Out], values: Iterable[_In]
) -> Iterator[tuple[_In, _Out]]:
    """Each value with what the function says of it, in their order; a few are ahead."""
    ahead: deque[tuple[_In, Future[_Out]]] = deque()
    for value in values:
        ahead.append((value, pool.submit(function, value)))
        if len(ahead) > 2 * _WORKERS:
            first, future = ahead.popleft()
            yield first, future.result()
    for first, future in ahead:
        yield first, future.result()
