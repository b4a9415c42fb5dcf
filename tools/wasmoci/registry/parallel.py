"""A few jobs at a time, all or none."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TypeVar

MAX_PARALLEL = 4

_Result = TypeVar("_Result")


def run_parallel(
    jobs: Sequence[Callable[[], _Result]], stop: threading.Event, done: Callable[[int, _Result], object]
) -> None:
    """Run `jobs`, MAX_PARALLEL at a time; tell `done` each one's number and result, in their order.

    On a failure `stop` is set, which running jobs should heed, and no other job begins. What failed
    first is raised when no job runs any more.
    """
    failures: list[Exception] = []

    def run(job: Callable[[], _Result]) -> _Result:
        if stop.is_set():
            raise CancelledError
        try:
            return job()
        except Exception as error:
            failures.append(error)
            stop.set()
            raise

    with ThreadPoolExecutor(MAX_PARALLEL) as threads:
        futures = [threads.submit(run, job) for job in jobs]
        try:
            for number, future in enumerate(futures):
                done(number, future.result())
        except BaseException:
            stop.set()
            threads.shutdown(cancel_futures=True)
            if failures:
                raise failures[0] from None
            raise
