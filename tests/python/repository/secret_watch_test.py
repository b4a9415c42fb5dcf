"""The watch of tests/conftest.py sees a secret at each door, so that its silence means something."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wasmoci

CONFTEST = Path(__file__).parents[2] / "conftest.py"

PROGRAM = """\
import base64, logging, os, subprocess, sys
import click
import pytest
from wasmoci.values.errors import Error
from wasmoci.keys.image import FileKey

WORD = "marked-word"
TRUE = [sys.executable, "-c", ""]

@pytest.mark.parametrize("statement", {statements!r}.values(), ids={statements!r})
def test(statement):
    exec(compile(statement, {file!r}, "exec"))
"""

LEAKS = {
    "output": "click.echo(WORD)",
    "output_in_base64": "click.echo(base64.b64encode(b'user:' + WORD.encode()))",
    "output_of_a_key": "click.echo(FileKey.generate().pem())",
    "captured_output": "print(WORD)",
    "log": "logging.getLogger('a').warning('%s', WORD)",
    "error": "Error(WORD)",
    "command_line": "subprocess.run([*TRUE, WORD], check=True)",
    "environment": "subprocess.run(TRUE, check=True, env={**os.environ, 'A': WORD})",
    "command_line_of_spawn": "os.waitpid(os.posix_spawn(TRUE[0], [*TRUE, WORD], os.environ), 0)",
    "environment_of_spawn": "os.waitpid(os.posix_spawn(TRUE[0], TRUE, {'A': WORD}), 0)",
    "command_line_of_a_shell": "os.system('true ' + WORD)",
}
HARMLESS = {
    "inherited_environment": "os.environ['A'] = WORD; subprocess.run(TRUE, check=True, env={**os.environ})",
    "other_words": "click.echo('remarkable'); Error('marked'); subprocess.run([*TRUE, 'x'], check=True)",
}


@pytest.fixture(name="outcomes", scope="module")
def _outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What pytest says of a test that runs each statement as if our code did."""
    folder = tmp_path_factory.mktemp("watched")
    test = folder / "leak_test.py"
    test.write_text(
        PROGRAM.format(statements={**LEAKS, **HARMLESS}, file=str(Path(wasmoci.__file__).parent / "any.py"))
    )
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", str(test), f"--rootdir={folder}"],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    return {name: verdict for verdict, name in re.findall(r"^([A-Z]+) leak_test.py::test\[(\w+)\]", ran.stdout, re.M)}


def test_leaks_fail_and_nothing_else_does(outcomes: dict[str, str]) -> None:
    assert outcomes == {**dict.fromkeys(LEAKS, "FAILED"), **dict.fromkeys(HARMLESS, "PASSED")}
