"""What came of the checks of a round: it is counted, told and remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wasmoci.monitor.changes import changes, tag_moved, vanished
from wasmoci.monitor.check import INCOMPLETE, NOT_FOUND, Checked, Failure
from wasmoci.monitor.config import Target
from wasmoci.monitor.events import Event, What
from wasmoci.monitor.observed import Known, Outcome
from wasmoci.monitor.registries import PATIENCE, RegistriesSeen
from wasmoci.monitor.state import CHECK_ERRORS, CHECKS, REFUSALS, TAG_CHANGES, State
from wasmoci.values.image_reference import Reference


class Notes:
    """The notes of one round, which is at the time `now`; `events` is what there is to tell so far."""

    def __init__(self, state: State, now: float) -> None:
        self.now = now
        self.events: list[Event] = []
        self._state = state

    def images_of(self, target: Target) -> dict[str, Known]:
        """What is known of images, and of the listing, of a target; what it meant before is forgotten."""
        known = self._state.images(target.name)
        for image in list(known):
            if not target.has(image):
                self._state.forget(target.name, image)
                del known[image]
        return known

    def listing(self, target: Target, known: Mapping[str, Known], found: Sequence[Reference] | Failure) -> None:
        """What came and went in a listing; of the first listing everything is new, and nothing is told.

        Where it fails, its images keep what was last known of them; but none counts where there is no such repository.
        """
        listing = str(target.repository)
        before = known.get(listing)
        if isinstance(found, Failure):
            self._failed(target.name, listing, before or Known(), found)
            if found.kind == NOT_FOUND:
                for image, last in known.items():
                    if image != listing and last.is_good:
                        self._state.put(target.name, image, replace(last, is_good=False))
            return
        images = {str(reference) for reference in found}
        for image in sorted(set(known) - images - {listing}):
            self._tell(target.name, image, What.TAG_VANISHED, _gone(known[image]))
            self._state.forget(target.name, image)
        # Of other tags than before, all are new.
        if before is not None and before.basis == target.tags:
            for image in sorted(images - set(known)):
                self._tell(target.name, image, What.TAG_APPEARED, "the tag is new")
        after = self._succeeded(target.name, listing, before or Known())
        self._state.put(target.name, listing, replace(after, basis=target.tags))

    def image(self, target: str, image: str, known: Known, result: Checked, basis: str) -> None:
        """A check of an image, whose verdict rests on `basis`."""
        observed = result.observed
        if isinstance(observed, Failure):
            self._failed(target, image, known, observed)
            return
        known = self._succeeded(target, image, known)
        self._state.count(CHECKS, target, observed.outcome.value)
        if observed.outcome.is_refusal:
            self._state.count(REFUSALS, target, observed.layer, observed.reason)
        if tag_moved(known, observed):
            self._state.count(TAG_CHANGES, target)
        if result.is_new:
            self.events += [replace(event, target=target, image=image) for event in changes(known, observed)]
            gone = vanished(known, observed)
            known = replace(known, basis=basis, verified_at=self.now, vanished=gone, observed=observed)
        self._state.put(target, image, replace(known, is_good=observed.outcome is Outcome.VERIFIED))

    def count_failure(self, target: str, kind: str) -> None:
        self._state.count(CHECKS, target, Outcome.ERROR.value)
        self._state.count(CHECK_ERRORS, target, kind)

    def conclude(self, targets: Sequence[Target], seen: RegistriesSeen) -> None:
        """Tell what failed in this round and the one before; where nothing can be checked at a registry, only that."""
        for target in targets:
            if seen.has_failed(target.repository.registry):
                continue
            for image, known in self._state.images(target.name).items():
                if known.failures >= PATIENCE and not known.is_told:
                    message = f"it could not be checked {known.failures} times in a row: {known.problem}"
                    self._tell(target.name, image, What.CANNOT_CHECK, message, error=known.error)
                    self._state.put(target.name, image, replace(known, is_told=True))
        self.events += seen.events(self._state)

    def _succeeded(self, target: str, image: str, known: Known) -> Known:
        """What is known once a check could be done."""
        if known.is_told and known.error == NOT_FOUND:
            self._tell(target, image, What.TAG_APPEARED, "the tag is there")
        elif known.is_told:
            self._tell(target, image, What.CHECKED_AGAIN, "it can be checked again")
        return replace(known, checked_at=self.now, failures=0, error="", problem="", is_told=False)

    def _failed(self, target: str, image: str, known: Known, failure: Failure) -> None:
        """A check could not be done. What is known stays, but for what is certainly true no more."""
        self.count_failure(target, failure.kind)
        before = known.observed
        is_gone = failure.kind in (NOT_FOUND, INCOMPLETE)
        is_other = bool(failure.digest) and before is not None and failure.digest != before.digest
        is_told = known.is_told
        if failure.kind == NOT_FOUND and before is not None and known.error != NOT_FOUND:
            self._tell(target, image, What.TAG_VANISHED, f"{_gone(known)}: {failure.message}")
            is_told = True
        known = replace(
            known,
            is_good=known.is_good and not is_gone and not is_other,
            failures=known.failures + 1,
            error=failure.kind,
            problem=failure.message,
            is_told=is_told,
        )
        self._state.put(target, image, known)

    def _tell(self, target: str, image: str, what: What, message: str, **details: object) -> None:
        self.events.append(Event(what, message, details, target, image))


def _gone(known: Known) -> str:
    named = known.observed.digest if known.observed is not None else ""
    return f"the tag is gone, it named {named or 'what was never checked'}"
