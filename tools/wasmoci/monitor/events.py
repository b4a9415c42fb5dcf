"""What the monitor tells: each change once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum


class Kind(str, Enum):
    """What an event is for who is told."""

    REFUSED = "refused"
    CANNOT_CHECK = "cannot-check"
    CHANGED = "changed"
    GOOD = "good"


class What(Enum):
    """What happened, and of which kind that is. The names are stable."""

    REFUSED = ("refused", Kind.REFUSED)
    VERIFIED = ("verified", Kind.GOOD)
    WOULD_REFUSE = ("would-be-refused", Kind.REFUSED)
    WOULD_VERIFY = ("would-be-verified", Kind.GOOD)
    CANNOT_CHECK = ("cannot-check", Kind.CANNOT_CHECK)
    CHECKED_AGAIN = ("checked-again", Kind.GOOD)
    REGISTRY_FAILS = ("registry-fails", Kind.CANNOT_CHECK)
    REGISTRY_BACK = ("registry-back", Kind.GOOD)
    POLICY_UNUSABLE = ("policy-unusable", Kind.CANNOT_CHECK)
    POLICY_USABLE = ("policy-usable", Kind.GOOD)
    TAG_MOVED = ("tag-moved", Kind.CHANGED)
    TAG_VANISHED = ("tag-vanished", Kind.CHANGED)
    TAG_APPEARED = ("tag-appeared", Kind.CHANGED)
    SIGNATURE_VANISHED = ("signature-vanished", Kind.CHANGED)
    SIGNATURE_INVALID = ("signature-no-longer-good", Kind.CHANGED)
    SIGNATURE_BACK = ("signature-back", Kind.GOOD)
    SIGNER_NEW = ("signer-new", Kind.CHANGED)
    SIGNER_LOST = ("signer-lost", Kind.CHANGED)
    AT_THRESHOLD = ("one-from-threshold", Kind.CHANGED)
    IMPORTS_CHANGED = ("imports-changed", Kind.CHANGED)
    POLICY_CHANGED = ("policy-changed", Kind.CHANGED)
    SIGNER_ENDS_SOON = ("signer-ends-soon", Kind.CHANGED)
    SIGNER_ENDED = ("signer-ended", Kind.CHANGED)
    SIGNER_REVOKED = ("signer-revoked", Kind.CHANGED)
    TRUSTED_ROOT_CHANGED = ("trusted-root-changed", Kind.CHANGED)
    TRUSTED_ROOT_OLD = ("trusted-root-old", Kind.CHANGED)

    @property
    def text(self) -> str:
        return self.value[0]

    @property
    def kind(self) -> Kind:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Event:
    """What happened; `target` and `image` are empty where it is about the policy or a registry, `time` is set last."""

    what: What
    message: str
    details: Mapping[str, object] = field(default_factory=dict)
    target: str = ""
    image: str = ""
    time: float = 0

    def to_json(self) -> dict[str, object]:
        """`time` (RFC 3339), `kind`, `event`, `target` and `image` where there are some, `message`, details."""
        named = {name: value for name, value in (("target", self.target), ("image", self.image)) if value}
        moment = datetime.fromtimestamp(int(self.time), timezone.utc).isoformat().replace("+00:00", "Z")
        what = {"time": moment, "kind": self.what.kind.value, "event": self.what.text}
        return {**what, **named, "message": self.message, **self.details}

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(self.to_json())
