"""How many requests copying makes, and in how many rounds: the source is read while the destination is looked at."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path

import pytest

from copy_fixtures import attach_index, chain, client_at, index_layout, put_index, send_layout, source_in
from image_fixtures import HELLO, fully_signed, write_layout
from observed_registry_fixtures import ObservedRegistry
from publish_fixtures import DUAL, PATH, dual_layout, unsigned_layout
from registry_auth_fixtures import BearerAuth
from registry_fixtures import PASSWORD, password_for
from rounds_fixtures import Rounds, counted_client
from wasm_fixtures import signed
from wasmoci.oci import graph
from wasmoci.oci.graph import MAX_DEPTH
from wasmoci.oci.progress import SILENT
from wasmoci.publish import copy_source
from wasmoci.publish.copy import CopyRequest, copy_image, plan_copies
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.registry.client import MAX_READ_AHEAD, Registries
from wasmoci.registry.sources import ConnectionOptions
from wasmoci.registry.transport import Request, Response, Transport
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.errors import RegistryError, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.wasm.sections import u32

Counts = tuple[int, int]


def large_layout(folder: Path) -> Path:
    """The component is too large to be read ahead."""
    content = b"\1a" + bytes(MAX_READ_AHEAD)
    return write_layout(fully_signed(signed(HELLO + b"\0" + u32(len(content)) + content)), folder / "large")


class Desk:
    """Two registries, and copies from one to the other that are counted."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, referrers_api: bool, token: bool) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        auth = BearerAuth("user", PASSWORD) if token else None
        self._auth = auth
        self.source = ObservedRegistry(folder / "source", referrers_api=referrers_api)
        self.target = ObservedRegistry(folder / "target", referrers_api=referrers_api, auth=auth)

    def fill(self, layout: Path, links: int = 0) -> str:
        """Put a layout into the source, and something attached to something attached to it; gives the reference."""
        with client_at(self.source.address) as client:
            send_layout(layout, client)
            root = source_in(client).root()
            chain(client, root, links)
        self.source.auth = self._auth
        return f"{self.source.address}/{PATH}:v1@{root.digest}"

    def count(
        self, source: str, *, keys: bool, to: Repository | Path | None = None, check_only: bool = False
    ) -> Rounds:
        """Copy to another registry, if no place is given."""
        self.rounds = rounds = Rounds()
        place = to or Repository(self.target.address, PATH)
        request = CopyRequest(
            source,
            {place: ["v1"]} if isinstance(place, Repository) else {},
            DUAL if keys else None,
            layout=place if isinstance(place, Path) else None,
            recursive=True,
        )
        with ExitStack() as stack:
            clients = {}
            for name in (Repository(self.source.address, PATH), Repository(self.target.address, PATH), place):
                if isinstance(name, Repository) and name not in clients:
                    secrets = password_for(name.registry, self._folder / name.registry.partition(":")[2])
                    clients[name] = stack.enter_context(counted_client(name.registry, name.path, rounds, secrets))
            self._monkeypatch.setattr(Registries, "client", lambda _, repository: clients[repository])
            if check_only:
                plan_copies(request, ConnectionOptions())
            else:
                copied = copy_image(request, ConnectionOptions(), lambda _: None, lambda: nullcontext(SILENT))
                assert [outcome.error for outcome in copied.outcomes if outcome.error] == []
        return rounds


DeskMaker = Callable[..., Desk]


@pytest.fixture(name="desk_of")
def _desk_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeskMaker]:
    with ExitStack() as stack:

        def make(*, referrers_api: bool, token: bool = False) -> Desk:
            desk = Desk(tmp_path, monkeypatch, referrers_api=referrers_api, token=token)
            stack.enter_context(desk.source)
            stack.enter_context(desk.target)
            return desk

        yield make


def assert_counts(rounds: Rounds, expected: Counts) -> None:
    assert (rounds.count, len(rounds.asked)) == expected, "\n".join(map(str, rounds.asked))


NO_API, API = False, True
KEYS, NO_KEYS = True, False


@pytest.mark.parametrize(
    ("make", "referrers_api", "keys", "first", "again"),
    [
        (dual_layout, NO_API, KEYS, (13, 57), (4, 27)),
        (dual_layout, API, KEYS, (12, 51), (4, 26)),
        (dual_layout, NO_API, NO_KEYS, (12, 50), (4, 27)),
        (dual_layout, API, NO_KEYS, (12, 46), (4, 26)),
        (index_layout, NO_API, KEYS, (14, 141), (4, 67)),
        (index_layout, API, KEYS, (13, 123), (4, 64)),
        (index_layout, NO_API, NO_KEYS, (13, 120), (4, 67)),
        (index_layout, API, NO_KEYS, (13, 108), (4, 64)),
        (large_layout, NO_API, KEYS, (15, 58), (6, 28)),
        (large_layout, NO_API, NO_KEYS, (13, 50), (4, 26)),
    ],
)
def test_between_registries_first_and_again(
    make: Callable[[Path], Path],
    referrers_api: bool,
    keys: bool,
    first: Counts,
    again: Counts,
    desk_of: DeskMaker,
    tmp_path: Path,
) -> None:
    desk = desk_of(referrers_api=referrers_api)
    source, _, _ = desk.fill(make(tmp_path)).partition("@")
    assert_counts(desk.count(source, keys=keys), first)
    assert_counts(desk.count(source, keys=keys), again)


def test_with_tokens(desk_of: DeskMaker, tmp_path: Path) -> None:
    """Both are asked for at the same time; one to write comes later."""
    desk = desk_of(referrers_api=False, token=True)
    source, _, _ = desk.fill(dual_layout(tmp_path)).partition("@")
    assert_counts(desk.count(source, keys=True), (17, 63))


