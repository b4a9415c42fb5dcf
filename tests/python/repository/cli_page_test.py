"""docs/cli.md says what `--help` says."""

from cli_page_fixtures import PAGE, page


def test_the_page_is_that_of_todays_commands() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "write it: PYTHONPATH=tools python3 tests/python/fixtures/cli_page_fixtures.py"


def test_no_command_is_left_out() -> None:
    headings = [line.removeprefix("## wasm-oci ") for line in page().splitlines() if line.startswith("## wasm-oci ")]
    assert len(headings) == len(set(headings)) > 20
    assert {"verify", "component sign", "image package", "registry serve"} <= set(headings)
