"""Sign an image where that happens outside of the build: the component first, then the manifest, then statements."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from wasmoci.cosign.signer import StatementSigner
from wasmoci.disk.files import atomic_folder
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import ComponentSigner
from wasmoci.sign.attest import AttestRequest, attest
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.sign.layout_component import SignComponentRequest, sign_layout_component
from wasmoci.values.errors import UsageError
from wasmoci.values.signature_format import Placement, SignatureFormat

_T = TypeVar("_T")

# Writes to the second path what it makes of the layout at the first.
Step = Callable[[Path, Path], object]


@dataclass(frozen=True, slots=True)
class ComponentSigning:
    """Who signs the component, and where the signatures go."""

    signers: Sequence[ComponentSigner]
    placement: Placement = Placement.EMBEDDED
    with_key_id: bool = True

    def run(self, layout: Path, output: Path) -> None:
        request = SignComponentRequest(layout, output, self.placement, self.with_key_id)
        sign_layout_component(request, *self.signers)


@dataclass(frozen=True, slots=True)
class ManifestSigning:
    """Who signs the manifest, and what; see `SignRequest`."""

    signers: Sequence[StatementSigner]
    repository: str
    formats: Sequence[SignatureFormat] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    recursive: bool = False

    def run(self, layout: Path, output: Path) -> None:
        request = SignRequest(layout, output, self.repository, self.formats, self.annotations, self.recursive)
        sign_image(request, *self.signers)


@dataclass(frozen=True, slots=True)
class Attesting:
    """Who attests what of the image; `predicate` gives the JSON and its type's URI for the layout as it then is."""

    signer: StatementSigner
    predicate: Callable[[Path], tuple[bytes, str]]
    repository: str

    def run(self, layout: Path, output: Path) -> None:
        data, uri = self.predicate(layout)
        attest(AttestRequest(layout, output, uri, data, self.repository), self.signer)


def sign_layout(layout: Path, output: Path, steps: Sequence[Step], check: Callable[[Layout], _T]) -> _T:
    """Take the layout through `steps` and return what `check` says of the result.

    `output` appears when all have ended well, `check` too; it must be new or empty. Raises UsageError without
    steps, Error where it cannot be written, and what the steps and `check` raise.
    """
    if not steps:
        raise UsageError("nobody is named who signs, so nothing would be signed")
    with atomic_folder(output) as made, tempfile.TemporaryDirectory() as folder:
        for number, step in enumerate(steps, start=1):
            target = made if number == len(steps) else Path(folder, str(number))
            step(layout, target)
            layout = target
        return check(Layout(made))
