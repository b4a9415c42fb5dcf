"""The worker's protocol: what is a request, how it is cancelled, and what ends the worker."""

import io
import json
import os
import threading
import time
from pathlib import Path

import pytest

from tool_fixtures import tool_command, worker
from wasmoci.bazel.worker import serve
from wasmoci.bazel.worker.arguments import MAX_PARAMS_SIZE, arguments_of, expanded
from wasmoci.bazel.worker.serve import WorkRequest, WorkResponse
from wasmoci.values.errors import Error, FormatError, LimitError

SECONDS = 30


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{}", WorkRequest(0)),
        (
            b'{"arguments":["a","--b=\xc3\xa9"],"inputs":[{"path":"x","digest":"AA=="}],"requestId":7,"verbosity":1}',
            WorkRequest(7, ("a", "--b=\u00e9")),
        ),
        (b'{"requestId":7,"sandboxDir":"__sandbox/1/_main"}', WorkRequest(7, sandbox="__sandbox/1/_main")),
        (b'{"requestId":7,"cancel":true,"newMember":{"a":[1]}}', WorkRequest(7, cancel=True)),
    ],
)
def test_a_request(line: bytes, expected: WorkRequest) -> None:
    assert WorkRequest.parse(line + b"\n") == expected


MALFORMED = [
    b"nonsense",
    b"[]",
    b"null",
    b'{"arguments": "a"}',
    b'{"arguments": [1]}',
    b'{"requestId": "1"}',
    b'{"requestId": -1}',
    b'{"requestId": 1.5}',
    b'{"requestId": true}',
    b'{"sandboxDir": 1}',
    b'{"cancel": "yes"}',
    b'{"requestId": 1, "requestId": 2}',
    b'{"arguments": ["half a lin',
    b"\xff",
    b"",
]


@pytest.mark.parametrize("line", MALFORMED)
def test_no_request(line: bytes) -> None:
    with pytest.raises(FormatError, match="a work request"):
        WorkRequest.parse(line + b"\n")


def test_a_request_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    line = b'{"arguments":["aaaaaaaaaa"]}'
    monkeypatch.setattr(serve, "MAX_REQUEST_SIZE", len(line))
    assert WorkRequest.parse(line).arguments == ("a" * 10,)
    with pytest.raises(LimitError, match=f"the limit is {len(line)}"):
        WorkRequest.parse(line + b" ")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (WorkResponse(1), {"exitCode": 0, "output": "", "requestId": 1}),
        (WorkResponse(2, 3, "a\nb"), {"exitCode": 3, "output": "a\nb", "requestId": 2}),
        (WorkResponse(0, was_cancelled=True), {"exitCode": 0, "output": "", "requestId": 0, "wasCancelled": True}),
    ],
)
def test_a_response_is_one_line(response: WorkResponse, expected: dict[str, object]) -> None:
    line = response.to_line()
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    assert json.loads(line) == expected


@pytest.mark.parametrize("line", [one for one in MALFORMED if one])
def test_what_is_no_request_ends_the_worker_after_those_before_it(line: bytes, tmp_path: Path) -> None:
    with worker(tool_command("image_package"), tmp_path) as process:
        process.send({"requestId": 1, "arguments": ["--help"]})
        process.write(line + b"\n")
        code, responses, log = process.end()
    assert [(one["requestId"], one["exitCode"]) for one in responses] == [(1, 0)]
    assert (code, log.count("\n")) == (1, 1)
    assert log.startswith("image_package: error: a work request")


def test_a_number_is_in_use_until_it_is_answered(tmp_path: Path) -> None:
    with worker(tool_command("image_package"), tmp_path) as process:
        for _ in range(2):
            process.send({"requestId": 5, "arguments": ["--help"]})
            assert process.receive()["requestId"] == 5
        assert process.end() == (0, [], "")


class Work:
    """Work whose requests begin, and wait to be let go."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.at_work = threading.Semaphore(0)
        self.go = threading.Event()

    def __call__(self, request: WorkRequest) -> tuple[int, str]:
        self.begun.append(request.request_id)
        self.at_work.release()
        assert self.go.wait(SECONDS)
        return 1, f"{request.request_id} was worked on"


class Requests(io.BufferedReader):
    """Says when all of them are read."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(io.FileIO(descriptor))
        self.at_end = threading.Event()

    def readline(self, size: int | None = -1) -> bytes:
        line = super().readline(size)
        if not line:
            self.at_end.set()
        return line


class Served:
    """A loop that serves `work`, in a thread of its own."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.responses = io.BytesIO()
        self.error: Error | None = None
        reading, writing = os.pipe()
        self._requests, self._writing = Requests(reading), os.fdopen(writing, "wb")
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        try:
            serve.serve(self.work, self._requests, self.responses)
        except FormatError as error:
            self.error = error
            self._requests.at_end.set()

    def send(self, **request: object) -> None:
        self._writing.write(json.dumps(request).encode() + b"\n")
        self._writing.flush()

    def end(self) -> dict[int, dict[str, object]]:
        """No more requests, and those that wait go on when all are read; the responses by their number."""
        self._writing.close()
        assert self._requests.at_end.wait(SECONDS)
        self.work.go.set()
        self.thread.join(SECONDS)
        self._requests.close()
        responses = [json.loads(line) for line in self.responses.getvalue().splitlines()]
        assert len({one["requestId"] for one in responses}) == len(responses)
        return {one["requestId"]: one for one in responses}


CANCELLED = {"exitCode": 0, "output": "", "wasCancelled": True}


class QuickWork(Work):
    """Work that takes a moment; `together` are the most requests that were worked on at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0
        self.together = 0

    def __call__(self, request: WorkRequest) -> tuple[int, str]:
        self._now += 1
        self.together = max(self.together, self._now)
        time.sleep(0.005)
        self._now -= 1
        return 0, ""


