"""Jobs that run at the same time: so many as the lane has room for, of all who use it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

_Result = TypeVar("_Result")


class Lane:
    """Threads that are shared by all who have jobs, which must not wait for other jobs of the same lane.

    `narrow`, called by a job, halves the number of jobs that run at the same time: once for all that ran together.
    It grows again by one whenever as many as may run have ended well.
    """

    def __init__(self, width: int) -> None:
        """Start no thread yet; there are at most `width`."""
        self._threads = ThreadPoolExecutor(width)
        self._room = threading.Condition()
        self._width = self.width_now = width
        self._running = 0
        self._ended_well = 0
        # How often it was narrowed, and how often when a thread's job began.
        self._narrowed = 0
        self._seen = threading.local()

    def run(
        self,
        jobs: Sequence[Callable[[], _Result]],
        done: Callable[[int, _Result], object] = lambda _number, _result: None,
        stop: threading.Event | None = None,
    ) -> list[_Result]:
        """Run all, and give their results; `done` is told each one's number and result, in their order.

        On a failure `stop` is set, which running jobs should heed, and no other job begins. What failed first is
        raised when no job runs any more.
        """
        stop = stop or threading.Event()
        failures: list[Exception] = []

        def run(job: Callable[[], _Result]) -> _Result:
            if stop.is_set():
                raise CancelledError
            try:
                with self._place():
                    return job()
            except Exception as error:
                failures.append(error)
                stop.set()
                raise

        futures: list[Future[_Result]] = []
        results: list[_Result] = []
        try:
            futures += [self._threads.submit(run, job) for job in jobs]
            for number, future in enumerate(futures):
                results.append(future.result())
                done(number, results[-1])
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            wait(futures)
            if failures:
                raise failures[0] from None
            raise
        return results

    def narrow(self) -> None:
        """Called by a job whose peer says that it is asked too much; nothing where another of its time did before."""
        with self._room:
            if getattr(self._seen, "narrowed", None) == self._narrowed:
                self._narrowed += 1
                self._ended_well = 0
                self.width_now = max(1, self.width_now // 2)

    def close(self) -> None:
        """Let the threads end; no job begins any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._room:
            while self._running >= self.width_now:
                self._room.wait()
            self._running += 1
            self._seen.narrowed = self._narrowed
        ended_well = False
        try:
            yield
            ended_well = True
        finally:
            with self._room:
                self._running -= 1
                if ended_well and self.width_now < self._width and self._seen.narrowed == self._narrowed:
                    self._ended_well += 1
                    if self._ended_well >= self.width_now:
                        self._ended_well = 0
                        self.width_now += 1
                self._seen.narrowed = None
                self._room.notify_all()
