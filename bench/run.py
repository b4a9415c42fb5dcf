"""The benchmark: our tools, the real peers and the limits of the machine, on the same inputs in turns.

    tools/toolbox/run python3 bench/run.py [--quick | --large [FEW MANY]] [--only PATTERN…] [--rounds N] [--json FILE]
                                           [--svg FILE] [--folder FOLDER]

Needs Linux and, on PATH, Bazel and the peers (tools/toolbox/peers). It prints each row as it is measured, and all
targets at the end, also as lines of docs/performance.md. Ratios are medians of those of each round. FOLDER keeps
Bazel's output bases and the installed packages for the next run, and needs 15 GiB, with `--large` 30; nobody else may
use it, or the machine, meanwhile. What it leaves is deleted at its end, and where another run comes soon after that,
ext4 is slow to make files.
"""

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from build_rows import build_changed, build_cold, build_null, build_tests
from comparing import Row
from component_rows import sign_large, sign_small, verify_large
from image_rows import sign_manifest, verify_image, verify_many
from lab import FULL, QUICK, Lab, Size
from network_rows import ROUND_TRIPS, publish_far, publish_far_again, publish_many_far, verify_far
from plot import plot
from publish_rows import publish_many, publish_sizes
from scale_large_rows import scale_large_build, scale_large_publish
from scale_rows import scale
from start_rows import start_up
from table import markdown, summary, table
from usage import BenchError

Measurement = Callable[[Lab], Row]


_LARGE = (1000, 10_000)


def measurements(size: Size) -> dict[str, Measurement]:
    """Every row by its name."""
    fixed: list[Measurement] = [start_up, sign_small, sign_large, verify_large, sign_manifest, verify_image]
    builds: list[Measurement] = [build_changed, build_cold, build_null, build_tests]
    many: list[Measurement] = [verify_many, publish_many]
    far = {"publish_far": publish_far, "publish_far_again": publish_far_again, "verify_far": verify_far}
    return {
        **{one.__name__: one for one in fixed},
        **{
            f"{name}_{milliseconds}": partial(row, milliseconds=milliseconds)
            for milliseconds in ROUND_TRIPS
            for name, row in far.items()
        },
        **{
            f"publish_far_referrers_{one}": partial(publish_far, milliseconds=one, referrers=True)
            for one in ROUND_TRIPS
        },
        "publish_many_far": publish_many_far,
        **{f"publish_{mib}": partial(publish_sizes, mib=mib) for mib in size.mib},
        **{one.__name__: one for one in builds},
        **{one.__name__: one for one in many},
        **{f"scale_{count}": partial(scale, count=count) for count in size.counts},
    }


def large_measurements() -> dict[str, Measurement]:
    """The rows of `--large`."""
    return {one.__name__: one for one in (scale_large_build, scale_large_publish)}


@dataclass
class Results:
    """The rows, and why others are not there: one that fails does not end the run."""

    facts: Mapping[str, object]
    rows: list[Row] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def measure(self, name: str, measurement: Measurement, lab: Lab) -> None:
        try:
            self.rows.append(measurement(lab))
        except (BenchError, OSError, ValueError) as error:
            traceback.print_exc()
            self.failed[name] = str(error)
        else:
            print(table(self.rows[-1]), flush=True)

    def write(self, as_json: Path | None, as_svg: Path | None) -> None:
        """Where they are asked for."""
        if as_json:
            result = {"facts": self.facts, "rows": [row.to_json() for row in self.rows], "failed": self.failed}
            as_json.write_text(json.dumps(result, indent=2) + "\n")
        if as_svg:
            as_svg.write_text(plot(self.rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="small sizes and numbers, to try that everything works")
    sizes.add_argument(
        "--large", nargs="*", type=int, metavar="COUNT", help="other rows: 10,000 images beside 1,000, or other numbers"
    )
    parser.add_argument(
        "--only", nargs="+", default=["*"], metavar="PATTERN", help="rows whose names match, as *_far_*"
    )
    parser.add_argument("--rounds", type=int, metavar="N")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--folder", type=Path, default=Path.home() / ".cache/rules_wasm_oci/bench")
    arguments = parser.parse_args()
    large = arguments.large is not None
    if large and len(arguments.large) not in (0, 2):
        parser.error("--large: two numbers of images, or none")
    size = Size(rounds=2, counts=arguments.large or _LARGE) if large else QUICK if arguments.quick else FULL
    known = large_measurements() if large else measurements(size)
    chosen = [name for name in known if any(fnmatchcase(name, pattern) for pattern in arguments.only)]
    if not chosen:
        parser.error(f"{' '.join(arguments.only)}: known are {', '.join(known)}")
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lab = Lab(folder, replace(size, rounds=arguments.rounds or size.rounds), stack)
        results = Results(lab.facts())
        print(json.dumps(results.facts, indent=2), flush=True)
        for name in chosen:
            results.measure(name, known[name], lab)
            # A run takes more than an hour, and one that is stopped leaves what it has.
            results.write(arguments.json, arguments.svg)
    print(summary(results.rows), markdown(results.rows), sep="\n\n")
    if results.failed:
        sys.exit("not measured: " + ", ".join(results.failed))


if __name__ == "__main__":
    main()
