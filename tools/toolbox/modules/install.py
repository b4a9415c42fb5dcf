"""Installs requirements.txt, one locked requirement, into the folder site-packages.

Prints the names of the packages that the installed one needs, as a JSON list.
"""

import compileall
import json
import py_compile
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SITE = Path("site-packages")


def install() -> Distribution:
    """The one distribution that requirements.txt names, checked against its hashes."""
    pip = [sys.executable, "-I", "-m", "pip", "--quiet", "install"]
    pip += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile"]
    pip += ["--root-user-action=ignore", "--target", str(SITE), "--requirement", "requirements.txt"]
    subprocess.run(pip, check=True, stdout=sys.stderr)
    (found,) = distributions(path=[str(SITE)])
    return found


def compile_sources() -> None:
    """Bytecode that depends on the source alone: start-up is half the time with it."""
    compileall.compile_dir(
        SITE,
        quiet=2,
        stripdir=str(SITE),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def needs(distribution: Distribution, extras: set[str]) -> list[str]:
    """The names in Bazel of what the distribution needs on this Python."""
    names = set()
    for line in distribution.requires or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            names.add(canonicalize_name(requirement.name).replace("-", "_"))
    return sorted(names)


def main() -> None:
    """Installs, compiles and prints."""
    line = Path("requirements.txt").read_text(encoding="utf-8")
    distribution = install()
    compile_sources()
    json.dump(needs(distribution, Requirement(line.split(" --hash=")[0]).extras), sys.stdout)


main()
