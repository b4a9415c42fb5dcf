"""What commands verify: a layout's folder or an image reference."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from wasmoci.image_source import ImageSource
from wasmoci.layout import Layout
from wasmoci.verify import refuse_malformed

insecure_registries = click.option(
    "--insecure-registry",
    "insecure_registries",
    multiple=True,
    metavar="HOST:PORT",
    help="A registry that is spoken to in plain HTTP. Repeatable; nothing else ever is.",
)


@contextmanager
def open_source(target: str, insecure: Sequence[str]) -> Iterator[ImageSource]:
    """The layout in the folder `target` if there is one, else the image at the reference `target`."""
    if Path(target).is_dir():
        with refuse_malformed():
            layout = Layout(Path(target))
        yield layout
        return
    from wasmoci.reference import Reference
    from wasmoci.registry.client import RepositoryClient
    from wasmoci.registry_source import RegistrySource

    reference = Reference.parse(target)
    with RepositoryClient(reference.repository, os.environ, insecure) as client:
        yield RegistrySource(reference, client)
