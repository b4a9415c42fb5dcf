"""A persistent worker: what Bazel says to it, one JSON object a line, and the loop that answers.

Requests are worked on many at a time, one thread each, and nothing is kept between them. Source: Bazel 7.7,
`worker_protocol.proto` in its JSON form, in which members with default values are absent. Members that are not known
here mean nothing, as the protocol has it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock
from typing import BinaryIO

from wasmoci.values.errors import FormatError
from wasmoci.values.strict_json import dump, parse_object

MAX_REQUEST_SIZE = 64 * 1024 * 1024
MAX_ARGUMENTS = 100_000
MAX_THREADS = 32

# Seconds that a request waits for the one before it: many times what one takes that has no large file.
PATIENCE = 0.1


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """One call of the tool, or with `cancel` the wish that the one with the same `request_id` had not been made.

    Paths are relative to `sandbox`, a folder; to where the worker stands where it is empty.
    """

    request_id: int
    arguments: tuple[str, ...] = ()
    sandbox: str = ""
    cancel: bool = False

    @classmethod
    def parse(cls, line: bytes) -> "WorkRequest":
        """Raises FormatError, LimitError."""
        members = parse_object(line, "a work request", MAX_REQUEST_SIZE)
        return cls(
            request_id=members.integer("requestId") if "requestId" in members else 0,
            arguments=tuple(members.strings("arguments", MAX_ARGUMENTS)) if "arguments" in members else (),
            sandbox=members.optional_string("sandboxDir") or "",
            cancel="cancel" in members and members.boolean("cancel"),
        )


@dataclass(frozen=True, slots=True)
class WorkResponse:
    """The answer to a request: the exit code and all that was printed, or that it was cancelled."""

    request_id: int
    exit_code: int = 0
    output: str = ""
    was_cancelled: bool = False

    def to_line(self) -> bytes:
        members = {"exitCode": self.exit_code, "output": self.output, "requestId": self.request_id}
        return dump(members | ({"wasCancelled": True} if self.was_cancelled else {})) + b"\n"


Work = Callable[[WorkRequest], tuple[int, str]]


def serve(work: Work, requests: BinaryIO, responses: BinaryIO) -> None:
    """Answer each request with the exit code and the output of `work`, until there is no more.

    A request that is cancelled before it began is not worked on; one that runs is let run, as its outputs appear
    whole or not at all, and answered as cancelled. Raises FormatError for what is no request, when all those
    before it are answered.
    """
    worker = _Worker(work, responses)
    with ThreadPoolExecutor(MAX_THREADS) as threads:
        while line := requests.readline(MAX_REQUEST_SIZE + 1):
            request = WorkRequest.parse(line)
            if request.cancel:
                worker.cancel(request.request_id)
            else:
                threads.submit(worker.answer, request, worker.begin(request.request_id))


class _Worker:
    def __init__(self, work: Work, responses: BinaryIO) -> None:
        self._work = work
        self._responses = responses
        self._lock = Lock()
        self._turn = Lock()
        self._cancelled: dict[int, Event] = {}

    def begin(self, request_id: int) -> Event:
        with self._lock:
            if request_id in self._cancelled:
                raise FormatError(f"a work request has the number {request_id} of one that has no answer yet")
            return self._cancelled.setdefault(request_id, Event())

    def cancel(self, request_id: int) -> None:
        """A request that has its answer already stays as it is."""
        with self._lock:
            if request_id in self._cancelled:
                self._cancelled[request_id].set()

    def answer(self, request: WorkRequest, cancelled: Event) -> None:
        with self._in_turn():
            code, output = (0, "") if cancelled.is_set() else self._work(request)
        with self._lock:
            del self._cancelled[request.request_id]
            response = (
                WorkResponse(request.request_id, was_cancelled=True)
                if cancelled.is_set()
                else WorkResponse(request.request_id, code, output)
            )
            # The requests of a Bazel that has gone end, too.
            with suppress(BrokenPipeError):
                self._responses.write(response.to_line())
                self._responses.flush()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait until no other request is worked on, but not long for one that is slow.

        Threads of Python that all have little to do hold each other up, at twice the cost.
        """
        taken = self._turn.acquire(timeout=PATIENCE)
        try:
            yield
        finally:
            if taken:
                self._turn.release()
