"""The tool of all actions finds what no archive can hold."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import action
from pack_modules import write_pack

# A compiled module that needs no other.
_NAME = "_cffi_backend"


def compiled_module() -> Path:
    """Where it lies here."""
    spec = importlib.util.find_spec(_NAME)
    assert spec is not None
    return Path(str(spec.origin))


@pytest.fixture(name="packed")
def _packed(tmp_path: Path) -> list[str]:
    """A module path: a packed package, and a folder with a compiled module of it."""
    source = tmp_path / "__init__.py"
    source.write_text("")
    write_pack(tmp_path / "pack.zip", {"package/__init__.py": source, "package/inner/__init__.py": source})
    compiled = tmp_path / "wheel/package/inner" / compiled_module().name
    compiled.parent.mkdir(parents=True)
    shutil.copy(compiled_module(), compiled)
    return [str(tmp_path / "pack.zip"), str(tmp_path / "wheel")]


def run(path: list[str], program: str) -> "subprocess.CompletedProcess[str]":
    program = f"import sys; sys.path[:0] = {[*path, str(Path(action.__file__).parent)]!r}\n{program}"
    return subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, check=False, text=True)


@pytest.mark.parametrize("path", [slice(None), slice(None, None, -1)], ids=["archive first", "folder first"])
def test_a_compiled_module_of_a_packed_package_is_found(packed: list[str], path: slice) -> None:
    program = "import action; sys.meta_path.append(action.CompiledModules)\n"
    program += f"from package.inner import {_NAME} as found; print(found.__file__, found.__name__)"
    ran = run(packed[path], program)
    assert (ran.stderr, ran.stdout.split()) == (
        "",
        [f"{packed[1]}/package/inner/{compiled_module().name}", f"package.inner.{_NAME}"],
    )


def test_without_it_there_is_none(packed: list[str]) -> None:
    assert f"cannot import name '{_NAME}'" in run(packed, f"from package.inner import {_NAME}").stderr


def test_what_is_nowhere_is_not_found(packed: list[str]) -> None:
    program = "import action; sys.meta_path.append(action.CompiledModules)\nimport package.inner.none"
    assert "No module named 'package.inner.none'" in run(packed, program).stderr
    assert action.CompiledModules.find_spec("nowhere") is None
