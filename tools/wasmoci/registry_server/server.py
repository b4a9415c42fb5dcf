"""An embedded OCI registry (distribution-spec 1.1) for development and tests.

No production registry: plain HTTP, no deletion, no quota, and whoever reaches it may write.
"""

import threading
from pathlib import Path

from wasmoci.registry_server.handler import Handler
from wasmoci.registry_server.http_server import Server
from wasmoci.registry_server.storage import Storage


class EmbeddedRegistry(Server):
    """A registry on a loopback port, with its content in `folder`.

    In a `with` it serves from a thread; `serve` serves until `stop`. Without `referrers_api` it is like a
    registry that knows only the referrers tag schema.
    """

    def __init__(self, folder: Path, *, host: str = "127.0.0.1", port: int = 0, referrers_api: bool = True) -> None:
        """Listen at once; `port` 0 is any free port."""
        self.storage = Storage(folder)
        self.referrers_api = referrers_api
        super().__init__((host, port), Handler)
        self._thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self) -> None:
        """Serve until `stop` is called, then close."""
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            self.server_close()

    def stop(self) -> None:
        """Make `serve` return soon. May be called from a signal handler."""
        # shutdown() waits for the loop, which would wait for the handler if both are one thread.
        threading.Thread(target=self.shutdown, daemon=True).start()

    def __enter__(self) -> "EmbeddedRegistry":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join()
