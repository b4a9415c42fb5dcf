"""Count what `.ci/run` ran: `count.py FOLDER`. Prints `N passed, N failed`, exits with 1 if anything failed.

FOLDER holds `checks` (a line a step), `*.events.json` (Bazel's build events, which name the tests
that ran and their JUnit files) and `*.xml` (JUnit of pytest).
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree


def checks(folder: Path) -> Iterator[tuple[str, bool]]:
    """Every step and whether it succeeded."""
    for line in (folder / "checks").read_text().splitlines():
        status, _, name = line.partition(" ")
        yield name, status == "passed"


def junit(path: Path) -> Iterator[tuple[str, bool]]:
    """Every test case of a JUnit file and whether it passed; a skipped one has not."""
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')} {case.get('name')}"
        yield name, not any(child.tag in ("failure", "error", "skipped") for child in case)


def bazel(path: Path) -> Iterator[tuple[str, bool]]:
    """Every test case of the test targets that a build's events name.

    A target whose status is not PASSED counts as failed even if its JUnit file shows no failure.
    """
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if "testResult" not in event:
            continue
        label, result = event["id"]["testResult"]["label"], event["testResult"]
        outputs = {output["name"]: output.get("uri", "") for output in result.get("testActionOutput", [])}
        passed = result.get("status") == "PASSED"
        cases = [] if "test.xml" not in outputs else list(junit(Path(unquote(urlparse(outputs["test.xml"]).path))))
        yield from cases
        if not cases or (not passed and all(ok for _, ok in cases)):
            yield label, passed


def main(folder: Path) -> int:
    """Print the failures and the sums; the exit code."""
    results = list(checks(folder))
    for events in sorted(folder.glob("*.events.json")):
        results += bazel(events)
    for report in sorted(folder.glob("*.xml")):
        results += junit(report)
    failed = [name for name, ok in results if not ok]
    for name in failed:
        print(f"failed: {name}")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
