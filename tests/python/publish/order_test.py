"""The order of requests, of which docs/publishing.md tells: what must have been answered before each is sent.

That is recorded with all threads, and then publishing is killed before each of its requests; and so is copying, whose
source is read to its end before anything is sent.
"""

import itertools
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from copy_fixtures import send_layout, source_in
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import DUAL, PATH, client_for, dual_layout, request_for
from registry_fixtures import OwnClient
from rounds_fixtures import Dead, Rounds, counted_client
from wasmoci.oci.progress import SILENT
from wasmoci.publish.copy import CopyRequest, copy_image
from wasmoci.publish.plan import plan, publish
from wasmoci.registry.client import Registries
from wasmoci.registry.source import RegistrySource
from wasmoci.registry.sources import ConnectionOptions
from wasmoci.registry.transport import Request, Response
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.verify.image import verify
from watched_registry_fixtures import assert_only_signed_tags

# The names of requests by method and path. What is read gets a number: how often that was, or is, by then.
NAMES = {
    r"(GET|HEAD) .*/blobs/sha256:": "look for a blob",
    r"POST .*/blobs/uploads/": "begin an upload",
    r"PUT .*/blobs/uploads/": "send a blob",
    r"PUT .*/manifests/sha256:IMAGE": "put the image",
    r"PUT .*/manifests/sha256:": "put the referrer",
    r"PUT .*/manifests/sha256-IMAGE[.]sig": "put .sig",
    r"PUT .*/manifests/sha256-IMAGE": "put the index",
    r"PUT .*/manifests/v1": "set the tag",
    r"GET .*/manifests/sha256:IMAGE": "read the image",
    r"GET .*/manifests/sha256:": "read the referrer",
    r"GET .*/manifests/sha256-IMAGE[.]sig": "read .sig",
    r"GET .*/manifests/sha256-IMAGE": "read the index",
    r"GET .*/manifests/v1": "read the tag",
    r"GET .*/referrers/": "ask the referrers API",
}
LOOKS = {
    "look for a blob",
    "read the image 1",
    "read the referrer 1",
    "read .sig 1",
    "read the index 1",
    "read the tag 1",
    "ask the referrers API 1",
}
SIGNATURES = {"put the referrer", "put .sig", "put the index"}
COPY = {
    "read a blob",
    "read the image 2",
    "read the referrer 2",
    "read .sig 3",
    "read the index 3",
    "ask the referrers API 3",
}

# Before a request is sent all of these are answered, of those that there are.
BEFORE: dict[str, set[str]] = {
    **{look: set() for look in LOOKS},
    "begin an upload": LOOKS,
    "send a blob": LOOKS,
    "put the image": {*LOOKS, "send a blob"},
    "read .sig 2": {*LOOKS, "send a blob"},
    "put the referrer": {"send a blob", "put the image"},
    "put .sig": {"send a blob", "put the image", "read .sig 2"},
    "ask the referrers API 2": {"put the image"},
    "read the index 2": {"put the image"},
    "put the index": {"put the image", "put the referrer", "read the index 2", "ask the referrers API 2"},
    **{read: {"send a blob", "put the image", *SIGNATURES} for read in COPY},
    "read .sig 4": COPY,
    "read the index 4": COPY,
    "read the tag 2": COPY,
    "set the tag": {*COPY, *SIGNATURES, "read .sig 4", "read the index 4", "read the tag 2"},
    "read the tag 3": {"set the tag"},
}
# Without a referrers API.
OF_THE_INDEX = {"read the index 2", "read the index 3", "read the index 4", "ask the referrers API 2", "put the index"}

SOURCE = "read the source"
BEFORE_OF_COPY = {
    SOURCE: set(),
    **{name: names if name in LOOKS else {*names, SOURCE} for name, names in BEFORE.items()},
}


class Recorder:
    """Notes when requests are sent and when they are answered, by name."""

    def __init__(self, image: Digest, *, referrers_api: bool) -> None:
        self.log: list[tuple[str, str]] = []
        self._image = image.hex
        self._referrers_api = referrers_api
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def watch(self, client: OwnClient, *, is_source: bool = False) -> OwnClient:
        transport = client._own.transport
        name = (lambda *_: SOURCE) if is_source else self._name
        transport.send = partial(self._noted, transport.send, name)  # type: ignore[method-assign]
        return client

    def assert_order(self, before: dict[str, set[str]]) -> None:
        assert {name for _, name in self.log} == before.keys() - (OF_THE_INDEX if self._referrers_api else set())
        for place, (what, name) in enumerate(self.log):
            if what == "sent":
                late = {other for what_else, other in self.log[place:] if what_else == "answered"} & before[name]
                assert not late, f"{name} is sent before {late}"

    def _noted(
        self, send: Callable[[Request], Response], name_of: Callable[[str, str], str], request: Request
    ) -> Response:
        with self._lock:
            name = name_of(request.method, request.url.target.partition("?")[0])
            self.log.append(("sent", name))
        response = send(request)
        with self._lock:
            self.log.append(("answered", name))
        return response

    def _name(self, method: str, path: str) -> str:
        line = f"{method} {path.replace(self._image, 'IMAGE')}"
        name = next(name for pattern, name in NAMES.items() if re.match(pattern, line))
        of_blob = name == "look for a blob"
        key = path if of_blob else name
        self._counts[key] += 1
        if of_blob:
            return name if self._counts[key] == 1 else "read a blob"
        if method != "GET":
            return name
        # What is known of the API is not asked for between the looks and the copy.
        skipped = name == "ask the referrers API" and self._referrers_api and self._counts[key] > 1
        return f"{name} {self._counts[key] + skipped}"


