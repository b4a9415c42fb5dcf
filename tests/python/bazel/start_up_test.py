"""A tool of an action imports what its step needs, and no more."""

import gc
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tool_fixtures import CALLS, make_inputs, tool_command
from wasm_fixtures import KEY, SECRET_KEY
from wasmoci.commands.loading import load_command
from wasmoci.keys.component import pem_public

# `cryptography` takes bcrypt and cffi along wherever it reads a PEM or DER file; a plain Ed25519 key is read without.
_OURS = {"click", "wasmoci"}
_CRYPTOGRAPHY = {"_cffi_backend", "_openssl", "cryptography"}
_KEY_FILES = _OURS | _CRYPTOGRAPHY | {"bcrypt"}

PACKAGES = {
    "attest": _KEY_FILES,
    "component_sign": _OURS | _CRYPTOGRAPHY,
    "component_split": _OURS,
    "image_index": _OURS,
    "image_package": _OURS,
    "image_sign": _KEY_FILES,
    "signing_request": _OURS,
    "verification_report": _KEY_FILES,
    "verified_component": _KEY_FILES,
}

# Parts of ours and of the standard library that are slow to import, or that a step must not have in reach.
_NETWORK = {"asyncio", "http", "socket", "ssl", "urllib.request", "wasmoci.registry", "wasmoci.registry.source"}
_SERVICES = {"wasmoci.keyless", "wasmoci.keys.services", "wasmoci.transparency"}
_SLOW = {
    "concurrent",
    "email",
    "logging",
    "multiprocessing",
    "subprocess",
    "traceback",
    "wasmoci.bazel.worker.serve",
    "xml",
}
_REFERENCES = {"wasmoci.keys.pkcs11_uri", "wasmoci.keys.reference_forms", "wasmoci.keys.scheme_keys"}
_NEVER = _NETWORK | _SERVICES | _SLOW | _REFERENCES
_TEMPORARY = {"bz2", "lzma", "shutil", "tempfile"}
_IMAGES = {"wasmoci.disk.layout", "wasmoci.oci.manifest", "wasmoci.verify.image"}
_IMAGE_KEYS = {"nacl", "wasmoci.keys.algorithms", "wasmoci.keys.image", "wasmoci.keys.cosign_file"}

_KEY_FILE_CODE = {"cryptography.hazmat.primitives.serialization", "wasmoci.keys.pkcs8"}

NOT_LOADED = {
    "attest": _NEVER | _TEMPORARY | {"nacl", "wasmoci.keys.component", "wasmoci.keys.pkcs8", "wasmoci.sign.image"},
    "component_sign": _NEVER | _TEMPORARY | _IMAGES | _IMAGE_KEYS | _KEY_FILE_CODE | {"getpass", "json"},
    "component_split": _NEVER | _TEMPORARY | _IMAGES | {"json", "wasmoci.keys"},
    "image_index": _NEVER | _TEMPORARY | {"wasmoci.keys", "wasmoci.wasm.sections"},
    "image_package": _NEVER | _TEMPORARY | {"wasmoci.keys"},
    "image_sign": _NEVER
    | _TEMPORARY
    | {"nacl", "wasmoci.keys.component", "wasmoci.keys.pkcs8", "wasmoci.wasm.sections"},
    "signing_request": _NEVER | {"wasmoci.keys"},
    # JUnit and pages are trees of `xml`, and the version is that of a distribution.
    "verification_report": {*_SERVICES, *_REFERENCES, "nacl", "ssl", "urllib.request", "wasmoci.registry"},
    "verified_component": _NEVER | _TEMPORARY | {"nacl", "wasmoci.trust.signers", "wasmoci.keys.pkcs8"},
}


@pytest.fixture(name="inputs", scope="module")
def _inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_inputs(tmp_path_factory.mktemp("inputs") / "inputs")
    (folder / "compact.key").write_bytes(SECRET_KEY.compact())
    (folder / "plain.pub").write_bytes(pem_public(KEY))
    return folder


_SAY_MODULES = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=open('modules', 'w')))"


def wasm_oci_command(before: str) -> list[str]:
    """The command that runs `wasm-oci` as a program, after some Python."""
    program = f"import sys; sys.path[:] = {sys.path!r}\n{before}\nfrom wasmoci.commands.program import run; run()"
    return [sys.executable, "-S", "-c", program]


