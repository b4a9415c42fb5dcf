"""A verdict is a test's result with Bazel's own flags too: e2e/smoke has no `.bazelrc`, slim images have no `zip`."""

import json
import zipfile
from pathlib import Path

import pytest

from bazel import ROOT, bazel, lasting_folder

SMOKE = ROOT / "e2e/smoke"
TEST = "dual_signed_image_test"

# What Bazel asks of a zip program.
ZIP = """\
#!/bin/sh
[ "$1" = -qr ] && [ "$3" = -- ] || exit 1
archive=$2
shift 3
exec python3 -m zipfile -c "$archive" "$@"
"""


def _programs(name: str, *, with_zip: bool) -> Path:
    """A folder with links to the machine's programs, but to no `zip`."""
    folder = lasting_folder(name)
    for old in folder.iterdir():
        old.unlink()
    for program in (each for place in ("/usr/bin", "/bin") for each in Path(place).iterdir()):
        if program.name != "zip" and not (folder / program.name).is_symlink():
            (folder / program.name).symlink_to(program)
    if with_zip:
        (folder / "zip").write_text(ZIP)
        (folder / "zip").chmod(0o755)
    return folder


def _test(programs: Path, *flags: str) -> Path:
    """Run the test with these programs; the folder of its outputs."""
    assert not (SMOKE / ".bazelrc").exists()
    bazel("test", f"//:{TEST}", f"--test_env=PATH={programs}", *flags, folder=SMOKE)
    return SMOKE / f"bazel-testlogs/{TEST}"


def test_a_verified_image_passes_without_zip() -> None:
    outputs = _test(_programs("without_zip", with_zip=False), "--zip_undeclared_test_outputs")
    assert not list((outputs / "test.outputs").iterdir())
    assert "warning: no report.json is written" in (outputs / "test.log").read_text()


def test_a_report_is_kept_in_a_zip() -> None:
    outputs = _test(_programs("with_zip", with_zip=True), "--zip_undeclared_test_outputs")
    with zipfile.ZipFile(outputs / "test.outputs/outputs.zip") as archive:
        assert json.loads(archive.read("report.json"))["result"] == "ok"


@pytest.mark.parametrize("with_zip", [False, True])
def test_a_report_is_kept_as_a_file(with_zip: bool) -> None:
    programs = _programs("with_zip" if with_zip else "without_zip", with_zip=with_zip)
    outputs = _test(programs, "--nozip_undeclared_test_outputs")
    assert json.loads((outputs / "test.outputs/report.json").read_text())["result"] == "ok"
