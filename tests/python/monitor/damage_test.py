"""A state that was edited, cut short, or never this program's: one line, and nothing is told by it."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from image_fixtures import HELLO, fully_signed, make_image
from monitor_fixtures import World, world
from wasmoci.commands.main import main

EDITED = "(it has what this program did not write): move it away to begin anew"
# The policy, so that no fact is overwritten before it is read.
SHA256 = "0" * 64

Damage = Callable[[sqlite3.Connection], object]


@pytest.fixture(name="watched", scope="module")
def _watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A monitor that was stopped after it saw an image that is signed and one that is not."""
    with world(tmp_path_factory.mktemp("damage")) as made:
        made.push(fully_signed())
        made.push(make_image(HELLO), "v2")
        made.configure(f"greeting: {{repository: '{made.reference().rpartition(':')[0]}'}}", "command: ['true']\n")
        made.round()
        made.stop()
        yield made


def run(watched: World, data: bytes) -> tuple[int, str]:
    """The exit code and stderr of a run with this state."""
    (watched.folder / "monitor.sqlite").write_bytes(data)
    options = ["--config", str(watched.folder / "monitor.yaml"), "--insecure-registry", watched.registry.address]
    result = CliRunner().invoke(main, ["monitor", "--once", *options])
    return result.exit_code, result.stderr


def damaged(watched: World, damage: Damage, folder: Path) -> bytes:
    copy = folder / "state"
    copy.write_bytes((watched.folder / "monitor.sqlite.good").read_bytes())
    with sqlite3.connect(copy) as database:
        damage(database)
    database.close()
    return copy.read_bytes()


@pytest.fixture(name="good", scope="module", autouse=True)
def _good(watched: World) -> None:
    (watched.folder / "monitor.sqlite.good").write_bytes((watched.folder / "monitor.sqlite").read_bytes())


def known(edit: Callable[[dict[str, Any]], object]) -> Damage:
    """What is known of each image is edited."""

    def damage(database: sqlite3.Connection) -> None:
        for target, image, text in database.execute("SELECT target, image, known FROM images").fetchall():
            members = json.loads(text)
            if members["observed"] is not None:
                edit(members)
            database.execute(
                "UPDATE images SET known = ? WHERE target = ? AND image = ?", (json.dumps(members), target, image)
            )

    return damage


def member(name: str, value: object) -> Damage:
    return known(lambda members: members.update({name: value}))


def observed(name: str, value: object) -> Damage:
    return known(lambda members: members["observed"].update({name: value}))


def signature(name: str, value: object) -> Damage:
    return known(lambda members: [made.update({name: value}) for made in members["observed"]["signatures"]])


def sql(statement: str, *values: object) -> Damage:
    return lambda database: database.execute(statement, values)


