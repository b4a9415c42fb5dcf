"""Run pytest on the files given, as a Bazel test: `pytest_main.py CONFIG FILE…`."""

import os
import sys

import pytest

if __name__ == "__main__":
    config, *files = sys.argv[1:]
    options = ["-c", config, "--tb=short"]
    if only := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        options.append(f"-k={only}")
    if xml := os.environ.get("XML_OUTPUT_FILE"):
        options.append(f"--junitxml={xml}")
    if folder := os.environ.get("TEST_TMPDIR"):
        options.append(f"--basetemp={folder}/pytest")
    sys.exit(pytest.main([*options, *files]))
