"""What is published and verified over a network: through a proxy that adds a round trip (delaying_proxy.py)."""

import http.client
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count as counter
from pathlib import Path

from comparing import Contestant, Row, Target, compare
from here import SMOKE
from lab import Lab
from publish_rows import publish_all
from servers import Server
from usage import Usage, with_servers

ROUND_TRIPS = (25, 100)

# What targets are for.
_MILLISECONDS = 25
_LEGACY = "--new-bundle-format=false"


@dataclass(frozen=True)
class _Far:
    """A registry that is some milliseconds away, and the commands that reach it; `layout` has the signed image."""

    lab: Lab
    server: Server
    layout: Path

    def name(self, number: int) -> str:
        return f"{self.server.address}/bench/image_{number}:v1"

    def ours(self, word: str, *words: str | Path) -> Usage:
        reach = ("--insecure-registry", self.server.address, "--quiet")
        return self.lab.command(self.lab.wasm_oci, word, *words, *self.lab.trust, *reach).run()

    def publish(self, image: str) -> Usage:
        return self.ours("publish", self.layout, image)

    def oras(self, image: str) -> Usage:
        return self.lab.command(
            "oras", "cp", "-r", "--from-oci-layout", "--to-plain-http", f"{self.layout}:v1", image
        ).run()

    def wkg(self, image: str) -> Usage:
        component = self.lab.workspace(1).workspace / "images/component_0.wasm"
        return self.lab.command("wkg", "oci", "push", "--insecure", self.server.address, image, component).run()

    def cosign_sign(self, image: str) -> Usage:
        return self.lab.cosign(*self.lab.sign_words(image), _LEGACY).run()

    def cosign_verify(self, image: str, *words: str) -> Usage:
        key = SMOKE / "keys/placeholder_oci.pub"
        offline = ("--insecure-ignore-tlog", "--allow-http-registry")
        return self.lab.command("cosign", "verify", *offline, "--key", key, *words, image).run()

    def round_trip(self) -> float:
        """The median time of a request on an open connection, in milliseconds."""
        connection = http.client.HTTPConnection(self.server.address)
        times = []
        for _ in range(10):
            started = time.perf_counter()
            connection.request("GET", "/v2/")
            connection.getresponse().read()
            times.append((time.perf_counter() - started) * 1000)
        connection.close()
        return statistics.median(times[1:])


def _far(lab: Lab, milliseconds: int, *, referrers: bool = False) -> _Far:
    (layout,) = lab.layouts(1)
    return _Far(lab, lab.far(lab.registry(referrers=referrers), milliseconds), layout)


def publish_far(lab: Lab, milliseconds: int, *, referrers: bool = False) -> Row:
    """One small signed image, each time into a repository of its own."""
    far, numbers = _far(lab, milliseconds, referrers=referrers), counter()

    def new(run: Callable[[str], Usage]) -> Callable[[], Usage]:
        return lambda: run(far.name(next(numbers)))

    pushed = {"image": ""}

    def push() -> None:
        pushed["image"] = far.name(next(numbers))
        far.wkg(pushed["image"])

    ours, wkg, cosign, oras = "wasm-oci publish", "wkg oci push", "cosign sign, one format", "oras cp -r"
    runs = compare(
        [
            Contestant(ours, new(far.publish)),
            Contestant(wkg, new(far.wkg)),
            Contestant(cosign, lambda: far.cosign_sign(pushed["image"]), push),
            Contestant(oras, new(far.oras)),
        ],
        lab.size.rounds * 2,
    )
    asked = [Target("at most 0.5 x wkg oci push and cosign sign", ours, [wkg, cosign], 0.5)]
    name = f"publish_far_{'referrers_' if referrers else ''}{milliseconds}"
    api = "with" if referrers else "without"
    work = f"publish a small image with both signatures, {milliseconds} ms away, {api} the referrers API"
    notes = {"round_trip_ms": far.round_trip()}
    return Row(name, work, runs, asked if milliseconds == _MILLISECONDS and not referrers else (), notes)


def publish_far_again(lab: Lab, milliseconds: int) -> Row:
    """The same image again, all of which is there."""
    far = _far(lab, milliseconds)
    ours, theirs = far.name(0), far.name(1)
    far.publish(ours)
    far.oras(theirs)
    runs = compare(
        [
            Contestant("wasm-oci publish", partial(far.publish, ours)),
            Contestant("oras cp -r", partial(far.oras, theirs)),
        ],
        lab.size.rounds * 2,
    )
    work = f"publish a small image that is there with its signatures, {milliseconds} ms away"
    return Row(f"publish_far_again_{milliseconds}", work, runs, (), {"round_trip_ms": far.round_trip()})


def verify_far(lab: Lab, milliseconds: int) -> Row:
    """One small image by its reference: both layers by us, the manifest by cosign, which looks for bundles or not."""
    far = _far(lab, milliseconds)
    image = far.name(0)
    far.publish(image)
    ours, bundle, legacy = "wasm-oci verify", "cosign verify", "cosign verify, legacy signature"
    runs = compare(
        [
            Contestant(ours, lambda: far.ours("verify", image)),
            Contestant(bundle, lambda: far.cosign_verify(image)),
            Contestant(legacy, lambda: far.cosign_verify(image, _LEGACY)),
        ],
        lab.size.rounds * 2,
    )
    asked = [Target(f"at most 0.8 x {theirs}", ours, [theirs], 0.8) for theirs in (bundle, legacy)]
    work = f"verify a small image, {milliseconds} ms away, both layers (cosign: the manifest)"
    notes = {"round_trip_ms": far.round_trip()}
    return Row(f"verify_far_{milliseconds}", work, runs, asked if milliseconds == _MILLISECONDS else (), notes)


def publish_many_far(lab: Lab) -> Row:
    """Many small signed images: by one publishing target, and by a loop of oras. The CPU time is also the servers'."""
    count = lab.size.far
    layouts = lab.layouts(count)
    publish = publish_all(lab, count)

    def to_new_registry(run: Callable[[str], Usage]) -> Usage:
        registry = lab.registry()
        proxy = lab.far(registry, _MILLISECONDS)
        return with_servers(lambda: run(proxy.address), registry.pid, proxy.pid)

    def loop(address: str) -> Usage:
        source, target = f"{layouts[0].parent}/image_$i:v1", f"{address}/bench/image_$i:v1"
        line = f"oras cp -r --from-oci-layout --to-plain-http {source} {target}"
        return lab.shell_loop("publish_many_far", count, [line]).run()

    ours, theirs = "publish_all", "loop of oras cp -r"
    rounds = min(lab.size.rounds, 3)
    runs = compare(
        [
            Contestant(ours, lambda: to_new_registry(publish), rounds=rounds),
            Contestant(theirs, lambda: to_new_registry(loop), rounds=1),
        ],
        rounds,
    )
    asked = [Target("at least 6 x faster than a loop of oras", ours, [theirs], 1 / 6)]
    return Row(
        "publish_many_far", f"publish {count} images with their signatures, {_MILLISECONDS} ms away", runs, asked
    )
