"""What commands verify: a layout's folder or an image reference."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wasmoci.disk.layout import Layout
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.values.errors import refuse_malformed

if TYPE_CHECKING:
    from wasmoci.oci.source import ImageSource
    from wasmoci.registry.client import Registries


def is_folder(target: str) -> bool:
    """Whether a layout's folder is meant, not a reference. The empty text is neither."""
    # Path.is_dir raises for names that are longer than a file system takes.
    return os.path.isdir(target)  # noqa: PTH112


class Sources(ExitStack):
    """Opens what commands verify; those in registries share connections. Use it in a `with`."""

    def __init__(self, connection: ConnectionOptions) -> None:
        super().__init__()
        self._connection = connection
        self._registries: Registries | None = None

    def open(self, target: str, *, to_verify: bool = False) -> "ImageSource":
        """The layout in the folder `target` if there is one, else the image at the reference `target`.

        What is only `to_verify` may lack what the registry forbids to read beside it; see RegistrySource.
        """
        if is_folder(target):
            with refuse_malformed():
                return Layout(Path(target))
        from wasmoci.registry.source import RegistrySource
        from wasmoci.values.image_reference import Reference

        reference = Reference.parse(target)
        client = self.registries().client(reference.repository)
        return RegistrySource(reference, client, forbidden_is_absent=to_verify)

    def registries(self) -> "Registries":
        """Those of the sources, to reach more in the same way."""
        if self._registries is None:
            self._registries = self.enter_context(self._connection.registries())
        return self._registries


@contextmanager
def open_source(target: str, connection: ConnectionOptions, *, to_verify: bool = False) -> Iterator["ImageSource"]:
    """One of `Sources`."""
    with Sources(connection) as sources:
        yield sources.open(target, to_verify=to_verify)