def test_quick_requests_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "PATIENCE", SECONDS)
    work = QuickWork()
    served = Served(work)
    for number in range(1, 9):
        served.send(requestId=number)
    assert set(served.end()) == set(range(1, 9))
    assert work.together == 1


def test_slow_requests_are_worked_on_at_the_same_time() -> None:
    served = Served(Work())
    for number in range(1, 9):
        served.send(requestId=number)
    for _ in range(8):
        assert served.work.at_work.acquire(timeout=SECONDS)
    assert set(served.end()) == set(range(1, 9))


def test_a_request_that_is_cancelled_while_it_runs_is_answered_so() -> None:
    served = Served(Work())
    served.send(requestId=1)
    served.send(requestId=2)
    for _ in range(2):
        assert served.work.at_work.acquire(timeout=SECONDS)
    served.send(requestId=1, cancel=True)
    # Whoever reads this one has read the one before.
    served.send(requestId=3)
    assert served.work.at_work.acquire(timeout=SECONDS)
    responses = served.end()
    assert responses[1] == {"requestId": 1, **CANCELLED}
    assert [responses[number]["output"] for number in (2, 3)] == ["2 was worked on", "3 was worked on"]


def test_a_request_that_is_cancelled_before_it_began_is_not_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "MAX_THREADS", 1)
    served = Served(Work())
    served.send(requestId=1)
    assert served.work.at_work.acquire(timeout=SECONDS)
    served.send(requestId=2)
    served.send(requestId=2, cancel=True)
    responses = served.end()
    assert responses[2] == {"requestId": 2, **CANCELLED}
    assert served.work.begun == [1]


def test_what_is_answered_or_unknown_is_not_cancelled() -> None:
    served = Served(Work())
    served.work.go.set()
    served.send(requestId=9, cancel=True)
    served.send(requestId=1)
    assert served.work.at_work.acquire(timeout=SECONDS)
    responses = served.end()
    assert {number: one["exitCode"] for number, one in responses.items()} == {1: 1}


def test_a_number_that_has_no_answer_yet_is_no_new_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(text: str) -> FormatError:
        served.work.go.set()
        return FormatError(text)

    monkeypatch.setattr(serve, "FormatError", refused)
    served = Served(Work())
    served.send(requestId=1)
    served.send(requestId=1)
    served.thread.join(SECONDS)
    assert list(served.end()) == [1]
    assert served.work.begun == [1]
    assert "the number 1 of one that has no answer yet" in str(served.error)


def test_a_bazel_that_has_gone_is_no_error(tmp_path: Path) -> None:
    with worker(tool_command("image_package"), tmp_path) as process:
        assert process.process.stdout is not None
        process.process.stdout.close()
        process.send({"requestId": 1, "arguments": ["--help"]}, {"requestId": 2, "arguments": ["--help"]})
        assert process.process.stdin is not None
        assert process.process.stderr is not None
        process.process.stdin.close()
        assert (process.process.wait(SECONDS), process.process.stderr.read()) == (0, b"")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ""),
        ("a b", "a b"),
        (r"a\nb", "a\nb"),
        (r"a\rb", "a\rb"),
        (r"a\\nb", r"a\nb"),
        ("@a=%s'\"", "@a=%s'\""),
    ],
)
def test_a_line_is_an_argument(line: str, expected: str, tmp_path: Path) -> None:
    assert arguments_of([line]) == [expected]
    params = tmp_path / "params"
    params.write_text(f"{line}\n--last\n")
    assert expanded([f"@{params}"]) == [expected, "--last"]


@pytest.mark.parametrize("line", [r"\x", "a\\"])
def test_an_unknown_escape_is_refused(line: str) -> None:
    with pytest.raises(FormatError, match="escape that is not known"):
        arguments_of([line])


def test_an_empty_file_has_no_arguments(tmp_path: Path) -> None:
    (tmp_path / "params").touch()
    assert expanded([f"@{tmp_path / 'params'}"]) == []


@pytest.mark.parametrize("words", [[], ["a"], ["@a", "b"], ["a", "@b"], [r"\x"]])
def test_a_command_line_is_as_it_is(words: list[str]) -> None:
    assert expanded(words) == words


def test_a_params_file_must_be_there_and_be_text_within_its_limit(tmp_path: Path) -> None:
    with pytest.raises(Error, match="cannot read the params file"):
        expanded([f"@{tmp_path / 'none'}"])
    (tmp_path / "binary").write_bytes(b"\xff\n")
    with pytest.raises(FormatError, match="is not UTF-8"):
        expanded([f"@{tmp_path / 'binary'}"])
    (tmp_path / "large").write_bytes(b"a" * (MAX_PARAMS_SIZE + 1))
    with pytest.raises(LimitError, match="the limit of"):
        expanded([f"@{tmp_path / 'large'}"])
