"""Modules in one file: the same bytes wherever and whenever they are packed, and importable from it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import pack_modules
from pack_modules import PackError, names_in_pack, write_pack

PACKAGE = {
    "greeting/__init__.py": "",
    "greeting/names.py": "NAMES = {'ada', 'grace', 'alan'}\ndef known(name): return name in {'x', 'y', 'z'}\n",
    "hello.py": "from greeting.names import NAMES\nGREETED = sorted(NAMES)[0]\n",
}


def make_package(folder: Path) -> dict[str, Path]:
    for name, text in PACKAGE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return {name: folder / name for name in PACKAGE}


def run(program: str, *path: Path) -> str:
    """What a program prints that has these on its module path, and nothing else."""
    program = f"import sys; sys.path[:0] = {[str(one) for one in path]!r}\n{program}"
    return subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, check=True, text=True).stdout


def test_packed_modules_are_imported_from_the_file(tmp_path: Path) -> None:
    write_pack(tmp_path / "pack.zip", make_package(tmp_path / "modules"))
    assert run("import hello; print(hello.GREETED, hello.__file__)", tmp_path / "pack.zip").split() == [
        "ada",
        str(tmp_path / "pack.zip/hello.pyc"),
    ]


def test_the_code_is_taken_without_the_source(tmp_path: Path) -> None:
    modules = make_package(tmp_path / "modules")
    write_pack(tmp_path / "pack.zip", modules)
    with zipfile.ZipFile(tmp_path / "pack.zip") as pack, zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        for name in pack.namelist():
            other.writestr(name, pack.read(name) if name.endswith(".pyc") else b"raise SystemExit('compiled again')")
    assert run("import hello; print(hello.GREETED)", tmp_path / "other.zip") == "ada\n"


def test_another_python_takes_the_source(tmp_path: Path) -> None:
    write_pack(tmp_path / "pack.zip", make_package(tmp_path / "modules"))
    with zipfile.ZipFile(tmp_path / "pack.zip") as pack, zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        for name in pack.namelist():
            other.writestr(name, b"\0" * 16 + pack.read(name)[16:] if name.endswith(".pyc") else pack.read(name))
    assert run("import hello; print(hello.GREETED)", tmp_path / "other.zip") == "ada\n"


def test_two_processes_in_two_folders_pack_the_same_bytes(tmp_path: Path) -> None:
    packs = []
    for place in ("one", "two"):
        folder = tmp_path / place
        words = [str(folder / "pack.zip"), "_main", "--root", "_main/modules"]
        for name, file in sorted(make_package(folder / "modules").items(), reverse=place == "two"):
            words += ["--module", str(file), f"modules/{name}"]
        params = folder / "params"
        params.write_text("".join(f"{word}\n" for word in words))
        subprocess.run(
            [sys.executable, "-S", pack_modules.__file__, f"@{params}"], check=True, env={"PYTHONHASHSEED": "0"}
        )
        packs.append((folder / "pack.zip").read_bytes())
    assert packs[0] == packs[1]
    assert str(tmp_path).encode() not in packs[0]


def test_modules_lie_below_the_longest_root_of_the_module_path() -> None:
    modules = {
        "_main/tools/a.py": Path("1"),
        "_main/tools/inner/b.py": Path("2"),
        "wheel/site/c/__init__.py": Path("3"),
    }
    roots = ["_main/tools", "wheel/site", "_main/tools/inner", "_main/too"]
    assert names_in_pack(modules, roots) == {"a.py": Path("1"), "b.py": Path("2"), "c/__init__.py": Path("3")}


def test_a_module_that_nobody_could_import_is_refused() -> None:
    with pytest.raises(PackError, match=r"^other/a\.py is in no folder of the module path$"):
        names_in_pack({"other/a.py": Path("a.py")}, ["_main"])


def test_two_modules_of_one_name_are_refused() -> None:
    with pytest.raises(PackError, match=r"^two modules are a\.py: 1 and 2$"):
        names_in_pack({"one/a.py": Path("1"), "two/a.py": Path("2")}, ["one", "two"])


def test_what_is_no_python_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text("def")
    with pytest.raises(SystemExit, match=r"^pack_modules: error: a\.py cannot be compiled: .*$"):
        pack_modules.main(["pack.zip", "_main", "--root", "_main", "--module", "a.py", "a.py"])


def test_modules_of_another_repository_have_their_own_place(tmp_path: Path) -> None:
    file = make_package(tmp_path)["hello.py"]
    words = ["--root", "_main", "--root", "other~/site", "--module", str(file), "../other~/site/hello.py"]
    pack_modules.main([str(tmp_path / "pack.zip"), "_main", *words])
    assert zipfile.ZipFile(tmp_path / "pack.zip").namelist() == ["hello.py", "hello.pyc"]
