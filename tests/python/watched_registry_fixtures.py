"""A registry that notes all that is asked of it."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from wasmoci.digest import Digest
from wasmoci.registry.server import EmbeddedRegistry
from wasmoci.registry.server_handler import Handler
from wasmoci.registry.server_storage import Event
from wasmoci.simple_signing import signature_tag


class Watched:
    """A registry that notes its changes, its requests, and how many connections there were."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.events: list[Event] = []
        self.seen: list[tuple[str, str]] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._registry = EmbeddedRegistry(folder, observer=self.events.append, **options)
        watched = self

        class WatchedHandler(Handler):
            def setup(self) -> None:
                with watched._lock:
                    watched.connections += 1
                super().setup()

            def handle_request(self) -> None:
                with watched._lock:
                    watched.seen.append((self.command, self.path))
                super().handle_request()

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815

        self._registry._server.RequestHandlerClass = WatchedHandler
        self.address = self._registry.address

    def __enter__(self) -> "Watched":
        self._registry.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._registry.__exit__(None, None, None)

    @property
    def has_referrers_api(self) -> bool:
        return self._registry._server.app.referrers_api

    def methods(self) -> Counter[str]:
        return Counter(method for method, _ in self.seen)


def human_tags(event: Event) -> dict[str, Digest]:
    return {tag: digest for tag, digest in event.tags.items() if not tag.startswith("sha256-")}


def assert_only_signed_tags(event: Event) -> None:
    for digest in human_tags(event).values():
        assert event.referrers.get(digest), f"{event.path}: a tag points to {digest}, which has no bundle"
        assert signature_tag(digest) in event.tags, f"{event.path}: a tag points to {digest}, which has no .sig"
