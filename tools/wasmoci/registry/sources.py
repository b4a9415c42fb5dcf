"""What commands verify: a layout's folder or an image reference."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from wasmoci.disk.layout import Layout
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.values.errors import refuse_malformed

if TYPE_CHECKING:
    from wasmoci.oci.source import ImageSource
    from wasmoci.registry.client import Registries


class Sources:
    """Opens what commands verify; those in registries share connections. Use it in a `with`."""

    def __init__(self, connection: ConnectionOptions) -> None:
        self._connection = connection
        self._registries: Registries | None = None
        self._stack = ExitStack()

    def open(self, target: str) -> "ImageSource":
        """The layout in the folder `target` if there is one, else the image at the reference `target`."""
        if Path(target).is_dir():
            with refuse_malformed():
                return Layout(Path(target))
        from wasmoci.registry.source import RegistrySource
        from wasmoci.values.image_reference import Reference

        reference = Reference.parse(target)
        return RegistrySource(reference, self.registries().client(reference.repository))

    def registries(self) -> "Registries":
        """Those of the sources, to reach more in the same way."""
        if self._registries is None:
            self._registries = self._stack.enter_context(self._connection.registries())
        return self._registries

    def __enter__(self) -> "Sources":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


@contextmanager
def open_source(target: str, connection: ConnectionOptions) -> Iterator["ImageSource"]:
    """One of `Sources`."""
    with Sources(connection) as sources:
        yield sources.open(target)
