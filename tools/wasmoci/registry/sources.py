"""What commands verify: a layout's folder or an image reference; and how registries are reached, as plain values.

The HTTP client is imported only where a registry is reached.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wasmoci.disk.layout import Layout
from wasmoci.values.errors import UsageError, refuse_malformed
from wasmoci.values.text import excerpt

if TYPE_CHECKING:
    from wasmoci.oci.source import ImageSource
    from wasmoci.registry.client import Registries
    from wasmoci.values.image_reference import Reference


DEFAULT_SECONDS = 600


class ConnectionOptions(NamedTuple):
    """`insecure` are `host[:port]` of registries without TLS; there are PEM files for all registries with it.

    `seconds` are what an image may take in one registry, all requests together.
    """

    insecure: Sequence[str] = ()
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    seconds: float = DEFAULT_SECONDS

    def seen_from(self, folder: Path) -> "ConnectionOptions":
        """The same, with files that are relative to `folder`."""
        ca, certificate, key = (path and folder / path for path in (self.ca, self.certificate, self.key))
        return self._replace(ca=ca, certificate=certificate, key=key)

    def and_insecure(self, registries: Sequence[str]) -> "ConnectionOptions":
        return self._replace(insecure=(*registries, *self.insecure))

    def registries(self, sleep: Callable[[float], None] = time.sleep) -> "Registries":
        """With credentials, proxies and what is not said here from the environment; `sleep` is before each retry."""
        from wasmoci.registry.client import Registries
        from wasmoci.registry.tls import TlsFiles

        tls = TlsFiles(self.ca, self.certificate, self.key)
        return Registries(os.environ, self.insecure, sleep, tls=tls, seconds=self.seconds)


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

    def open(
        self, target: str, *, to_verify: bool = False, signatures: bool | None = None, images: bool = True
    ) -> "ImageSource":
        """The layout in the folder `target` if there is one, else the image at the reference `target`.

        What is only `to_verify` may lack what the registry forbids to read beside it; see RegistrySource. A verifier
        says whether `signatures` of the image count, and `images` of an index, so that what it asks for is read ahead;
        see SourceToVerify.
        """
        reference = reference_of(target)
        if reference is None:
            with refuse_malformed():
                return Layout(Path(target))
        from wasmoci.registry.source import RegistrySource
        from wasmoci.registry.source_to_verify import SourceToVerify

        client = self.registries().client(reference.repository)
        if signatures is None:
            return RegistrySource(reference, client, forbidden_is_absent=to_verify)
        return SourceToVerify(reference, client, forbidden_is_absent=to_verify, signatures=signatures, images=images)

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
