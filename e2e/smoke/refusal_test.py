"""Passes if a verifying test refuses its image: `refusal_test RLOCATION ARGUMENT…`."""

import os
import subprocess
import sys

from python.runfiles import runfiles

REFUSED = 3


def main() -> int:
    """The exit code: 0 for a refusal, 1 for a pass or any other failure."""
    found = runfiles.Create()
    command = [found.Rlocation(sys.argv[1]), *sys.argv[2:]]
    # The refused test's reports are not those of this one.
    reports = ("TEST_UNDECLARED_OUTPUTS_DIR", "XML_OUTPUT_FILE")
    environment = {name: value for name, value in os.environ.items() if name not in reports}
    finished = subprocess.run(command, env={**environment, **found.EnvVars()}, check=False)
    if finished.returncode != REFUSED:
        sys.stderr.write(f"exit code {finished.returncode}, expected {REFUSED}\n")
    return finished.returncode != REFUSED


sys.exit(main())
