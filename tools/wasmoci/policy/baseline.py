"""An image that a rule compares others with: they may import nothing that it does not.

It is named by digest, and counts as any other image of its repository does, but that it has no baseline itself.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_image
from wasmoci.oci.source import ImageSource
from wasmoci.policy.document import Node, Place
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, Reason, UsageError, VerificationError, refuse_malformed
from wasmoci.values.image_reference import Reference
from wasmoci.values.text import excerpt
from wasmoci.verify.image import verify_asked
from wasmoci.verify.policy import Policy
from wasmoci.wasm.changes import find_changes
from wasmoci.wasm.typed_interface import TypedInterface

# Opens the image at a reference.
OpenImage = Callable[[str], AbstractContextManager[ImageSource]]


@dataclass(frozen=True, slots=True)
class NamedBaseline:
    """Where a policy names a baseline, by which reference."""

    place: Place
    reference: Reference

    @classmethod
    def read(cls, node: Node) -> "NamedBaseline":
        """Raises UsageError with its place for what is no reference by digest."""
        text = node.text()
        try:
            reference = Reference.parse(text)
        except UsageError as error:
            raise node.place.error(str(error)) from None
        if reference.digest is None or reference.tag is not None:
            raise node.place.error(
                f"a baseline is named by its digest alone, HOST/PATH@sha256:…, got: {excerpt(text)!r}"
            )
        return cls(node.place, reference)

    @property
    def digest(self) -> Digest:
        return cast(Digest, self.reference.digest)

    def __str__(self) -> str:
        return str(self.reference)


@dataclass(slots=True)
class Baseline:
    """A baseline and how it is read: once, by `policy`, which is that of its own rule."""

    named: NamedBaseline
    policy: Callable[[], Policy]
    open: OpenImage
    _found: TypedInterface | None = field(default=None, init=False)

    def added_by(self, types: TypedInterface) -> str:
        """In words the imports of a component that the baseline has not; empty where there are none.

        VerificationError where the baseline is refused, Error where it cannot be read.
        """
        if self._found is None:
            with self.open(str(self.named)) as source:
                self._found = self._verified(source)
        changes = find_changes(self._found, types)
        return "; ".join(str(change) for change in changes if change.adds_imports)

    def _verified(self, source: ImageSource) -> TypedInterface:
        with refuse_malformed():
            graph = read_image(source)
            self.named.digest.check_same(graph.digest, "the baseline")
        interface = verify_asked(graph, self.policy()).interface
        if interface is None or interface.types is None:
            raise VerificationError(Reason.WRONG_KIND, "it is no Wasm artifact, so it has no component")
        return interface.types


def local_images(files: Mapping[str, Path]) -> OpenImage:
    """Opens the layouts that are among these, by references; Error where there is none."""

    def open_layout(name: str) -> AbstractContextManager[ImageSource]:
        if name not in files:
            raise Error("it is not among the files of the policy's target: name its layout in `named_files`")
        with refuse_malformed():
            return nullcontext(Layout(files[name]))

    return open_layout
