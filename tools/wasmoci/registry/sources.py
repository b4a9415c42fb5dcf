"""What commands verify: a layout's folder or an image reference."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wasmoci.disk.layout import Layout
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.values.errors import UsageError, refuse_malformed
from wasmoci.values.text import excerpt

if TYPE_CHECKING:
    from wasmoci.oci.source import ImageSource
    from wasmoci.registry.client import Registries
    from wasmoci.values.image_reference import Reference


def reference_of(target: str) -> "Reference | None":
    """The reference that is meant; None where it is a layout's folder. Raises UsageError for what is neither."""
    # The methods of Path raise for names that are longer than a file system takes.
    if os.path.isdir(target):  # noqa: PTH112
        return None
    from wasmoci.values.image_reference import Reference, check_no_password

    check_no_password(target)
    try:
        return Reference.parse(target)
    except UsageError as error:
        if os.path.isfile(target):  # noqa: PTH113
            raise UsageError(
                f"{target} is a file, not an image: `wasm-oci component verify` verifies a component by itself, and "
                "`wasm-oci image package` makes an image layout of it"
            ) from None
        if os.path.islink(target):  # noqa: PTH114
            raise UsageError(f"{target} is a link to nothing, and no image: build what it names first") from None
        raise UsageError(f"there is no folder {excerpt(target)!r} with an image layout, and {error}") from None


class Sources(ExitStack):
    """Opens what commands verify; those in registries share connections. Use it in a `with`."""

    def __init__(self, connection: ConnectionOptions) -> None:
        super().__init__()
        self._connection = connection
        self._registries: Registries | None = None

    def open(self, target: str, *, to_verify: bool = False, signatures: bool | None = None) -> "ImageSource":
        """The layout in the folder `target` if there is one, else the image at the reference `target`.

        What is only `to_verify` may lack what the registry forbids to read beside it; see RegistrySource. A verifier
        says whether `signatures` of the image count, so that what it asks for is read ahead; see SourceToVerify.
        """
        reference = reference_of(target)
        if reference is None:
            with refuse_malformed():
                return Layout(Path(target))
        from wasmoci.registry.source import RegistrySource, SourceToVerify

        client = self.registries().client(reference.repository)
        if signatures is None:
            return RegistrySource(reference, client, forbidden_is_absent=to_verify)
        return SourceToVerify(reference, client, forbidden_is_absent=to_verify, signatures=signatures)

    def registries(self) -> "Registries":
        """Those of the sources, to reach more in the same way."""
        if self._registries is None:
            self._registries = self.enter_context(self._connection.registries())
        return self._registries


def opener(connection: ConnectionOptions) -> Callable[[str], AbstractContextManager["ImageSource"]]:
    """Opens what is verified, by itself."""
    return partial(open_source, connection=connection, to_verify=True)


@contextmanager
def open_source(
    target: str, connection: ConnectionOptions, *, to_verify: bool = False, signatures: bool | None = None
) -> Iterator["ImageSource"]:
    """One of `Sources`."""
    with Sources(connection) as sources:
        yield sources.open(target, to_verify=to_verify, signatures=signatures)
