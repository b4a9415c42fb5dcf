"""What the monitor remembers, in an SQLite file: a restart forgets nothing.

images(target, image, known)     JSON of observed.Known; `image` is a reference, or a repository that is listed
facts(name, value)               JSON of what is known of the policy, signers, the trusted root and registries
counters(name, labels, value)    counters of metrics; `labels` is a JSON list
outbox(id, event)                JSON of events that the command was not told yet
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from wasmoci.monitor.observed import Known
from wasmoci.values.errors import Error

_VERSION = 1
# Events that wait for a command that does not keep up; older ones are dropped.
MAX_WAITING = 10_000

_TABLES = """
CREATE TABLE images (target TEXT, image TEXT, known TEXT NOT NULL, PRIMARY KEY (target, image)) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT, labels TEXT, value INTEGER NOT NULL, PRIMARY KEY (name, labels)) WITHOUT ROWID;
CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL);
"""


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
            rows = self._database.execute("SELECT image, known FROM images WHERE target = ?", (target,))
            return {image: Known.from_json(known) for image, known in rows}

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
        """What was last set; None before."""
        with self._errors():
            row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
            return None if row is None else json.loads(row[0])

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
            rows = self._database.execute("SELECT name, labels, value FROM counters")
            return {(name, tuple(json.loads(labels))): value for name, labels, value in rows}

    def post(self, event: str) -> None:
        self._run("INSERT INTO outbox (event) VALUES (?)", event)
        self._run(f"DELETE FROM outbox WHERE id <= (SELECT max(id) FROM outbox) - {MAX_WAITING}")  # noqa: S608

    def waiting(self) -> list[tuple[int, str]]:
        """The events of the outbox by their numbers, oldest first."""
        with self._errors():
            return self._database.execute("SELECT id, event FROM outbox ORDER BY id").fetchall()

    def sent(self, number: int) -> None:
        self._run("DELETE FROM outbox WHERE id = ?", number)

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
        except (sqlite3.Error, ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise Error(f"the state {self._path} is in use: another monitor runs with it") from None
            said = str(error) if isinstance(error, sqlite3.Error) else "it has what this program did not write"
            raise Error(f"the state {self._path} cannot be used ({said}): move it away to begin anew") from None
