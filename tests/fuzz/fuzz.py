"""Fuzz one target, or all of them: `python tests/fuzz/fuzz.py TARGET|all SECONDS`.

Needs what requirements_lock.txt and tests/fuzz/requirements.txt name. SECONDS are for each target. Fails on
an exception that is not an Error, an input that takes 5 seconds, and memory over 256 MiB; libFuzzer then
prints the input and where it lies. `fuzz.py TARGET --input FILE` gives one input to a target.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

MEMORY_MIB = 256
SECONDS_AN_INPUT = 5
MAX_INPUT_SIZE = 4096

_EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_PEAK_MEMORY = re.compile(r"stat::peak_rss_mb:\s*(\d+)")


def fuzz(name: str, seconds: int) -> None:
    """Fuzz a target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["wasmoci"]):
        from targets import TARGETS, check

    with tempfile.TemporaryDirectory() as seeds:
        for number, seed in enumerate(TARGETS[name].seeds):
            Path(seeds, str(number)).write_bytes(seed)
        options = {
            "artifact_prefix": tempfile.mkdtemp(prefix=f"fuzz-{name}-") + "/",
            "max_len": MAX_INPUT_SIZE,
            "max_total_time": seconds,
            "print_final_stats": 1,
            "rss_limit_mb": MEMORY_MIB,
            "timeout": SECONDS_AN_INPUT,
        }
        atheris.Setup(
            [sys.argv[0], *(f"-{option}={value}" for option, value in options.items()), seeds],
            lambda data: check(name, data),
        )
        atheris.Fuzz()


def fuzz_all(seconds: int) -> int:
    """Fuzz each target in a process of its own; the number of targets that failed."""
    from targets import TARGETS

    failed = 0
    # Seeds and inputs of failures; libFuzzer ends its process without cleaning up.
    folder = tempfile.mkdtemp(prefix="fuzz-")
    for name in TARGETS:
        command = [sys.executable, __file__, name, str(seconds)]
        environment = {**os.environ, "TMPDIR": folder}
        ran = subprocess.run(command, capture_output=True, check=False, env=environment, errors="replace", text=True)
        executed, memory = _EXECUTED.search(ran.stderr), _PEAK_MEMORY.search(ran.stderr)
        if ran.returncode == 0 and executed and memory:
            print(f"{name:22} {int(executed[1]):>9} inputs, peak {memory[1]} MiB", flush=True)
        else:
            failed += 1
            print(f"{name:22} FAILED, exit code {ran.returncode}\n{ran.stdout}{ran.stderr}", flush=True)
    if not failed:
        shutil.rmtree(folder)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("seconds", nargs="?", type=int)
    parser.add_argument("--input", type=Path)
    arguments = parser.parse_args()
    if arguments.input is not None:
        from targets import check

        check(arguments.target, arguments.input.read_bytes())
        return 0
    if arguments.seconds is None:
        parser.error("say for how many seconds")
    if arguments.target == "all":
        return min(fuzz_all(arguments.seconds), 1)
    fuzz(arguments.target, arguments.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