def fact(name: str, value: object) -> Damage:
    return sql("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, json.dumps(value))


EDITS: Mapping[str, Damage] = {
    "no JSON": sql("UPDATE images SET known = 'no JSON'"),
    "half of JSON": sql("UPDATE images SET known = substr(known, 1, 40)"),
    "deep JSON": sql("UPDATE images SET known = ?", "[" * 100_000),
    "a list": sql("UPDATE images SET known = '[]'"),
    "no member": sql("UPDATE images SET known = '{}'"),
    "bytes": sql("UPDATE images SET known = x'ff'"),
    "bytes as the name of an image": sql("UPDATE images SET image = CAST(image AS BLOB)"),
    "a member more": member("more", 1),
    "a text for a count": member("failures", "1"),
    "a count that is true": member("failures", True),
    "a negative count": member("failures", -1),
    "a text for a time": member("verified_at", "now"),
    "a negative time": member("checked_at", -1.5),
    "no time": member("checked_at", float("nan")),
    "a time beyond all": member("verified_at", 10**400),
    "a number for a text": member("basis", 5),
    "a text for yes or no": member("is_good", "yes"),
    "an unknown outcome": observed("outcome", "splendid"),
    "an unknown reason": observed("reason", "WHY_NOT"),
    "a text for digests": observed("attached", "sha256:0"),
    "one number of signers": observed("signers", {"image": [1]}),
    "an unknown format": signature("format", "carrier pigeon"),
    "an unknown layer": signature("layer", "crust"),
    "a signature without a name": signature("signer", None),
    "a policy that is a text": fact("policy", "x"),
    "a policy without a problem": fact("policy", {"sha256": SHA256}),
    "signers that are numbers": fact("signers", {"first": 1}),
    "a root without a time": fact("root", {"sha256": "", "since": "long ago", "old": False}),
    "registries that are a list": fact("registries", []),
    "an unknown counter": sql("""INSERT INTO counters VALUES ('cheques', '["greeting"]', 1)"""),
    "a counter with too many labels": sql("""INSERT INTO counters VALUES ('checks', '["greeting", "a", "b"]', 1)"""),
    "a counter with a number as label": sql("""INSERT INTO counters VALUES ('checks', '["greeting", 1]', 1)"""),
    "a counter that is a text": sql("UPDATE counters SET value = 'many'"),
    "a negative counter": sql("UPDATE counters SET value = -1"),
    "an event that is bytes": sql("UPDATE outbox SET event = x'7b7d'"),
    "an event that is no JSON": sql("UPDATE outbox SET event = 'all is well'"),
    "an event of two lines": sql("UPDATE outbox SET event = ?", "{\n}"),
}


@pytest.mark.parametrize("damage", EDITS.values(), ids=EDITS)
def test_what_was_edited(damage: Damage, watched: World, tmp_path: Path) -> None:
    code, said = run(watched, damaged(watched, damage, tmp_path))
    assert (code, said.count("\n")) == (1, 1)
    assert said == f"wasm-oci monitor: error: the state {watched.folder / 'monitor.sqlite'} cannot be used {EDITED}\n"


TABLES = ("images", "facts", "counters", "outbox")
FILES: Mapping[str, tuple[Callable[[bytes], bytes], str]] = {
    "no database": (
        lambda _: b"no database, but long enough to be one" * 100,
        "(file is not a database): move it away",
    ),
    "cut short": (lambda data: data[: len(data) // 2], "(database disk image is malformed): move it away"),
    "a page of others": (lambda data: data[:4096] + b"\xff" * (len(data) - 4096), "malformed): move it away"),
}


@pytest.mark.parametrize(("change", "error"), FILES.values(), ids=FILES)
def test_what_is_no_whole_database(change: Callable[[bytes], bytes], error: str, watched: World) -> None:
    code, said = run(watched, change((watched.folder / "monitor.sqlite.good").read_bytes()))
    assert (code, said.count("\n"), error in said) == (1, 1, True), said


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["DROP TABLE {}", "ALTER TABLE {} RENAME TO other"])
def test_a_table_that_is_not_there(table: str, statement: str, watched: World, tmp_path: Path) -> None:
    code, said = run(watched, damaged(watched, sql(statement.format(table)), tmp_path))
    assert (code, said.count("\n"), f"(no such table: {table}): move it away to begin anew" in said) == (1, 1, True)


def test_counters_whose_labels_are_no_json(watched: World, tmp_path: Path) -> None:
    code, said = run(watched, damaged(watched, sql("UPDATE counters SET labels = labels || '['"), tmp_path))
    assert (code, said.count("\n"), "(malformed JSON): move it away to begin anew" in said) == (1, 1, True)


@pytest.mark.parametrize("time", [0, 4_000_000_000, 1e300])
def test_a_time_to_come_is_a_clock_that_was_set_back(time: float, watched: World, tmp_path: Path) -> None:
    damage = known(lambda members: members.update(verified_at=time, checked_at=time))
    assert run(watched, damaged(watched, damage, tmp_path))[0] == 3


def test_an_empty_file_is_a_new_state(watched: World) -> None:
    assert run(watched, b"")[0] == 3


def test_a_state_that_cannot_be_written_is_not_called_damaged(
    watched: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = damaged(watched, lambda _: None, tmp_path)
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda path, **options: connect(f"file:{path}?mode=ro", uri=True, **options)
    )
    code, said = run(watched, data)
    assert (code, said.count("\n")) == (1, 1)
    assert "(attempt to write a readonly database): its folder has to be there, both have to be writable" in said
