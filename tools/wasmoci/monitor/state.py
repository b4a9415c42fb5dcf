"""What the monitor remembers, in an SQLite file: a restart forgets nothing.

images(target, image, known)     JSON of observed.Known; `image` is a reference, or a repository that is listed
facts(name, value)               JSON of what is known of the policy, signers, the trusted root and registries
counters(name, labels, value)    counters of metrics; `labels` is a JSON list
outbox(id, event, to_print, to_tell)
                                 JSON of events that were not printed yet, or the command was not told; both 0 or 1
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, TypedDict

from wasmoci.monitor.observed import Known
from wasmoci.monitor.stored import stored
from wasmoci.values.errors import Error

_VERSION = 1
# Events that wait for a command that does not keep up; older ones are dropped.
MAX_WAITING = 10_000

_TABLES = """
CREATE TABLE images (target TEXT, image TEXT, known TEXT NOT NULL, PRIMARY KEY (target, image)) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT, labels TEXT, value INTEGER NOT NULL, PRIMARY KEY (name, labels)) WITHOUT ROWID;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, to_print INTEGER NOT NULL, to_tell INTEGER NOT NULL
);
"""
_COLUMNS = {
    "images": "target, image, known",
    "facts": "name, value",
    "counters": "name, labels, value",
    "outbox": "id, event, to_print, to_tell",
}

CHECKS, REFUSALS, CHECK_ERRORS, TAG_CHANGES = "checks", "refusals", "check_errors", "tag_changes"
# The counters of metrics, with their labels.
COUNTERS = {
    CHECKS: ("target", "outcome"),
    REFUSALS: ("target", "layer", "reason"),
    CHECK_ERRORS: ("target", "kind"),
    TAG_CHANGES: ("target",),
}


class Receiver(str, Enum):
    """Who gets events; the values are columns of the outbox."""

    LINES = "to_print"
    COMMAND = "to_tell"


class PolicyFact(TypedDict):
    """The SHA-256 of the last policy that could be used, and why it cannot now."""

    sha256: str
    problem: str


class RootFact(TypedDict):
    """The SHA-256 of the trusted root, since when it is known to be there, and whether it was too old."""

    sha256: str
    since: float
    old: bool


_FACTS: Mapping[str, object] = {
    "policy": PolicyFact,
    "signers": dict[str, str],
    "root": RootFact,
    "registries": dict[str, int],
}

# What keeps SQLite from using a file that may be good.
_FULL = "is full"
_HINDRANCES = ("readonly", "unable to open", "disk I/O error", _FULL)


class DiskFullError(Error):
    """There is no room for the state on the disk; what was not committed is dropped."""


class State(AbstractContextManager["State"]):
    """Changes count from `commit` on. For one thread. Close it, or use it in a `with`."""

    def __init__(self, path: Path) -> None:
        """Raises Error where the file cannot be used: also while another monitor does."""
        self._path = path
        with self._errors():
            self._database = sqlite3.connect(path, timeout=1, isolation_level=None)
            try:
                self._open()
            except BaseException:
                self._database.close()
                raise

    def images(self, target: str) -> dict[str, Known]:
        with self._errors():
            rows = self._database.execute("SELECT image, known FROM images WHERE target = ?", (target,)).fetchall()
            return {stored(image, str): Known.from_json(known) for image, known in rows}

    def put(self, target: str, image: str, known: Known) -> None:
        self._run("INSERT OR REPLACE INTO images VALUES (?, ?, ?)", target, image, known.to_json())

    def forget(self, target: str, image: str) -> None:
        self._run("DELETE FROM images WHERE target = ? AND image = ?", target, image)

    def keep_targets(self, targets: Sequence[str]) -> None:
        """Forget whatever belongs to no target of these."""
        names = json.dumps(targets)
        self._run("DELETE FROM images WHERE target NOT IN (SELECT value FROM json_each(?))", names)
        self._run(
            "DELETE FROM counters WHERE json_extract(labels, '$[0]') NOT IN (SELECT value FROM json_each(?))", names
        )

    def fact(self, name: str) -> Any:
        """What was last set, of the kind that this name has; None before."""
        with self._errors():
            row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
            return None if row is None else stored(json.loads(row[0]), _FACTS[name])

    def set_fact(self, name: str, value: object) -> None:
        self._run("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, json.dumps(value))

    def count(self, name: str, *labels: str) -> None:
        """One more; the first label is the target."""
        self._run(
            "INSERT INTO counters VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET value = value + 1",
            name,
            json.dumps(labels),
        )

    def counters(self) -> Mapping[tuple[str, tuple[str, ...]], int]:
        """By name and labels."""
        with self._errors():
            rows = self._database.execute("SELECT name, labels, value FROM counters").fetchall()
            return {(name, _labels(name, labels)): _count(value) for name, labels, value in rows}

    def post(self, event: str, receivers: Collection[Receiver]) -> None:
        columns = (int(receiver in receivers) for receiver in Receiver)
        self._run("INSERT INTO outbox (event, to_print, to_tell) VALUES (?, ?, ?)", event, *columns)
        self._run(f"DELETE FROM outbox WHERE id <= (SELECT max(id) FROM outbox) - {MAX_WAITING}")  # noqa: S608

    def waiting(self, receiver: Receiver) -> list[tuple[int, str]]:
        """The events that one did not get yet by their numbers, oldest first; each is one line with a JSON object."""
        with self._errors():
            statement = f"SELECT id, event FROM outbox WHERE {receiver.value} ORDER BY id"  # noqa: S608
            rows = self._database.execute(statement).fetchall()
            return [(number, _event(event)) for number, event in rows]

    def sent(self, number: int, receiver: Receiver) -> None:
        self._run(f"UPDATE outbox SET {receiver.value} = 0 WHERE id = ?", number)  # noqa: S608
        self._run("DELETE FROM outbox WHERE id = ? AND NOT to_print AND NOT to_tell", number)

    def commit(self) -> None:
        with self._errors():
            if self._database.in_transaction:
                self._database.execute("COMMIT")

    def close(self) -> None:
        """What was not committed is dropped."""
        self._database.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        # Held until it is closed, so that no two monitors tell the same things.
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("BEGIN EXCLUSIVE")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise Error(f"the state {self._path} is of version {version}, this program writes {_VERSION}: move it away")
        if version == 0:
            if self._database.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
                raise Error(f"the state {self._path} is another program's database: name a file of its own")
            for statement in _TABLES.strip().split(";\n"):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA user_version = {_VERSION}")
        for table, columns in _COLUMNS.items():
            self._database.execute(f"SELECT {columns} FROM {table} LIMIT 0")  # noqa: S608
        self._database.execute("COMMIT")

    def _run(self, statement: str, *values: object) -> None:
        with self._errors():
            if not self._database.in_transaction:
                self._database.execute("BEGIN")
            self._database.execute(statement, values)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
            if not isinstance(error, sqlite3.Error):
                said = "it has what this program did not write"
            elif "locked" in str(error):
                raise Error(f"the state {self._path} is in use: another monitor runs with it") from None
            elif any(words in str(error) for words in _HINDRANCES):
                kind = Error
                if _FULL in str(error):
                    self._database.rollback()
                    kind = DiskFullError
                raise kind(
                    f"the state {self._path} cannot be used ({error}): its folder has to be there, both have to be "
                    "writable, with room on the disk"
                ) from None
            else:
                said = str(error)
            raise Error(f"the state {self._path} cannot be used ({said}): move it away to begin anew") from None


def _labels(name: str, text: str) -> tuple[str, ...]:
    """Of a counter, ValueError for others than it has."""
    labels: tuple[str, ...] = stored(json.loads(text), tuple[str, ...])
    if len(labels) != len(COUNTERS[name]):
        raise ValueError("the counter has other labels")
    return labels


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("a count is a number that is not negative")
    return value


def _event(text: str) -> str:
    if not isinstance(json.loads(text), dict) or "\n" in text:
        raise ValueError("an event is one line with a JSON object")
    return text
