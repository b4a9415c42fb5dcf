"""A release of the commit that is checked out, as `tools/release/prep` makes it."""

import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from bazel import ROOT
from wasmoci.values.version import VERSION

TAG = f"v{VERSION}"
NAME = "rules_wasm_oci"


@dataclass(frozen=True)
class Release:
    """Its archive, its SBOM, and the notes that `prep` printed."""

    archive: Path
    sbom: Path
    notes: str

    def unpacked(self, folder: Path) -> Path:
        """The folder of the archive, unpacked into `folder`."""
        with tarfile.open(self.archive) as packed:
            packed.extractall(folder)
        return folder / f"{NAME}-{TAG.removeprefix('v')}"


def release(folder: Path) -> Release:
    """Make it in a folder, of a clone that has the tag; without the docs, which tests/docs makes."""
    clone = folder / "clone"
    for command in (
        ["git", "clone", "--quiet", "--depth=1", ROOT.as_uri(), str(clone)],
        ["git", "-C", str(clone), "-c", "tag.gpgSign=false", "tag", TAG],
    ):
        subprocess.run(command, check=True)
    made = subprocess.run(
        [clone / "tools/release/prep", TAG],
        check=True,
        cwd=folder,
        env={**os.environ, "WASM_OCI_DOCS": "no"},
        stdout=subprocess.PIPE,
        text=True,
    )
    return Release(folder / f"{NAME}-{TAG}.tar.gz", folder / f"{NAME}-{TAG}.spdx.json", made.stdout)
