"""Blobs in parallel: at most some at once, and the first failure stops the others."""

import io
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from registry_fixtures import client_of
from wasmoci.oci.manifest import Descriptor
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.errors import Error
from wasmoci.values.lanes import Lane

WIDTH = 4


class Gauge:
    """How many jobs run at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def job(self) -> int:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        with self._lock:
            self.now -= 1
        return self.most


def test_jobs_run_at_the_same_time_and_not_all() -> None:
    gauge = Gauge()
    order: list[int] = []
    Lane(WIDTH).run([gauge.job] * 20, lambda number, _: order.append(number))
    assert gauge.most == WIDTH
    assert order == list(range(20))


def test_a_failure_stops_the_jobs_that_run_and_those_that_wait() -> None:
    stop = threading.Event()
    begun: list[int] = []
    ended: list[int] = []

    def job(number: int) -> Callable[[], None]:
        def run() -> None:
            begun.append(number)
            if number == 1:
                raise Error("the first failure")
            assert stop.wait(20)
            ended.append(number)
            raise Error("stopped")

        return run

    with pytest.raises(Error, match="the first failure"):
        Lane(WIDTH).run([job(number) for number in range(20)], stop=stop)
    assert set(begun) <= set(range(WIDTH))
    assert sorted([*ended, 1]) == sorted(begun)


def test_the_interrupt_key_stops_all() -> None:
    stop = threading.Event()

    def wait() -> None:
        assert stop.wait(20)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Lane(WIDTH).run([lambda: None, wait, wait], interrupted, stop)
    assert stop.is_set()


def test_the_interrupt_key_waits_for_no_job() -> None:
    """A registry may hang, and what has no answer does not hear of it."""
    hangs, begun = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        hangs.wait(20)

    def interrupted(*_: object) -> None:
        assert begun.wait(20)
        raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Lane(WIDTH).run([lambda: None, hang], interrupted)
    assert time.monotonic() - start < 15
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "lane")
    hangs.set()


def blob(number: int) -> tuple[Descriptor, Callable[[], BinaryIO]]:
    data = bytes([number]) * 200_000
    return Descriptor.of("application/octet-stream", data), lambda: io.BytesIO(data)


def test_many_blobs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blobs = [blob(number) for number in range(12)]
    sent: list[tuple[Descriptor, bool]] = []
    with EmbeddedRegistry(tmp_path) as registry, client_of(registry.address) as client:
        client.put_blob(*blobs[3])
        client.put_blobs(blobs, lambda descriptor, uploaded: sent.append((descriptor, uploaded)))
        assert all(client.has_blob(descriptor) for descriptor, _ in blobs)
    assert sent == [(descriptor, number != 3) for number, (descriptor, _) in enumerate(blobs)]
    assert "pool is full" not in caplog.text


class Endless(io.BytesIO):
    """A source that would go on for ever."""

    def read(self, size: int | None = -1) -> bytes:
        time.sleep(0.01)
        return bytes(size or 0)


def test_a_blob_that_fails_stops_the_others(tmp_path: Path) -> None:
    opened: list[Endless] = []

    def endless() -> BinaryIO:
        opened.append(Endless())
        return opened[-1]

    def failing() -> BinaryIO:
        while len(opened) < 2:
            time.sleep(0.01)
        raise OSError("the disk is broken")

    huge = [(Descriptor("x", blob(number)[0].digest, 16 * 1024 * 1024), endless) for number in (1, 2)]
    with (
        EmbeddedRegistry(tmp_path) as registry,
        client_of(registry.address) as client,
        pytest.raises(Error, match="the disk is broken"),
    ):
        client.put_blobs([*huge, (blob(3)[0], failing)], lambda *_: None)
    assert all(source.closed for source in opened)
