"""When a request is sent again, and how long after."""

import random

import urllib3
from urllib3.exceptions import InvalidHeader

MAX_ATTEMPTS = 4
MAX_PAUSE_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 1.0

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


def pause_seconds(attempt: int, retry_after: str | None) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 0).

    What the registry asks for in Retry-After (RFC 9110: seconds or a date), at most MAX_PAUSE_SECONDS;
    without it, anything up to a limit that doubles each time, so that many clients do not come back together.
    """
    if retry_after is not None:
        try:
            asked: float = urllib3.Retry().parse_retry_after(retry_after)
            return min(asked, MAX_PAUSE_SECONDS)
        except InvalidHeader:
            pass
    return random.uniform(0, min(FIRST_PAUSE_SECONDS * 2.0**attempt, MAX_PAUSE_SECONDS))  # noqa: S311
