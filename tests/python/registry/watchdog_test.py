"""Calls that are made unless something ends in time."""

import threading
import time

from wasmoci.registry.deadline import Watchdog


def test_what_does_not_end_in_time_is_interrupted_in_the_order_of_the_ends() -> None:
    dog, called, all_called = Watchdog(), list[str](), threading.Event()
    dog.begin(all_called.set, 0.3)
    dog.begin(lambda: called.append("second"), 0.2)
    dog.begin(lambda: called.append("first"), 0.1)
    assert all_called.wait(20)
    assert called == ["first", "second"]


def test_what_has_ended_is_not() -> None:
    dog, called, later = Watchdog(), list[int](), threading.Event()
    watch = dog.begin(lambda: called.append(1), 0.1)
    dog.begin(later.set, 0.2)
    dog.end(watch)
    dog.end(watch)
    assert later.wait(20)
    assert called == []


def test_a_call_that_fails_does_not_keep_the_next() -> None:
    def fail() -> None:
        raise AttributeError

    dog, called = Watchdog(), threading.Event()
    dog.begin(fail, 0.01)
    dog.begin(called.set, 0.02)
    assert called.wait(20)


def test_a_later_watch_may_end_earlier() -> None:
    dog, called = Watchdog(), threading.Event()
    dog.begin(lambda: None, 3600)
    time.sleep(0.1)
    dog.begin(called.set, 0.01)
    assert called.wait(20)


def test_what_has_ended_is_not_kept() -> None:
    dog = Watchdog()
    for _ in range(1000):
        dog.end(dog.begin(lambda: None, 3600))
    assert not dog._watches


def test_one_thread_watches_all() -> None:
    dog, before = Watchdog(), threading.active_count()
    called = [threading.Event() for _ in range(200)]
    with_many = [dog.begin(event.set, 0.001 * number) for number, event in enumerate(called)]
    assert threading.active_count() == before + 1
    assert all(event.wait(20) for event in called)
    for watch in with_many:
        dog.end(watch)
