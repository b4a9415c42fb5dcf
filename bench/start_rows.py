"""What it costs to start."""

from comparing import Contestant, Row, Target, compare
from lab import Lab

_SECONDS = 0.038


def start_up(lab: Lab) -> Row:
    """The command that does nothing, and what it starts with."""
    python = lab.wasm_oci.with_name("python")
    runs = compare(
        [
            Contestant("wasm-oci --version", lab.command(lab.wasm_oci, "--version").run),
            Contestant("python that does nothing", lab.command(python, "-c", "pass").run),
            Contestant("python that loads click", lab.command(python, "-c", "import click").run),
        ],
        lab.size.rounds * 4,
    )
    targets = [Target("CPU: at most 0.038 s", "wasm-oci --version", (), _SECONDS, "cpu")]
    return Row("start_up", "say the version", runs, targets)
