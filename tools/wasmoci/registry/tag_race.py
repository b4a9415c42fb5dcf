"""Additions to what a tag names, by many at once.

Registries have no conditional write: who reads, adds and writes may overwrite what another wrote in
between. So an addition counts when it is still there after the time that others who had read earlier
need to write, and nobody has written since; while others write it is looked after, and added again.
It is lost only to one who takes longer than that time, SETTLE_SECONDS or SETTLE_FACTOR times what the
same took here, between read and write, when all others have ended.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from wasmoci.registry.deadline import spread_pause
from wasmoci.values.errors import RegistryError

MAX_RACE_ATTEMPTS = 20
SETTLE_SECONDS = 0.25
SETTLE_FACTOR = 3

# So often in a row an addition is seen, while others write, before it counts all the same.
MAX_LOOKS = 8

_FIRST_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class TagAddition:
    """Lets `tag` name what `added` makes of what it names now.

    `read` returns what the tag names, None where that is nothing. `added` gets this, and returns None where there
    is nothing left to add. `write` lets the tag name something else.
    """

    tag: str
    read: Callable[[], bytes | None]
    added: Callable[[bytes | None], bytes | None]
    write: Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class OpenAddition:
    """What the tag of an addition named when it was read; `start` is when that was asked."""

    addition: TagAddition
    start: float
    current: bytes | None


def in_turn(jobs: Sequence[Callable[[], object]]) -> object:
    """Do one after the other."""
    return [job() for job in jobs]


class TagAdditions:
    """Additions that are looked after together: all of them take the time that one takes.

    `read` and `write` may be called by several threads at once. `at_once` does jobs at the same time.
    """

    def __init__(
        self,
        sleep: Callable[[float], None],
        at_once: Callable[[Sequence[Callable[[], object]]], object] = in_turn,
    ) -> None:
        self.sleep = sleep
        self.at_once = at_once
        self._open: list[TagAddition] = []
        # What each tag named when it was last written or read here.
        self._named: dict[str, bytes | None] = {}
        self._pause = SETTLE_SECONDS
        self._lock = threading.Lock()

    def add(self, addition: TagAddition) -> None:
        """Make an addition, which does not count before `settle` has returned."""
        self.write(self.read(addition))

    def read(self, addition: TagAddition) -> OpenAddition:
        """Begin: others who write from now on may be overwritten."""
        start = time.monotonic()
        return OpenAddition(addition, start, addition.read())

    def write(self, opened: OpenAddition) -> bool:
        """Write what the addition makes of what was read; return whether there was something to add."""
        is_new = self._write(opened)
        if is_new:
            with self._lock:
                self._open.append(opened.addition)
        return is_new

    @property
    def are_open(self) -> bool:
        """Whether there is something to settle."""
        return bool(self._open)

    def settle(
        self, meanwhile: Callable[[], object] | None = None, beside: Sequence[Callable[[], object]] = ()
    ) -> bool:
        """Wait until all additions stay; RegistryError for one that does not in MAX_RACE_ATTEMPTS.

        `meanwhile` is done while others who write the same tags end, and `beside` at the time of the first look.
        Returns whether all of them stayed as they were written first.
        """
        spent = 0.0
        if meanwhile is not None:
            start = time.monotonic()
            meanwhile()
            spent = time.monotonic() - start
        if self._open and spent < self._pause:
            self.sleep(self._pause - spent)
        seen: dict[str, bytes | None] = {}
        first = {addition.tag: addition for addition in self._open}
        looks = [partial(_look, addition, seen) for addition in first.values()]
        if looks or beside:
            self.at_once([*looks, *beside])
        stayed = True
        while self._open:
            stayed = self._settle(self._open[0], seen) and stayed
            del self._open[0]
        return stayed

    def _settle(self, addition: TagAddition, seen: dict[str, bytes | None]) -> bool:
        """Return whether it stayed at once; `seen` is what tags were seen to name, until they are written."""
        for attempt in range(MAX_RACE_ATTEMPTS):
            if attempt:
                self._write(self.read(addition))
                self.sleep(self._pause)
            if self._stays(addition, seen):
                return not attempt
            seen.pop(addition.tag, None)
            self.sleep(random_pause(attempt))
        raise RegistryError(
            f"others keep overwriting what tag {addition.tag} names: "
            f"the addition has not stayed in {MAX_RACE_ATTEMPTS} attempts"
        )

    def _write(self, opened: OpenAddition) -> bool:
        """Return whether there was something to add."""
        addition = opened.addition
        new = addition.added(opened.current)
        if new is not None:
            addition.write(new)
        with self._lock:
            self._named[addition.tag] = opened.current if new is None else new
            self._pause = max(self._pause, SETTLE_FACTOR * (time.monotonic() - opened.start))
        return new is not None

    def _stays(self, addition: TagAddition, seen: dict[str, bytes | None]) -> bool:
        """Look after an addition until nobody writes any more; return whether it is there."""
        for look in range(MAX_LOOKS):
            if look:
                self.sleep(self._pause)
            is_seen = not look and addition.tag in seen
            previous, current = self._named[addition.tag], seen[addition.tag] if is_seen else addition.read()
            self._named[addition.tag] = current
            if addition.added(current) is not None:
                return False
            if current == previous:
                return True
        return True


def _look(addition: TagAddition, seen: dict[str, bytes | None]) -> None:
    seen[addition.tag] = addition.read()


def random_pause(attempt: int) -> float:
    """Seconds to wait after attempt number `attempt` (from 0): spread, so that competitors come apart."""
    return spread_pause(attempt, _FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
