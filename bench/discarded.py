"""What is deleted when nothing is measured any more: where ext4 just deleted many files, new ones cost several times
more for minutes, so one contestant would pay for what another left."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Discarded:
    """A folder on the file system of what is put there."""

    folder: Path

    def put(self, path: Path) -> None:
        """Put this aside; nothing happens where there is none."""
        if path.exists():
            self.folder.mkdir(exist_ok=True)
            path.rename(Path(tempfile.mkdtemp(dir=self.folder)) / path.name)

    def delete(self) -> None:
        """Also what an earlier run left. Bazel's outputs are not writable."""
        if self.folder.exists():
            subprocess.run(["chmod", "-R", "u+w", self.folder], check=True)
            subprocess.run(["rm", "-rf", self.folder], check=True)
