"""Jobs that run at the same time: so many as the lane has room for, of all who use it."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, wait
from functools import partial
from typing import TypeVar

from wasmoci.values.errors import Error

_Result = TypeVar("_Result")


class Lane:
    """Threads that are shared by all who have jobs, which must not wait for other jobs of the same lane.

    A thread lives while there are jobs, and keeps no program from ending. `narrow`, called by a job, halves the number
    of jobs that run at the same time: once for all that ran together. It grows again by one whenever as many as may
    run have ended well.
    """

    def __init__(self, width: int) -> None:
        """Start no thread yet; there are at most `width`."""
        self._width = self.width_now = width
        self._room = threading.Condition()
        self._waiting: deque[Callable[[], bool]] = deque()
        self._threads = 0
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
        raised when no job runs any more; what interrupts the caller, as a key does, at once.
        """
        stop = stop or threading.Event()
        failures: list[Exception] = []

        def run(job: Callable[[], _Result], future: "Future[_Result]") -> bool:
            """Return whether it ended well, or did not begin."""
            if not future.set_running_or_notify_cancel():
                return True
            if stop.is_set():
                future.set_exception(CancelledError())
                return True
            try:
                future.set_result(job())
            except BaseException as error:
                if isinstance(error, Exception):
                    failures.append(error)
                stop.set()
                future.set_exception(error)
                return False
            return True

        futures: list[Future[_Result]] = [Future() for _ in jobs]
        results: list[_Result] = []
        try:
            self._submit([partial(run, job, future) for job, future in zip(jobs, futures, strict=True)])
            for number, future in enumerate(futures):
                results.append(future.result())
                done(number, results[-1])
        except BaseException as error:
            stop.set()
            for future in futures:
                future.cancel()
            if not isinstance(error, Exception):
                raise
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

    def _submit(self, jobs: Sequence[Callable[[], bool]]) -> None:
        with self._room:
            self._waiting.extend(jobs)
            while self._threads < min(self._width, self._running + len(self._waiting)):
                self._threads += 1
                threading.Thread(target=self._work, name="lane", daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            self._end(job())

    def _next(self) -> Callable[[], bool] | None:
        """The next job, when there is room for it; None where no job waits."""
        with self._room:
            while self._waiting and self._running >= self.width_now:
                self._room.wait()
            if not self._waiting:
                self._threads -= 1
                return None
            self._running += 1
            self._seen.narrowed = self._narrowed
            return self._waiting.popleft()

    def _end(self, ended_well: bool) -> None:
        with self._room:
            self._running -= 1
            if ended_well and self.width_now < self._width and self._seen.narrowed == self._narrowed:
                self._ended_well += 1
                if self._ended_well >= self.width_now:
                    self._ended_well = 0
                    self.width_now += 1
            self._room.notify_all()


def outcome(ask: Callable[[], object]) -> Callable[[], object]:
    """Ask; what is returned gives the answer, or raises the Error that there was instead."""
    try:
        answer = ask()
    except Error as error:
        return partial(_raise, error)
    return lambda: answer


def _raise(error: Error) -> object:
    raise error
