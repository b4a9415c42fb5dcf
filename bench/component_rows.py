"""Signing and verifying one component."""

import re
import subprocess
from pathlib import Path

from comparing import Contestant, Row, Target, compare
from component_file import MIB
from here import SMOKE
from lab import Lab

_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_NAMED_MODULES = 12


def sign_large(lab: Lab) -> Row:
    """One command signs a large component, embedded."""
    size = lab.size.mib[-1]
    source = lab.component(size * MIB)
    ours = lab.command(
        *(lab.wasm_oci, "component", "sign", source, "--output", "ours.wasm"),
        *("--key", lab.component_key, "--allow-readable-key"),
    )
    theirs = lab.command("wasmsign2", "sign", "-i", source, "-o", "theirs.wasm", "-k", lab.wasmsign2_key)
    runs = compare(
        [
            Contestant("wasm-oci component sign", ours.run, lambda: lab.remove("ours.wasm")),
            Contestant("openssl dgst -sha256", lab.command("openssl", "dgst", "-sha256", source).run),
            Contestant("cp", lab.command("cp", source, "copy.wasm").run, lambda: lab.remove("copy.wasm")),
            Contestant("wasmsign2 sign", theirs.run, lambda: lab.remove("theirs.wasm"), rounds=3),
        ],
        lab.size.rounds,
    )
    lab.remove("copy.wasm", "theirs.wasm")
    sign, limit = "wasm-oci component sign", ("openssl dgst -sha256", "cp")
    targets = [
        Target("at most 1.15 x (SHA-256 and copy)", sign, limit, 1.15),
        Target("at least 5 x faster than wasmsign2", sign, ["wasmsign2 sign"], 1 / 5),
        Target("peak under 40 MiB", sign, (), 40, "mib"),
    ]
    return Row("sign_large", f"sign a component of {size} MiB, embedded", runs, targets)


def verify_large(lab: Lab) -> Row:
    """One command verifies a large component, or signs it detached."""
    size = lab.size.mib[-1]
    source = lab.component(size * MIB)
    key = ("--key", lab.component_key, "--allow-readable-key")
    lab.remove("signed.wasm", "signed_by_wasmsign2.wasm")
    lab.run(lab.wasm_oci, "component", "sign", source, "--output", "signed.wasm", *key)
    lab.run("wasmsign2", "sign", "-i", source, "-o", "signed_by_wasmsign2.wasm", "-k", lab.wasmsign2_key)
    detach = lab.command(lab.wasm_oci, "component", "sign", source, "--detached", "ours.sig", *key)
    public = SMOKE / "keys/placeholder_component.pub"
    verify = lab.command(lab.wasm_oci, "component", "verify", "signed.wasm", "--key", public)
    theirs = lab.command(
        "wasmsign2", "verify", "-i", "signed_by_wasmsign2.wasm", "-K", lab.wasmsign2_key.with_suffix(".pub")
    )
    runs = compare(
        [
            Contestant("wasm-oci component verify", verify.run),
            Contestant("openssl dgst -sha256", lab.command("openssl", "dgst", "-sha256", source).run),
            Contestant("wasm-oci component sign --detached", detach.run, lambda: lab.remove("ours.sig")),
            Contestant("wasmsign2 verify", theirs.run, rounds=3),
        ],
        lab.size.rounds,
    )
    lab.remove("signed.wasm", "signed_by_wasmsign2.wasm")
    limit = ["openssl dgst -sha256"]
    targets = [
        Target("verify: at most 1.15 x SHA-256", "wasm-oci component verify", limit, 1.15),
        Target("sign detached: at most 1.15 x SHA-256", "wasm-oci component sign --detached", limit, 1.15),
    ]
    return Row("verify_large", f"verify a component of {size} MiB, or sign it detached", runs, targets)


def sign_small(lab: Lab) -> Row:
    """One command signs 1 MB: a matter of start-up, so the notes name the modules that take longest to load."""
    source = lab.component(MIB)
    words = (
        *("component", "sign", str(source), "--output", "small.wasm"),
        *("--key", str(lab.component_key), "--allow-readable-key"),
    )
    theirs = lab.command("wasmsign2", "sign", "-i", source, "-o", "small_theirs.wasm", "-k", lab.wasmsign2_key)
    python = lab.wasm_oci.with_name("python")
    runs = compare(
        [
            Contestant(
                "wasm-oci component sign", lab.command(lab.wasm_oci, *words).run, lambda: lab.remove("small.wasm")
            ),
            Contestant("wasmsign2 sign", theirs.run, lambda: lab.remove("small_theirs.wasm")),
            Contestant("python that does nothing", lab.command(python, "-c", "pass").run),
        ],
        lab.size.rounds * 4,
    )
    lab.remove("small.wasm")
    targets = [
        Target("at most 6.5 x wasmsign2", "wasm-oci component sign", ["wasmsign2 sign"], 6.5),
        Target("the same in CPU", "wasm-oci component sign", ["wasmsign2 sign"], 6.5, "cpu"),
    ]
    return Row("sign_small", "sign a component of 1 MiB by one command", runs, targets, {"modules": _slow(lab, words)})


def _slow(lab: Lab, words: tuple[str, ...]) -> dict[str, float]:
    """The modules that take longest to load, without what they load themselves, in milliseconds."""
    command: list[str | Path] = [lab.wasm_oci.with_name("python"), "-X", "importtime", lab.wasm_oci, *words]
    printed = subprocess.run(command, capture_output=True, check=True, cwd=lab.scratch, text=True).stderr
    found = {name: int(microseconds) / 1000 for microseconds, name in _IMPORT.findall(printed)}
    return dict(sorted(found.items(), key=lambda one: -one[1])[:_NAMED_MODULES])