def test_a_digest_says_at_once_what_is_attached(desk_of: DeskMaker, tmp_path: Path) -> None:
    desk = desk_of(referrers_api=False)
    assert_counts(desk.count(desk.fill(dual_layout(tmp_path)), keys=True), (12, 57))


@pytest.mark.parametrize(("links", "expected"), [(1, (13, 68)), (2, (15, 87)), (4, (19, 125))])
def test_a_chain_is_read_and_sent_link_by_link(
    links: int, expected: Counts, desk_of: DeskMaker, tmp_path: Path
) -> None:
    desk = desk_of(referrers_api=False)
    source, _, _ = desk.fill(dual_layout(tmp_path), links).partition("@")
    assert_counts(desk.count(source, keys=True), expected)


def attach_indexes(desk: Desk, entries: int, depth: int) -> None:
    """An index of so many, in so many others, one in each."""
    with client_at(desk.source.address) as client:
        empty = put_index(client, [])
        inner = [put_index(client, [empty] * number) for number in range(entries)]
        for _ in range(depth):
            inner = [put_index(client, inner)]
        attach_index(client, source_in(client).root(), inner=inner)


def test_what_is_too_deep_is_not_read(desk_of: DeskMaker, tmp_path: Path) -> None:
    desk = desk_of(referrers_api=API)
    source = desk.fill(dual_layout(tmp_path))
    attach_indexes(desk, 1, 40)
    with pytest.raises(VerificationError, match=f"deeper than the limit of {MAX_DEPTH}"):
        desk.count(source, keys=True, check_only=True)
    assert_counts(desk.rounds, (5, 19))


def test_what_is_too_much_is_not_read_ahead(
    desk_of: DeskMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of(referrers_api=API)
    source = desk.fill(dual_layout(tmp_path))
    attach_indexes(desk, 60, 0)
    for module in (copy_source, graph):
        monkeypatch.setattr(module, "MAX_MANIFESTS_SIZE", 20_000)
    with pytest.raises(VerificationError, match="more bytes than the limit of 20000"):
        desk.count(source, keys=True, check_only=True)
    assert len(desk.rounds.asked) < 40


def test_another_client_has_the_answers_and_asks_what_is_next(tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path / "registry") as registry, client_at(registry.address) as first:
        send_layout(dual_layout(tmp_path), first)
        reads = ReadAhead(first)
        root, _ = reads.resolve("v1")
        with counted_client(registry.address, PATH, rounds := Rounds(), {}) as second:
            assert reads.by(second).resolve("v1")[0] == root
            assert_counts(rounds, (0, 0))
            assert reads.by(second).resolve(root.digest)[0].digest == root.digest
            assert_counts(rounds, (1, 1))


def test_within_a_registry_blobs_are_mounted(desk_of: DeskMaker, tmp_path: Path) -> None:
    desk = desk_of(referrers_api=True)
    source, _, _ = desk.fill(dual_layout(tmp_path)).partition("@")
    assert_counts(desk.count(source, keys=True, to=Repository(desk.source.address, "copy")), (11, 47))


@pytest.mark.parametrize(("referrers_api", "expected"), [(NO_API, (10, 42)), (API, (9, 37))])
def test_from_a_layout_it_is_as_publishing(
    referrers_api: bool, expected: Counts, desk_of: DeskMaker, tmp_path: Path
) -> None:
    desk = desk_of(referrers_api=referrers_api)
    assert_counts(desk.count(str(dual_layout(tmp_path)), keys=True), expected)


@pytest.mark.parametrize(
    ("make", "keys", "expected"),
    [
        (dual_layout, KEYS, (4, 15)),
        (dual_layout, NO_KEYS, (4, 15)),
        (index_layout, KEYS, (4, 39)),
        (large_layout, KEYS, (6, 16)),
        (large_layout, NO_KEYS, (5, 15)),
    ],
)
def test_into_a_layout(
    make: Callable[[Path], Path], keys: bool, expected: Counts, desk_of: DeskMaker, tmp_path: Path
) -> None:
    desk = desk_of(referrers_api=False)
    source, _, _ = desk.fill(make(tmp_path)).partition("@")
    assert_counts(desk.count(source, keys=keys, to=tmp_path / "copy"), expected)


def test_what_would_be_copied(desk_of: DeskMaker, tmp_path: Path) -> None:
    """The destination is not asked."""
    desk = desk_of(referrers_api=False)
    source, _, _ = desk.fill(dual_layout(tmp_path)).partition("@")
    assert_counts(desk.count(source, keys=True, check_only=True), (4, 15))


def test_a_destination_that_does_not_answer_is_asked_once(
    desk_of: DeskMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with the source is said, and not long after."""
    desk = desk_of(referrers_api=True)
    source, _, _ = desk.fill(unsigned_layout(tmp_path)).partition("@")
    asked: list[str] = []

    def send(_: Transport, request: Request) -> Response:
        asked.append(str(request.url.target))
        raise RegistryError("no answer")

    with counted_client(desk.target.address, PATH, Rounds()) as theirs, client_at(desk.source.address) as ours:
        monkeypatch.setattr(theirs._own.transport, "send", partial(send, theirs._own.transport))
        clients = {theirs.repository: theirs, ours.repository: ours}
        monkeypatch.setattr(Registries, "client", lambda _, repository: clients[repository])
        with pytest.raises(VerificationError, match="no signature"):
            copy_image(
                CopyRequest(source, {theirs.repository: ["v1"]}, DUAL),
                ConnectionOptions(),
                lambda _: None,
                lambda: nullcontext(SILENT),
            )
    assert asked == [f"/v2/{PATH}/manifests/v1"]
