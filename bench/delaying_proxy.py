"""A TCP proxy that makes loopback as slow to answer as a network: `delaying_proxy.py HOST:PORT TARGET MILLISECONDS`.

It listens on HOST:PORT, connects to TARGET, another `host:port`, and gives each byte on half a round trip after it
came, each way. A new connection costs a round trip before its first byte is under way, as TCP's handshake does: the
kernel accepts at once here, so what a client sends meanwhile waits for that. Throughput is not bounded, and there is
no slow start: what is on its way is in memory.
"""

import argparse
import asyncio
import selectors
from collections import deque


class _Way:
    """One direction of a connection. Nothing is on its way before the time `opened`, of the loop's clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float, opened: float) -> None:
        self._loop = loop
        self._delay = delay
        self._opened = opened
        self._target: asyncio.Transport | None = None
        # An empty one is the end.
        self._under_way: deque[tuple[float, bytes]] = deque()

    def put(self, data: bytes) -> None:
        """Give this on later; nothing is the end of the connection."""
        due = max(self._loop.time(), self._opened) + self._delay
        self._under_way.append((due, data))
        if len(self._under_way) == 1 and self._target:
            self._loop.call_at(due, self._give)

    def leads_to(self, target: asyncio.Transport) -> None:
        self._target = target
        if self._under_way:
            self._loop.call_at(self._under_way[0][0], self._give)

    def _give(self) -> None:
        assert self._target
        while self._under_way and self._under_way[0][0] <= self._loop.time():
            _, data = self._under_way.popleft()
            if data:
                self._target.write(data)
            else:
                self._target.close()
        if self._under_way:
            self._loop.call_at(self._under_way[0][0], self._give)


class _End(asyncio.Protocol):
    """One end of a connection: what it sends goes `out`, and `into` leads to it."""

    def __init__(self, out: _Way, into: _Way) -> None:
        self._out = out
        self._into = into

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._into.leads_to(transport)

    def data_received(self, data: bytes) -> None:
        self._out.put(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._out.put(b"")


async def serve(listen: tuple[str, int], target: tuple[str, int], round_trip: float) -> None:
    """Until it is cancelled. `round_trip` is in seconds."""
    loop = asyncio.get_running_loop()
    connecting: set[asyncio.Task[object]] = set()

    def accept() -> _End:
        opened = loop.time() + round_trip
        there, back = _Way(loop, round_trip / 2, opened), _Way(loop, round_trip / 2, opened)
        task: asyncio.Task[object] = loop.create_task(loop.create_connection(lambda: _End(back, there), *target))
        connecting.add(task)
        task.add_done_callback(connecting.discard)
        return _End(there, back)

    server = await loop.create_server(accept, *listen, backlog=1024)
    async with server:
        await server.serve_forever()


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("listen", type=address, metavar="HOST:PORT")
    parser.add_argument("target", type=address)
    parser.add_argument("round_trip", type=float, metavar="MILLISECONDS")
    arguments = parser.parse_args()
    # epoll waits for whole milliseconds, which is one too long each way.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    loop.run_until_complete(serve(arguments.listen, arguments.target, arguments.round_trip / 1000))


if __name__ == "__main__":
    main()
