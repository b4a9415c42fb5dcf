"""What an image must have, and what was observed of one that has it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from wasmoci.keys.component import ComponentPublicKey
from wasmoci.keys.image import ImagePublicKey
from wasmoci.oci.graph import ImageGraph
from wasmoci.oci.manifest import Descriptor
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, UsageError
from wasmoci.values.level import Level
from wasmoci.verify.component import check_trust
from wasmoci.verify.signatures import ImageSignature
from wasmoci.verify.trust import ImageTrust
from wasmoci.wasm.interface import Interface


class Place(Protocol):
    """Where a policy asks for something: a line and a column of a file, from 1, and the field, `rules[0].image`."""

    @property
    def file(self) -> str: ...

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...

    @property
    def field(self) -> str: ...


class Finding(Protocol):
    """One thing that a policy asks, in words, what was found, and the reason where it is not met.

    Without a reason it may be not met all the same: where that cannot be told.
    """

    @property
    def place(self) -> Place: ...

    @property
    def asked(self) -> str: ...

    @property
    def found(self) -> str: ...

    @property
    def reason(self) -> Reason | None: ...

    @property
    def is_met(self) -> bool: ...


class Demands(Protocol):
    """What a policy asks beyond levels, keys and thresholds.

    Each returns warnings. VerificationError where it is not met, Error where that cannot be told.
    """

    def check_image(self, verified: "Verified") -> Sequence[str]:
        """Check an image, also as an entry of an index, whose keys and levels hold."""

    def check_index(self, signatures: Sequence[ImageSignature]) -> Sequence[str]:
        """Check an index by its own signatures."""

    def check_root(self, graph: ImageGraph) -> Sequence[str]:
        """Check what is attested of what was asked for, an image or an index; Error where it cannot be read."""

    def of_image(self, verified: "Verified") -> Iterable[Finding]:
        """What is found of an image, met or not."""

    def of_signatures(self, signatures: Sequence[ImageSignature]) -> Iterable[Finding]:
        """What is found of an index by its own signatures, met or not."""

    def of_root(self, graph: ImageGraph) -> Iterable[Finding]:
        """What is found of what is attested, met or not; Error where it cannot be read."""

    def of_attested(self) -> Iterable[Finding]:
        """The same of what `check_root` did not refuse, without a look."""

    def of_each_signature(self, graph: ImageGraph) -> Iterable[Finding]:
        """What is found of what a signature of an image or index must have to count, met or not."""

    def of_counted_signatures(self) -> Iterable[Finding]:
        """The same of signatures that count, without a look."""

    def signer_of(self, principal: str) -> tuple[str, date | None]:
        """What the policy calls a signer, and the day from which on their signatures do not count, if there is one.

        It is asked of a key of either layer by its fingerprint, or of an identity; the name of one whom it does not
        name is empty.
        """


@dataclass(frozen=True, slots=True)
class Policy:
    """What an image must have. Build one with `of`. With `reads_types` the interface has types."""

    required: Level
    component_keys: Sequence[ComponentPublicKey]
    image: ImageTrust
    component_threshold: int = 1
    demands: Demands | None = None
    reads_types: bool = False

    def __post_init__(self) -> None:
        if self.component_threshold != 1:
            check_trust(self.component_keys, self.component_threshold)
        if self.required.has_component and not self.component_keys:
            raise UsageError(f"level {self.required.value} needs a trusted component key")
        if self.required.has_image and not self.image:
            raise UsageError(f"level {self.required.value} needs a trusted OCI key or identity")

    @classmethod
    def of(
        cls,
        component_keys: Sequence[ComponentPublicKey],
        image: Sequence[ImagePublicKey] | ImageTrust,
        required: Level | None = None,
        component_threshold: int = 1,
    ) -> "Policy":
        """`image` may be just the trusted keys. `required` defaults to every layer that something is trusted for.

        Raises UsageError where a required layer has no trusted key, where a threshold cannot be met,
        and where nothing is required because nothing is trusted; only `required=Level.NONE` itself
        asks for nothing.
        """
        trust = image if isinstance(image, ImageTrust) else ImageTrust(tuple(image))
        if required is None:
            required = Level.of(component=bool(component_keys), image=bool(trust))
            if required is Level.NONE:
                raise UsageError("no key is trusted, so nothing can be verified: give a component key or an OCI key")
        return cls(required, tuple(component_keys), trust, component_threshold)


class Verified(NamedTuple):
    """What was observed of an image that meets `policy`.

    `level` counts signatures by trusted keys and identities only. `component` is the layer's digest,
    None where the image is no Wasm artifact, as is `interface`. `component_is_detached` tells that the signatures of
    the component are not in it.
    """

    policy: Policy
    subject: Descriptor
    level: Level
    component: Digest | None
    component_keys: tuple[ComponentPublicKey, ...]
    image_signatures: tuple[ImageSignature, ...]
    warnings: tuple[str, ...]
    component_is_detached: bool = False
    interface: Interface | None = None
