"""What commands verify: a layout's folder or an image reference."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wasmoci.cli.registry_options import Reach
from wasmoci.layout import Layout
from wasmoci.verify import refuse_malformed

if TYPE_CHECKING:
    from wasmoci.image_contents import ContentsSource


@contextmanager
def open_source(target: str, reach: Reach) -> Iterator["ContentsSource"]:
    """The layout in the folder `target` if there is one, else the image at the reference `target`."""
    if Path(target).is_dir():
        with refuse_malformed():
            layout = Layout(Path(target))
        yield layout
        return
    from wasmoci.reference import Reference
    from wasmoci.registry_source import RegistrySource

    reference = Reference.parse(target)
    with reach.registries() as registries:
        yield RegistrySource(reference, registries.client(reference.repository))
