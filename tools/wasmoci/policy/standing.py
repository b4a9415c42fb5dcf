"""Whether a signature counts, by when it was there: a key that has ended may have signed before.

A log or a time stamping authority vouches for a time. Where none does, the clock tells whether the signer has ended
by now, which is all that can be known; and where no clock may be read, nothing is.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from enum import IntEnum

from wasmoci.policy.signers import Signer

# So long before a signer ends it is a warning that the clock decided.
_NEAR = timedelta(days=30)


class Standing(IntEnum):
    """Whether what a signer signed counts; greater is better. ENDING is by the clock too, and soon over."""

    MISSING = 0
    ENDED = 1
    UNKNOWN = 2
    ENDING = 3
    BY_CLOCK = 4
    COUNTS = 5

    @property
    def is_enough(self) -> bool:
        return self >= Standing.ENDING


_NOT_YET = "{name} ends {ends}, and the clock of this machine says that it has not yet"
# What is said of a signer whose signatures count not, or only as far as a clock knows.
REMARKS = {
    Standing.ENDED: "{name}, who ended {ends}, does not count",
    Standing.UNKNOWN: (
        "{name} ends {ends}, no log and no time stamp says that it signed before, and no clock is read here: of a "
        "build's tests and actions only a test with `uses_clock = True` reads one"
    ),
    Standing.ENDING: _NOT_YET,
    Standing.BY_CLOCK: _NOT_YET,
}


def standing(signer: Signer, times: Iterable[int | None], today: date | None) -> Standing:
    """The best standing of several signatures by `signer`.

    `times` are those that are vouched for, in seconds since 1970, None for a signature without one. `today` None: no
    clock may be read.
    """
    return max((_of_one(signer, time, today) for time in times), default=Standing.MISSING)


def _of_one(signer: Signer, time: int | None, today: date | None) -> Standing:
    if signer.ends is None:
        return Standing.COUNTS
    if time is not None:
        return Standing.COUNTS if datetime.fromtimestamp(time, timezone.utc).date() < signer.ends else Standing.ENDED
    if today is None:
        return Standing.UNKNOWN
    if today >= signer.ends:
        return Standing.ENDED
    return Standing.ENDING if signer.ends - today <= _NEAR else Standing.BY_CLOCK
