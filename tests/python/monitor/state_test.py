"""What is remembered, and files that cannot be used."""

import json
import sqlite3
from pathlib import Path

import pytest

from wasmoci.monitor import state as state_module
from wasmoci.monitor.observed import Known
from wasmoci.monitor.state import DiskFullError, Receiver, State
from wasmoci.values.errors import Error


def test_what_was_committed_is_there_again(tmp_path: Path) -> None:
    file = tmp_path / "state"
    with State(file) as state:
        state.put("a", "image", Known(failures=1))
        state.set_fact("policy", {"sha256": "x", "problem": ""})
        state.count("checks", "a", "verified")
        state.count("checks", "a", "verified")
        state.post("{}", [Receiver.LINES, Receiver.COMMAND])
        state.commit()
        state.put("a", "other", Known())
    with State(file) as state:
        assert state.images("a") == {"image": Known(failures=1)}
        assert state.fact("policy") == {"sha256": "x", "problem": ""}
        assert state.fact("root") is None
        assert state.counters() == {("checks", ("a", "verified")): 2}
        ((number, event),) = state.waiting(Receiver.COMMAND)
        assert event == "{}"
        state.sent(number, Receiver.COMMAND)
        assert (state.waiting(Receiver.COMMAND), state.waiting(Receiver.LINES)) == ([], [(number, "{}")])
        state.sent(number, Receiver.LINES)
        state.forget("a", "image")
        assert (state.waiting(Receiver.LINES), state.images("a")) == ([], {})


def test_what_belongs_to_no_target_is_forgotten(tmp_path: Path) -> None:
    with State(tmp_path / "state") as state:
        for name in ("a", "b"):
            state.put(name, "image", Known())
            state.count("checks", name, "verified")
        state.keep_targets(["b"])
        assert (list(state.images("a")), list(state.images("b"))) == ([], ["image"])
        assert list(state.counters()) == [("checks", ("b", "verified"))]


def test_the_outbox_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "MAX_WAITING", 3)
    with State(tmp_path / "state") as state:
        for number in range(5):
            state.post(f'{{"n": {number}}}', [Receiver.LINES])
        assert [event for _, event in state.waiting(Receiver.LINES)] == [f'{{"n": {number}}}' for number in (2, 3, 4)]
        assert state.waiting(Receiver.COMMAND) == []


def test_what_finds_no_room_on_the_disk_can_be_done_again(tmp_path: Path) -> None:
    with State(tmp_path / "state") as state:
        state._database.execute("PRAGMA max_page_count = 1")
        state.count("checks", "a", "verified")
        with pytest.raises(DiskFullError, match="with room on the disk"):
            state.post(json.dumps({"message": "x" * 10_000}), [Receiver.LINES])
        state._database.execute("PRAGMA max_page_count = 1000")
        assert (state.counters(), state.waiting(Receiver.LINES)) == ({}, [])
        state.count("checks", "a", "verified")
        state.commit()
        assert list(state.counters().values()) == [1]


def test_two_monitors_do_not_share_a_state(tmp_path: Path) -> None:
    with State(tmp_path / "state"), pytest.raises(Error, match=r"state is in use: another monitor runs with it$"):
        State(tmp_path / "state")


def test_what_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"no database, but long enough to be one" * 100)
    with pytest.raises(Error, match=r"junk cannot be used \(file is not a database\): move it away to begin anew$"):
        State(tmp_path / "junk")
    with pytest.raises(
        Error, match=r"state cannot be used \(unable to open database file\): its folder has to be there"
    ):
        State(tmp_path / "none" / "state")
    with sqlite3.connect(tmp_path / "later") as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(Error, match=r"later is of version 7, this program writes 1: move it away$"):
        State(tmp_path / "later")
    with sqlite3.connect(tmp_path / "theirs") as database:
        database.execute("CREATE TABLE dashboards (id TEXT)")
    database.close()
    theirs = (tmp_path / "theirs").read_bytes()
    with pytest.raises(Error, match=r"theirs is another program's database: name a file of its own$"):
        State(tmp_path / "theirs")
    assert (tmp_path / "theirs").read_bytes() == theirs
