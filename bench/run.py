"""The benchmark: our tools, the real peers and the limits of the machine, on the same inputs in turns.

    tools/toolbox/run python3 bench/run.py [--quick | --large] [--only NAME…] [--json FILE] [--svg FILE]
                                           [--folder FOLDER]

Needs Linux and, on PATH, Bazel and the peers (tools/toolbox/peers). It prints each row as it is measured, and all
targets at the end. Ratios are medians of those of each round. FOLDER keeps Bazel's output bases and the installed
packages for the next run, and needs 10 GiB, with `--large` 30; nobody else may use it, or the machine, meanwhile.
"""

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from build_rows import build_changed, build_cold, build_null, build_tests
from comparing import Row
from component_rows import sign_large, sign_small, verify_large
from image_rows import sign_manifest, verify_image, verify_many
from lab import FULL, LARGE, QUICK, Lab
from plot import plot
from publish_rows import publish_many, publish_sizes
from scale_rows import scale, scale_large
from table import summary, table
from usage import BenchError

Measurement = Callable[[Lab], Row]


def measurements(lab: Lab) -> dict[str, Measurement]:
    """Every row by its name."""
    if lab.size is LARGE:
        return {"scale_large": scale_large}
    fixed: list[Measurement] = [sign_small, sign_large, verify_large, sign_manifest, verify_image, build_changed]
    many: list[Measurement] = [build_cold, build_null, build_tests, verify_many, publish_many]
    return {
        **{one.__name__: one for one in fixed},
        **{f"publish_{mib}": partial(publish_sizes, mib=mib) for mib in lab.size.mib},
        **{one.__name__: one for one in many},
        **{f"scale_{count}": partial(scale, count=count) for count in lab.size.counts},
    }


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
    sizes.add_argument("--large", action="store_true", help="10,000 images, and nothing else")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--folder", type=Path, default=Path.home() / ".cache/rules_wasm_oci/bench")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lab = Lab(folder, QUICK if arguments.quick else LARGE if arguments.large else FULL, stack)
        if unknown := set(arguments.only) - set(measurements(lab)):
            parser.error(f"{', '.join(sorted(unknown))}: known are {', '.join(measurements(lab))}")
        results = Results(lab.facts())
        print(json.dumps(results.facts, indent=2), flush=True)
        known = measurements(lab)
        for name in arguments.only or known:
            results.measure(name, known[name], lab)
            # A run takes more than an hour, and one that is stopped leaves what it has.
            results.write(arguments.json, arguments.svg)
    print(summary(results.rows))
    if results.failed:
        sys.exit("not measured: " + ", ".join(results.failed))


if __name__ == "__main__":
    main()
