"""What was seen of an image, in a form that outlives the process."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum

from wasmoci.monitor.stored import stored
from wasmoci.values.errors import Reason

COMPONENT, IMAGE, OTHER = "component", "image", "other"
# The layers and formats of signatures.
FORMATS = ((COMPONENT, "embedded"), (COMPONENT, "detached"), (IMAGE, "bundle"), (IMAGE, "legacy"))


class Outcome(str, Enum):
    """How a check ended; the values are labels of metrics. A policy that only reports has the two that `would`."""

    VERIFIED = "verified"
    REFUSED = "refused"
    ERROR = "error"
    WOULD_VERIFY = "would_verify"
    WOULD_REFUSE = "would_refuse"

    @property
    def is_refusal(self) -> bool:
        return self in (Outcome.REFUSED, Outcome.WOULD_REFUSE)


@dataclass(frozen=True, slots=True, order=True)
class Signature:
    """A signature that holds: what of (the digest of an image or index), on which layer, in which form, by whom.

    `signer` is a signer's name in the policy, `carrier` the digest of what carries it, empty for a component's.
    """

    subject: str
    layer: str
    format: str
    signer: str
    carrier: str = ""

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What makes it another signature; doubles of one signer are one."""
        return (self.subject, self.layer, self.format, self.signer)


@dataclass(frozen=True, slots=True)
class Observed:
    """The verdict on what a reference named, and what it was about.

    `digest` is empty for what could not be told. `attached` are the digests of what is attached to the image and, of
    an index, to its entries. `layer` is `component`, `image` or `other`, with `reason` only of a refusal. `signers` has
    by layer how many distinct ones signed and must have; of an index, the fewest of any of its images.
    """

    digest: str
    attached: tuple[str, ...]
    outcome: Outcome
    layer: str = ""
    reason: str = ""
    message: str = ""
    signatures: tuple[Signature, ...] = ()
    signers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    imports: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of an image.

    `is_good` tells that it was verified, and that nothing was seen since that this is not true of. `basis` is what the
    verdict rests on beside the image, see Trusted. Times are in seconds since 1970. `failures` are the checks in a row
    that could not be done, of which `error` is the last one's kind and `problem` its text, and `is_told` whether that
    was said. `vanished` are signatures that were there and are gone.
    """

    observed: Observed | None = None
    is_good: bool = False
    basis: str = ""
    verified_at: float = 0
    checked_at: float = 0
    failures: int = 0
    error: str = ""
    problem: str = ""
    is_told: bool = False
    vanished: tuple[Signature, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Known":
        """Read what `to_json` has written; ValueError, KeyError for anything else."""
        known: Known = stored(json.loads(text), cls)
        observed = known.observed
        signatures = (*known.vanished, *(() if observed is None else observed.signatures))
        if not {(signature.layer, signature.format) for signature in signatures} <= {*FORMATS}:
            raise ValueError("a signature has a layer and a format that there is")
        if observed is not None and observed.reason:
            Reason(observed.reason)
        if min(known.verified_at, known.checked_at, known.failures) < 0:
            raise ValueError("times and counts are not negative")
        return known
