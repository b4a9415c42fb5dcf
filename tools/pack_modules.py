"""Packs Python modules: `pack_modules OUTPUT WORKSPACE --root ROOT… --module FILE SHORT_PATH…`.

The file is a zip for Python's `zipimport`. It has the source of each module, and its code as this Python compiles
it, with no time and no path of this machine: the same modules give the same bytes.
"""

import argparse
import posixpath
import py_compile
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


class PackError(Exception):
    """The modules cannot be packed."""


def names_in_pack(modules: Mapping[str, Path], roots: Iterable[str]) -> dict[str, Path]:
    """The files by their paths below the longest of `roots` that they lie in; `modules` has their runfiles paths.

    Raises PackError for one that lies in no root, and for two at the same path.
    """
    longest_first = sorted(roots, key=len, reverse=True)
    packed: dict[str, Path] = {}
    for path, file in modules.items():
        root = next((root for root in longest_first if path.startswith(f"{root}/")), None)
        if root is None:
            raise PackError(f"{path} is in no folder of the module path")
        name = path.removeprefix(f"{root}/")
        if name in packed:
            raise PackError(f"two modules are {name}: {packed[name]} and {file}")
        packed[name] = file
    return packed


def write_pack(output: Path, modules: Mapping[str, Path]) -> None:
    """Write the modules to `output`, by their paths in it; PackError for one that is no Python."""
    with zipfile.ZipFile(output, "w") as pack, tempfile.TemporaryDirectory() as folder:
        code = str(Path(folder, "code"))
        for name, file in sorted(modules.items()):
            try:
                # Python then takes the code without a look at the source.
                py_compile.compile(
                    str(file), code, name, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
                )
            except py_compile.PyCompileError as error:
                raise PackError(f"{name} cannot be compiled: {error.exc_value}") from None
            for member, content in ((name, file.read_bytes()), (f"{name}c", Path(code).read_bytes())):
                pack.writestr(zipfile.ZipInfo(member), content)


def main(words: Sequence[str]) -> None:
    """Pack what the words of a command line say, or of the file that they name as `@FILE`, one a line."""
    parser = argparse.ArgumentParser(fromfile_prefix_chars="@")
    parser.add_argument("output", type=Path)
    parser.add_argument("workspace")
    parser.add_argument("--root", action="append", default=[])
    parser.add_argument("--module", action="append", default=[], nargs=2)
    arguments = parser.parse_args(words)
    modules = {posixpath.normpath(f"{arguments.workspace}/{short}"): Path(path) for path, short in arguments.module}
    try:
        write_pack(arguments.output, names_in_pack(modules, arguments.root))
    except PackError as error:
        sys.exit(f"pack_modules: error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
