"""Lanes: how many jobs run at the same time, when a peer says that it is asked too much, and afterwards."""

import threading
import time

import pytest

from wasmoci.values.errors import Error
from wasmoci.values.lanes import Lane

WIDTH = 8


class Jobs:
    """Jobs that run until `together` of them do; how many that were at most."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def job(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05)
        with self._lock:
            self._now -= 1


def most_of(lane: Lane) -> int:
    """How many jobs a lane runs at the same time."""
    jobs = Jobs(lane)
    lane.run([jobs.job] * lane.width_now)
    return jobs.most


def test_jobs_that_run_together_halve_the_width_once() -> None:
    lane = Lane(WIDTH)
    all_run = threading.Barrier(WIDTH)

    def too_many() -> None:
        all_run.wait(20)
        lane.narrow()
        all_run.wait(20)

    lane.run([too_many] * WIDTH)
    assert lane.width_now == WIDTH // 2
    assert most_of(lane) <= WIDTH // 2 + 1


def test_each_later_job_halves_it_again_and_one_is_left() -> None:
    lane = Lane(WIDTH)
    widths = []
    for _ in range(5):
        lane.run([lane.narrow])
        widths.append(lane.width_now)
    assert widths == [4, 2, 1, 1, 1]


def test_it_grows_by_one_when_as_many_as_may_run_have_ended_well() -> None:
    lane = Lane(WIDTH)
    lane.run([lane.narrow])
    widths = []
    for _ in range(20):
        lane.run([lambda: None])
        widths.append(lane.width_now)
    assert [widths.index(width) + 1 for width in (5, 6, 7)] == [4, 9, 15]
    lane.run([lambda: None] * 50)
    assert lane.width_now == WIDTH


def test_jobs_that_fail_let_it_not_grow() -> None:
    lane = Lane(WIDTH)
    lane.run([lane.narrow])

    def fail() -> None:
        raise Error("no")

    for _ in range(20):
        with pytest.raises(Error, match="no"):
            lane.run([fail])
    assert lane.width_now == WIDTH // 2


def test_who_runs_no_job_narrows_nothing() -> None:
    lane = Lane(WIDTH)
    lane.narrow()
    assert lane.width_now == WIDTH


def test_callers_share_the_width() -> None:
    lane = Lane(WIDTH)
    jobs = Jobs(lane)
    callers = [threading.Thread(target=lane.run, args=([jobs.job] * 6,)) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert jobs.most == WIDTH


def test_one_callers_failure_is_no_others() -> None:
    lane = Lane(WIDTH)
    begun, failed = threading.Event(), threading.Event()

    def fail() -> None:
        begun.wait(20)
        failed.set()
        raise Error("no")

    def wait() -> str:
        begun.set()
        failed.wait(20)
        return "well"

    with pytest.raises(Error, match="no"):
        other = threading.Thread(target=lambda: results.extend(lane.run([wait, wait])))
        results: list[str] = []
        other.start()
        lane.run([fail, fail])
    other.join()
    assert results == ["well", "well"]
