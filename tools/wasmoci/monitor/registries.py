"""Which registries answer: an outage is told once, and not for each image."""

import threading
from collections import Counter
from collections.abc import Iterator

from wasmoci.monitor.check import OF_REGISTRY, Failure
from wasmoci.monitor.events import Event, What
from wasmoci.monitor.state import State

# Rounds in a row in which nothing could be checked, until that is told.
PATIENCE = 2
# Checks that fail before anything was answered, until no more are tried in the round.
_TRIED = 3

_FACT = "registries"


class RegistriesSeen:
    """What became of the checks of one round, by registry. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered: set[str] = set()
        self._failed: Counter[str] = Counter()
        self._last: dict[str, Failure] = {}

    def note(self, registry: str, failure: Failure | None) -> None:
        with self._lock:
            if failure is None or failure.kind not in OF_REGISTRY:
                self._answered.add(registry)
            else:
                self._last[registry] = failure
                self._failed[registry] += 1

    def given_up(self, registry: str) -> Failure | None:
        """Why nothing more is asked of a registry in this round, if so."""
        with self._lock:
            if registry in self._answered or self._failed[registry] < _TRIED:
                return None
            return self._last[registry]

    def has_failed(self, registry: str) -> bool:
        """Whether nothing at all could be checked there."""
        return registry in self._last and registry not in self._answered

    def events(self, state: State) -> Iterator[Event]:
        """What is to be told at the end of the round, of which `state` then knows."""
        rounds: dict[str, int] = state.fact(_FACT) or {}
        for registry in sorted(self._answered):
            if rounds.pop(registry, 0) >= PATIENCE:
                yield Event(What.REGISTRY_BACK, f"{registry} answers again", {"registry": registry})
        for registry in sorted(filter(self.has_failed, self._last)):
            rounds[registry] = rounds.get(registry, 0) + 1
            if rounds[registry] == PATIENCE:
                failure = self._last[registry]
                message = f"nothing can be checked at {registry}: {failure.message}"
                yield Event(What.REGISTRY_FAILS, message, {"registry": registry, "error": failure.kind})
        state.set_fact(_FACT, rounds)
