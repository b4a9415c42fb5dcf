"""Programs `sigstore-kms-NAME`, the good one and hostile ones."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from key_fixtures import open_component_signer, open_image_signer, public_key_of
from key_service_fixtures import MESSAGE, SECRET, pem, spki, told
from plugin_fixtures import KEYS, install
from wasmoci.keys.services import plugin
from wasmoci.values.base64_strict import encode
from wasmoci.values.errors import KeyFileError, VerificationError

Program = Callable[[str | None], Path]

PEM = encode(pem(KEYS["p256"]).encode())
GOOD_KEY = f"""import json, sys, time, os
method = json.loads(sys.argv[2])["methodName"]
if method == "publicKey":
    print(json.dumps({{method: {{"publicKeyPEM": "{PEM}"}}}}))
    sys.exit()
"""


@pytest.fixture(name="program")
def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return lambda text: install(folder, text)


@pytest.mark.parametrize("name", KEYS)
def test_signs_images(program: Program, name: str) -> None:
    program(None)
    signer = open_image_signer(f"test://{name}")
    assert signer.public_key.spki == spki(KEYS[name])
    message = MESSAGE * 100_000
    signer.public_key.verify(signer.sign(message), message)


def test_signs_components_with_ed25519(program: Program) -> None:
    program(None)
    signer = open_component_signer("test://ed25519")
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)


def test_the_program_gets_what_follows_the_scheme(program: Program) -> None:
    program(
        "import json, sys\n"
        "print(json.dumps({'errorMessage': json.loads(sys.argv[2])['initOptions']['keyResourceID']}))\n"
    )
    with pytest.raises(KeyFileError) as raised:
        public_key_of("test://a/b?c=d")
    assert told(raised) == "sigstore-kms-test refused publicKey: a/b?c=d"


def test_no_program_is_one_line(program: Program) -> None:
    with pytest.raises(KeyFileError) as raised:
        public_key_of("other-hsm://key")
    assert told(raised) == "keys with other-hsm:// need the program sigstore-kms-other-hsm, which is not on PATH"


def test_a_program_that_does_not_start_is_one_line(program: Program, tmp_path: Path) -> None:
    file = program("") / "sigstore-kms-test"
    file.write_text("#!/nonexistent\n")
    with pytest.raises(KeyFileError) as raised:
        public_key_of("test://key")
    assert told(raised) == "sigstore-kms-test cannot be run: No such file or directory"


NONSENSE = "sigstore-kms-test gave an answer that is not in its form"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", NONSENSE),
        (f"print('{SECRET}')", NONSENSE),
        ("print('[]')", NONSENSE),
        ("print('{}')", NONSENSE),
        ("print('{\"publicKey\": {}}')", NONSENSE),
        ('print(\'{"publicKey": {"publicKeyPEM": 5}}\')', NONSENSE),
        ('print(\'{"publicKey": {"publicKeyPEM": "-"}}\')', NONSENSE),
        ('print(\'{"publicKey": {"publicKeyPEM": "AAAA"}}\')', NONSENSE),
        ('print(\'{"publicKey": {"publicKeyPEM": "/w=="}}\')', NONSENSE),
        ("import sys; sys.exit(7)", "sigstore-kms-test failed with exit code 7"),
        (GOOD_KEY.replace("sys.exit()", "sys.exit(7)"), "sigstore-kms-test failed with exit code 7"),
        (
            GOOD_KEY.replace("print(json.dumps({", "print(json.dumps({'errorMessage': 'no', "),
            "sigstore-kms-test refused publicKey: no",
        ),
        ('print(\'{"errorMessage": "no such key"}\')', "sigstore-kms-test refused publicKey: no such key"),
        (
            'import sys; print(\'{"errorMessage": "a\\\\nb"}\'); sys.exit(1)',
            "sigstore-kms-test refused publicKey: a\\nb",
        ),
        (
            "print('{\"errorMessage\": \"' + 'x' * 1000 + '\"}')",
            f"sigstore-kms-test refused publicKey: {'x' * 200}...",
        ),
        ("print('x' * 70_000)", "sigstore-kms-test gave an answer of more than 65536 bytes"),
    ],
)
def test_refusals_and_nonsense_are_one_line(program: Program, text: str, expected: str) -> None:
    program(text)
    with pytest.raises(KeyFileError) as raised:
        public_key_of("test://key")
    assert told(raised) == expected


def test_endless_output_is_cut(program: Program) -> None:
    program("while True: print('x' * 1000)")
    start = time.monotonic()
    with pytest.raises(KeyFileError, match="more than 65536 bytes"):
        public_key_of("test://key")
    assert time.monotonic() - start < 10


def test_a_program_that_hangs_is_killed_with_what_it_started(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "PLUGIN_SECONDS", 1)
    children = tmp_path / "children"
    program(
        f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(children)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
time.sleep(60)
"""
    )
    with pytest.raises(KeyFileError, match="sigstore-kms-test gave no answer within 1 seconds"):
        public_key_of("test://key")
    for process in map(int, children.read_text().split()):
        assert _is_gone(process)


def _is_gone(process: int) -> bool:
    """Whether the process has ended; one that nobody waited for may still have its entry."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    os.kill(process, signal.SIGKILL)
    return False


def test_a_program_that_leaves_its_output_open_is_not_waited_for(program: Program, tmp_path: Path) -> None:
    program(
        GOOD_KEY.replace(
            "    sys.exit()",
            "    sys.stdout.flush()\n    if os.fork() == 0:\n        os.setsid(); time.sleep(5)\n    sys.exit()",
        )
    )
    start = time.monotonic()
    public_key_of("test://key")
    assert time.monotonic() - start < 4


def test_a_program_gets_no_terminal_to_ask_at(program: Program) -> None:
    program(f"open('/dev/tty')\n{GOOD_KEY}")
    with pytest.raises(KeyFileError, match="failed with exit code 1"):
        public_key_of("test://key")


def test_a_wrong_signature_is_refused(program: Program) -> None:
    program(GOOD_KEY + "print(json.dumps({method: {'signature': 'MAYCAQECAQE='}}))")
    signer = open_image_signer("test://key")
    with pytest.raises(VerificationError) as raised:
        signer.sign(MESSAGE)
    told(raised)


@pytest.mark.parametrize("value", ["''", "'-'", "5", "None"])
def test_a_signature_in_another_form_is_refused(program: Program, value: str) -> None:
    program(f"{GOOD_KEY}print(json.dumps({{method: {{'signature': {value}}}}}))")
    signer = open_image_signer("test://key")
    with pytest.raises(KeyFileError) as raised:
        signer.sign(MESSAGE)
    assert told(raised) == NONSENSE