def loaded(command: list[str], folder: Path) -> set[str]:
    """The modules that a command after `_SAY_MODULES` has loaded when it ends well, less those of any program."""
    subprocess.run(command, check=True, cwd=folder, capture_output=True)
    any_program = subprocess.run(
        [sys.executable, "-S", "-c", "import runpy, sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set((folder / "modules").read_text().split()) - set(any_program.stdout.split())


def loaded_by_tool(tool: str, lines: Iterable[str], folder: Path) -> set[str]:
    (folder / "params").write_text("".join(f"{line}\n" for line in lines))
    return loaded([*tool_command(tool, _SAY_MODULES), "@params"], folder)


def packages(modules: Iterable[str]) -> set[str]:
    """The top-level packages that are not Python's own."""
    return {name.split(".", maxsplit=1)[0] for name in modules} - sys.stdlib_module_names


@pytest.mark.parametrize("tool", PACKAGES)
def test_a_tool_imports_what_its_step_needs(tool: str, inputs: Path) -> None:
    modules = loaded_by_tool(tool, next(iter(CALLS[tool].values())), inputs)
    assert packages(modules) <= PACKAGES[tool]
    assert {name for name in modules for one in NOT_LOADED[tool] if f"{name}.".startswith(f"{one}.")} == set()


@pytest.mark.parametrize(
    ("key", "public_key"), [("compact.key", "component.pub"), ("component.key", "plain.pub")], ids=["compact", "plain"]
)
def test_a_compact_or_plain_key_needs_no_code_for_key_files(key: str, public_key: str, inputs: Path) -> None:
    lines = ("hello.wasm", f"--key={key}", f"--public-key={public_key}", "--allow-readable-key", "--output=c.wasm")
    modules = loaded_by_tool("component_sign", lines, inputs)
    assert packages(modules) <= _OURS | _CRYPTOGRAPHY
    assert not modules & _KEY_FILE_CODE


def test_wasm_oci_imports_the_command_that_is_called(inputs: Path) -> None:
    modules = loaded([*wasm_oci_command(_SAY_MODULES), "component", "show", "hello.wasm"], inputs)
    assert packages(modules) <= _OURS
    assert {name for name in modules if name.startswith(("wasmoci.commands.component", "wasmoci.commands.image"))} == {
        "wasmoci.commands.component_show"
    }


_UNUSED_CRYPTOGRAPHY = {
    "cryptography.hazmat.backends",
    "cryptography.hazmat.primitives.asymmetric.padding",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.ciphers",
}

# What `wasm-oci` is called for, and the modules that are slow to import and not for that.
UNUSED = {
    "component sign": (
        ("component", "sign", "hello.wasm", "--key", "compact.key", "--allow-readable-key", "--output", "c.wasm"),
        _NEVER | _TEMPORARY | _IMAGES | _IMAGE_KEYS | _KEY_FILE_CODE | {"dataclasses", "getpass", "json", "locale"},
    ),
    "verify": (
        ("verify", "signed_image", *("--component-key", "component.pub", "--oci-key", "oci.pub")),
        _NEVER - {"wasmoci.registry"} | _TEMPORARY | _KEY_FILE_CODE | _UNUSED_CRYPTOGRAPHY | {"locale", "random"},
    ),
}


@pytest.mark.parametrize("called", UNUSED)
def test_wasm_oci_imports_no_slow_module_that_it_does_not_use(called: str, inputs: Path) -> None:
    words, unused = UNUSED[called]
    modules = loaded([*wasm_oci_command(_SAY_MODULES), *words], inputs)
    assert packages(modules) <= _OURS | _CRYPTOGRAPHY
    assert {name for name in modules for one in unused if f"{name}.".startswith(f"{one}.")} == set()


# From the first library on, a process says at each search for garbage and at its end how many objects are set aside.
_SAY_FROZEN = """
import atexit, gc, sys
def say(*_):
    if "click" in sys.modules:
        print(gc.get_freeze_count(), file=open("frozen", "a"))
atexit.register(say)
gc.callbacks.append(say)
"""


def frozen(command: list[str], folder: Path) -> list[int]:
    (folder / "frozen").unlink(missing_ok=True)
    subprocess.run(command, check=True, cwd=folder, capture_output=True)
    return [int(line) for line in (folder / "frozen").read_text().split()]


def test_no_garbage_is_sought_among_what_a_tool_imports(inputs: Path) -> None:
    lines = next(iter(CALLS["component_split"].values()))
    found = frozen([*tool_command("component_split", _SAY_FROZEN), *lines], inputs)
    assert min(found) > 1000


def test_no_garbage_is_sought_among_what_wasm_oci_imports(inputs: Path) -> None:
    found = frozen([*wasm_oci_command(_SAY_FROZEN), "component", "show", "hello.wasm"], inputs)
    assert min(found) > 1000


# What a process does last.
_SAY_THE_END = """
import atexit, os
leave = os._exit
def say(code):
    os.write(1, b"nothing is freed")
    leave(code)
os._exit = say
atexit.register(print, "at exit")
"""


@pytest.mark.parametrize(
    ("arguments", "code"), [(["version"], 0), (["component", "show", "missing"], 1), (["verify", "--help"], 0)]
)
def test_a_program_does_what_is_left_for_its_exit_and_frees_nothing(arguments: list[str], code: int) -> None:
    ran = subprocess.run([*wasm_oci_command(_SAY_THE_END), *arguments], check=False, capture_output=True, text=True)
    assert ran.stdout.endswith("at exit\nnothing is freed")
    assert ran.returncode == code


def test_so_does_a_tool(inputs: Path) -> None:
    lines = next(iter(CALLS["component_split"].values()))
    command = tool_command("component_split", _SAY_THE_END)
    ran = subprocess.run([*command, *lines], check=True, cwd=inputs, capture_output=True, text=True)
    assert ran.stdout.endswith("at exit\nnothing is freed")


def test_garbage_is_sought_again_when_the_command_of_a_group_is_imported() -> None:
    program = "import gc; from wasmoci.commands.loading import defer_garbage, load_command; defer_garbage()\n"
    for place in ("main:component", "component_show:show"):
        program += f"load_command('wasmoci.commands.{place}'); print(gc.isenabled())\n"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{program}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout.split() == ["False", "True"]


def test_a_program_that_defers_nothing_is_left_alone() -> None:
    before = gc.get_freeze_count()
    assert load_command("wasmoci.commands.component_show:show").name == "show"
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, before)
