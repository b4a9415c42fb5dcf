"""docs/cli.md says what `--help` says."""

import click

from cli_page_fixtures import PAGE, page, section_of


def test_the_page_is_that_of_todays_commands() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "write it: PYTHONPATH=tools python3 tests/python/fixtures/cli_page_fixtures.py"


def test_no_command_is_left_out() -> None:
    headings = [line.removeprefix("### wasm-oci ") for line in page().splitlines() if line.startswith("### wasm-oci ")]
    assert len(headings) == len(set(headings)) > 20
    assert {"verify", "component sign", "image package", "registry serve"} <= set(headings)


def test_text_is_taken_literally_and_examples_are_code() -> None:
    command = click.Command(
        "x",
        params=[click.Option(["--level"], help="`a|b` or [c|d], as --level says.")],
        help="What x_y does with `--z`.",
        epilog="\b\nExample:\n  wasm-oci x [--level a]",
    )
    assert section_of(click.Context(command, info_name="wasm-oci x"))[6:] == [
        "What x\\_y does with `--z`.",
        "",
        "Example:",
        "",
        "```",
        "wasm-oci x [--level a]",
        "```",
        "",
        "| option | |",
        "|---|---|",
        "| `--level TEXT` | `a\\|b` or \\[c\\|d\\], as `--level` says. |",
        "",
    ]
