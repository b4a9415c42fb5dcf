"""Fails every test in which a secret leaves the code under test by a door that it was not meant for.

Secrets of tests are marked strings, `marked-…` in any case, and the private keys that the code holds.
Watched are the command lines of the programs that the code starts and what it adds to their
environment, what it prints, its errors, and what is logged or captured while a test runs.
"""

import base64
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import click
import pytest
from cryptography.hazmat.primitives import serialization

import wasmoci
from wasmoci.keys.image import FileKey
from wasmoci.values.errors import Error

_PACKAGE = str(Path(wasmoci.__file__).parent)
_MIN_LINE = 40

_leaks: list[str] = []
_keys: set[str] = set()


def _encoded(word: bytes) -> Iterator[str]:
    """What Base64 makes of `word` wherever it begins, less the characters that its neighbours change."""
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + word).decode().rstrip("=")
        yield text[-(-offset * 8 // 6) : (offset + len(word)) * 8 // 6]


_WORDS = [re.escape(text) for word in (b"MARKED-", b"marked-") for text in _encoded(word)]
_MARKED = re.compile("|".join(["(?i:marked-[-_a-z0-9]+)", *_WORDS]))


def secrets_in(text: str) -> list[str]:
    """The marks and private keys in a text."""
    return [*_MARKED.findall(text), *(key for key in _keys if key in text)]


def _watch(door: str, text: str) -> None:
    if secrets_in(text):
        _leaks.append(f"{door}: {text}")


def _started_by_us() -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(_PACKAGE):
            return True
        frame = frame.f_back
    return False


def _text(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, (bytes, str, os.PathLike)) else str(value)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and _started_by_us():
        _, command, _, environment = arguments
        _watch_program(command, environment)
    elif event in ("os.exec", "os.posix_spawn") and _started_by_us():
        _, command, environment = arguments
        _watch_program(command, environment)
    elif event == "os.system" and _started_by_us():
        _watch_program(arguments[0], None)


def _watch_program(command: object, environment: Mapping[Any, Any] | None) -> None:
    words: Iterable[object] = command if isinstance(command, (list, tuple)) else [command]
    _watch("command line", " ".join(map(_text, words)))
    for name, value in (environment or {}).items():
        if os.environ.get(_text(name)) != _text(value):
            _watch("environment of a program", f"{_text(name)}={_text(value)}")


class _LogWatch(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _watch("log", self.format(record))


def _watched_key(original: Any) -> Any:
    def init(self: FileKey, key: Any) -> None:
        original(self, key)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _keys.update(line for line in pem.decode().splitlines() if len(line) >= _MIN_LINE)

    return init


def _watched_error(original: Any) -> Any:
    def init(self: Error, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        _watch("error", " ".join(map(str, self.args)))

    return init


def _watched_echo(original: Any) -> Any:
    def echo(message: object = None, *arguments: Any, **named: Any) -> None:
        _watch("output", _text(message))
        original(message, *arguments, **named)

    return echo


def pytest_configure() -> None:
    sys.addaudithook(_audit)
    logging.getLogger().addHandler(_LogWatch())
    FileKey.__init__ = _watched_key(FileKey.__init__)  # type: ignore[method-assign]
    Error.__init__ = _watched_error(Error.__init__)  # type: ignore[method-assign]
    click.echo = _watched_echo(click.echo)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names of tests are shown everywhere, so no secret is part of one."""
    return f"{argname} with a secret" if _MARKED.search(_text(val)) else None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    for name, content in report.sections:
        if report.when in name:
            _watch(name, content)
    if _leaks and report.when != "setup":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: a secret leaves by\n" + "\n".join(_leaks)
        _leaks.clear()
