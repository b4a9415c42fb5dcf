"""How far a transfer is: what is told of blobs, bars on a terminal, lines elsewhere."""

import io
import itertools
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from image_fixtures import HELLO
from publish_fixtures import PATH
from registry_fixtures import client_of, no_sleep
from wasmoci.commands.report.progress_bars import MIN_SHOWN_SIZE
from wasmoci.oci.manifest import Descriptor
from wasmoci.package.image import PackageRequest, package
from wasmoci.registry import upload, upload_chunks
from wasmoci.registry.upload_chunks import UPLOAD_BLOCK_SIZE
from wasmoci.registry_server import handler as server_handler
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.registry_server.storage import append
from wasmoci.wasm.sections import custom_section

CONTENT = bytes(range(256)) * 2048
BLOB = Descriptor.of("x", CONTENT)


def source() -> BinaryIO:
    return io.BytesIO(CONTENT)


def test_the_bytes_of_a_blob_are_told_as_the_connection_takes_them(tmp_path: Path) -> None:
    told: list[tuple[Descriptor, int]] = []
    with EmbeddedRegistry(tmp_path) as registry, client_of(registry.address) as client:
        client.put_blobs([(BLOB, source)], lambda *_: None, moved=lambda *moved: told.append(moved))
        client.put_blobs([(BLOB, source)], lambda *_: None, moved=lambda *moved: told.append(moved))
    assert told == [(BLOB, end) for end in range(UPLOAD_BLOCK_SIZE, BLOB.size + 1, UPLOAD_BLOCK_SIZE)]


def test_after_a_broken_connection_what_is_told_is_what_the_registry_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk, kept = 4 * UPLOAD_BLOCK_SIZE, UPLOAD_BLOCK_SIZE + 100
    monkeypatch.setattr(upload, "MAX_SINGLE_SIZE", 0)
    monkeypatch.setattr(upload, "FIRST_CHUNK_SIZE", 0)
    monkeypatch.setattr(upload_chunks, "CHUNK_SIZE", chunk)
    breaks = [True]

    def breaking(file: Path, blocks: Iterator[bytes]) -> int:
        size = append(file, blocks)
        if breaks and breaks.pop():
            os.truncate(file, kept)
            raise ConnectionResetError
        return size

    monkeypatch.setattr(server_handler, "append", breaking)
    told: list[int] = []
    with EmbeddedRegistry(tmp_path) as registry, client_of(registry.address, sleep=no_sleep) as client:
        client.put_blobs([(BLOB, source)], lambda *_: None, moved=lambda _, moved: told.append(moved))
        assert client.read_blob(BLOB, BLOB.size) == CONTENT
    backward = [(before, after) for before, after in itertools.pairwise(told) if after < before]
    assert backward == [(chunk, kept + UPLOAD_BLOCK_SIZE)]
    assert told[-1] == BLOB.size


def run_on_a_terminal(command: list[str], environment: dict[str, str]) -> tuple[str, str]:
    """What the program writes to a terminal as stderr, and to a pipe as stdout."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 65536):
            shown += block
    except OSError:
        # Linux says so when the other end is closed.
        pass
    finally:
        os.close(ours)
    out, _ = process.communicate()
    assert process.returncode == 0, shown.decode() + out.decode()
    return shown.decode(), out.decode()


@pytest.fixture(name="command")
def _command(tmp_path: Path) -> Iterator[list[str]]:
    """Publishes a component that is large enough for a bar."""
    component = tmp_path / "large.wasm"
    component.write_bytes(HELLO + custom_section("large", os.urandom(2 * MIN_SHOWN_SIZE)))
    package(PackageRequest(component, tmp_path / "layout", "large.wasm", "v1"))
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        code = "from wasmoci.commands.main import main; main()"
        to = [f"{registry.address}/{PATH}", "--tag", "v1", "--insecure-registry", registry.address]
        yield [sys.executable, "-c", code, "publish", str(tmp_path / "layout"), *to, "--require", "none"]


def environment(**more: str) -> dict[str, str]:
    path = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    return {**path, "TERM": "xterm-256color", "COLUMNS": "120", **more}


BAR, ESCAPE = "━", "\x1b["


def test_bars_on_a_terminal_and_the_report_elsewhere(command: list[str]) -> None:
    shown, out = run_on_a_terminal(command, environment())
    assert BAR in shown
    assert "MiB" in shown
    assert "the registry's copy is verified" in shown
    assert ESCAPE not in out
    assert out.startswith("published ")


@pytest.mark.parametrize("variables", [{"CI": "true"}, {"TERM": "dumb"}], ids=str)
def test_lines_where_nobody_watches_the_terminal(variables: dict[str, str], command: list[str]) -> None:
    shown, _ = run_on_a_terminal(command, environment(**variables))
    assert "the registry's copy is verified" in shown
    assert BAR not in shown
    assert ESCAPE not in shown


def test_nothing_where_nothing_is_wanted(command: list[str]) -> None:
    shown, out = run_on_a_terminal([*command, "--quiet"], environment())
    assert shown == out == ""


def test_lines_without_a_terminal(command: list[str]) -> None:
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert "the registry's copy is verified" in ran.stderr
    assert BAR not in ran.stderr
    assert ESCAPE not in ran.stderr


HOSTILE = "tag \x1b[31mred\r\x07 [bold]bold[/bold] :smile: \u202e"
PRINTS = f"""
import wasmoci.commands.main
from wasmoci.commands.options.declared import command
from wasmoci.commands.report.output import Report
from wasmoci.commands.report.progress import progress_output
@command()
def main():
    with progress_output() as progress:
        progress.step({HOSTILE!r})
    return Report([], {{}})
main()
"""


@pytest.mark.parametrize("ci", ["", "true"])
def test_text_from_outside_does_not_steer_the_terminal(ci: str) -> None:
    shown, _ = run_on_a_terminal([sys.executable, "-c", PRINTS], environment(CI=ci))
    assert "\\x1b[31mred\\r\\x07 [bold]bold[/bold] :smile: \\u202e" in shown
    for character in ("\x1b[31m", "\x07", "\u202e"):
        assert character not in shown