BOTH_KINDS = pytest.mark.parametrize("referrers_api", [True, False], ids=["referrers-api", "fallback-index"])


@BOTH_KINDS
def test_what_comes_before_each_request(referrers_api: bool, tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    with EmbeddedRegistry(tmp_path / "r", referrers_api=referrers_api) as registry:
        request = replace(request_for(layout, registry.address, tags=("v1",)), if_exists=IfExists.VERIFY_SAME)
        planned = plan(request)
        recorder = Recorder(planned.digest, referrers_api=referrers_api)
        with client_for(registry.address) as client:
            publish(request, planned, recorder.watch(client), SILENT)
    recorder.assert_order(BEFORE)


@BOTH_KINDS
def test_killed_before_each_request(referrers_api: bool, tmp_path: Path) -> None:
    """No tag is on an image whose signatures are not there, and a second run sends what is missing."""
    layout = dual_layout(tmp_path)
    for survived in itertools.count():
        events: list[Event] = []
        folder = tmp_path / f"after{survived}"
        with ObservedRegistry(folder, observer=events.append, referrers_api=referrers_api) as registry:
            request = request_for(layout, registry.address, tags=("v1",))
            planned = plan(request)
            is_killed = False
            with counted_client(registry.address, PATH, Rounds(dies_after=survived)) as client:
                try:
                    publish(request, planned, client, SILENT)
                except Dead:
                    is_killed = True
            with counted_client(registry.address, PATH, Rounds()) as client:
                publish(request, planned, client, SILENT)
                source = RegistrySource(Reference(client.repository, "v1", None), client)
                assert verify(source, DUAL).level is Level.DUAL_LAYER
        for event in events:
            assert_only_signed_tags(event)
        if not is_killed:
            break
    assert survived > 30


@pytest.fixture(name="source")
def _source(tmp_path: Path) -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry(tmp_path / "source") as registry, client_for(registry.address) as client:
        send_layout(dual_layout(tmp_path), client)
        yield registry


Copies = Callable[[OwnClient, OwnClient, IfExists], None]


@pytest.fixture(name="copy")
def _copy(monkeypatch: pytest.MonkeyPatch) -> Copies:
    """Copies from a client's repository to another's."""

    def copy(source: OwnClient, target: OwnClient, if_exists: IfExists) -> None:
        clients = {client.repository: client for client in (source, target)}
        monkeypatch.setattr(Registries, "client", lambda _, repository: clients[repository])
        request = CopyRequest(f"{source.repository}:v1", {target.repository: ["v1"]}, DUAL, if_exists=if_exists)
        copied = copy_image(request, ConnectionOptions(), lambda _: None, lambda: nullcontext(SILENT))
        assert copied.outcomes[0].error is None

    return copy


@BOTH_KINDS
def test_what_comes_before_each_request_of_a_copy(
    referrers_api: bool, source: EmbeddedRegistry, copy: Copies, tmp_path: Path
) -> None:
    with EmbeddedRegistry(tmp_path / "r", referrers_api=referrers_api) as registry:
        with client_for(source.address) as ours, client_for(registry.address) as theirs:
            recorder = Recorder(source_in(ours).root().digest, referrers_api=referrers_api)
            copy(recorder.watch(ours, is_source=True), recorder.watch(theirs), IfExists.VERIFY_SAME)
    recorder.assert_order(BEFORE_OF_COPY)


@BOTH_KINDS
def test_a_copy_that_is_killed_before_each_request(
    referrers_api: bool, source: EmbeddedRegistry, copy: Copies, tmp_path: Path
) -> None:
    for survived in itertools.count():
        events: list[Event] = []
        folder = tmp_path / f"after{survived}"
        with ObservedRegistry(folder, observer=events.append, referrers_api=referrers_api) as registry:
            is_killed = False
            for rounds in (Rounds(dies_after=survived), Rounds()):
                with (
                    counted_client(source.address, PATH, rounds) as ours,
                    counted_client(registry.address, PATH, rounds) as theirs,
                ):
                    try:
                        copy(ours, theirs, IfExists.OVERWRITE)
                    except Dead:
                        is_killed = True
            with client_for(registry.address) as client:
                assert verify(source_in(client), DUAL).level is Level.DUAL_LAYER
        for event in events:
            assert_only_signed_tags(event)
        if not is_killed:
            break
    assert survived > 40
