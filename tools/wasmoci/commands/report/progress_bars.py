"""Progress bars on a terminal, one for each blob on its way, below the lines of what is done."""

import sys
import threading

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.progress import Progress
from wasmoci.values.digest import Digest
from wasmoci.values.text import printable

# Smaller blobs are gone before they are seen.
MIN_SHOWN_SIZE = 1024 * 1024

_SHOWN_HEX = 12


class Bars:
    """Shows what `progress` is told; use it in a `with`, at whose end only the lines stay."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
        # What is written to stdout is for programs: it does not go above the bars.
        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            console=self._console,
            transient=True,
            redirect_stdout=False,
        )
        self._tasks: dict[Digest, TaskID] = {}
        self._lock = threading.Lock()
        self.progress = Progress(self._step, self._moved)

    def _step(self, text: str) -> None:
        self._console.print(Text(printable(text)), soft_wrap=True)

    def _moved(self, blob: Descriptor, done: int) -> None:
        if blob.size < MIN_SHOWN_SIZE:
            return
        with self._lock:
            task = self._tasks.get(blob.digest)
            if task is None:
                task = self._tasks[blob.digest] = self._bars.add_task(blob.digest.hex[:_SHOWN_HEX], total=blob.size)
            self._bars.update(task, completed=done)
            if done == blob.size:
                self._bars.refresh()
                self._bars.remove_task(self._tasks.pop(blob.digest))

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()
