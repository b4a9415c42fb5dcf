"""Machines as Bazel sees them: output bases, where nothing was built yet."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bazel import Outcome, bazel, json_stream, lasting_folder

# Links in the checkout belong to the user's own output base.
_NO_LINKS = "--symlink_prefix=/"


@dataclass(frozen=True)
class Machine:
    """A machine with its own output base and Bazel server, but this checkout."""

    base: Path

    def bazel(self, command: str, *arguments: str, code: int | None = 0) -> Outcome:
        """Run a command of Bazel, and fail unless it exits with `code`."""
        log = f"--execution_log_json_file={self._log}"
        return bazel(command, _NO_LINKS, log, *arguments, startup=self._startup, code=code)

    def runners(self, mnemonics: Collection[str]) -> dict[str, str]:
        """How the last command ran the actions of these kinds."""
        return {
            spawn["mnemonic"]: spawn["runner"] for spawn in json_stream(self._log) if spawn["mnemonic"] in mnemonics
        }

    def built(self, path: str) -> Path:
        """What was built at a path."""
        return Path(bazel("info", "bazel-bin", startup=self._startup).stdout.strip(), path)

    def forget(self) -> None:
        """Remove all that was built."""
        bazel("clean", _NO_LINKS, startup=self._startup)

    def stop(self) -> None:
        bazel("shutdown", startup=self._startup)

    @property
    def _log(self) -> Path:
        return self.base / "spawns.json"

    @property
    def _startup(self) -> list[str]:
        return [f"--output_base={self.base / 'base'}"]


@contextmanager
def machine(name: str) -> Iterator[Machine]:
    """A machine where nothing was built; the packages that it installed serve the next run too."""
    made = Machine(lasting_folder(name))
    try:
        made.forget()
        yield made
    finally:
        made.stop()
