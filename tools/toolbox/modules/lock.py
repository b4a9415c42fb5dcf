"""Prints the requirements of a lock that apply to this Python, as JSON: name to line."""

import json
import re
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def requirements(lock: str) -> dict[str, str]:
    """Every requirement of a lock by its name in Bazel, with its hashes."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", lock, flags=re.MULTILINE)).splitlines()
    found = {}
    for line in filter(str.strip, lines):
        requirement = Requirement(line.split(" --hash=")[0])
        if requirement.marker is None or requirement.marker.evaluate():
            found[canonicalize_name(requirement.name).replace("-", "_")] = " ".join(line.split())
    return found


json.dump(requirements(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.stdout)
