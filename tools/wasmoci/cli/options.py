"""Options that several commands share."""

from pathlib import Path

import click

COMPONENT_KEYS_HELP = (
    "A file with a trusted component public key, or with many as in OpenSSH's authorized_keys. Repeatable."
)


class PathArgument(click.Path):
    """A path as pathlib.Path; operations say what is wrong with it."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)


allow_readable_key = click.option(
    "--allow-readable-key",
    is_flag=True,
    help="Use the key even if its file is open to others than its owner; for test keys.",
)

trusted_root = click.option(
    "--trusted-root",
    type=PathArgument(),
    help="Sigstore's trusted root (JSON), which everything keyless and logged is checked with; offline.",
)

kind = click.option(
    "--kind",
    type=click.Choice(["component", "module"]),
    default="component",
    show_default=True,
    help="What the file must be; the signature does not cover its header.",
)

sections = click.option(
    "--section",
    "sections",
    multiple=True,
    help="Names of custom sections, with * for any characters and ? for any one. Repeatable.",
)


required_level = click.option(
    "--require",
    type=click.Choice(["none", "component-only", "oci-only", "dual-layer"]),
    help="The level that the image must have; without it, every layer that a key is given for.",
)
