"""Fetch the corpus of real WebAssembly files: `fetch_corpus.py FOLDER`.

Downloads the packages of corpus.txt, checked by hash, and puts their `.wasm` files into FOLDER, which
appears whole or not at all.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

LOCK = Path(__file__).with_name("corpus.txt")


def main(folder: Path) -> None:
    """Fill `folder` unless it is there; raises where a download fails."""
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        wheels, files = Path(temporary, "wheels"), Path(temporary, "files")
        files.mkdir()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--only-binary=:all:", "--requirement", str(LOCK), "--dest", str(wheels)]
        subprocess.run(command, check=True)
        for wheel in sorted(wheels.glob("*.whl")):
            _extract(wheel, files)
        files.rename(folder)


def _extract(wheel: Path, files: Path) -> None:
    package = wheel.name.split("-")[0]
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(".wasm"):
                (files / f"{package}.{Path(name).name}").write_bytes(archive.read(name))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
