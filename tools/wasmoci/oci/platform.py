"""The platform of an index's entry (image-spec 1.1, `platform` of a descriptor)."""

from typing import NamedTuple

from wasmoci.values.errors import UsageError
from wasmoci.values.strict_json import JsonObject

MAX_FEATURES = 100

_NAMES = frozenset({"architecture", "os", "os.version", "os.features", "variant"})


class Platform(NamedTuple):
    """What an image is made for, in Go's names of architectures and systems, or `wasm` and `wasip2`."""

    architecture: str
    os: str
    os_version: str | None = None
    os_features: tuple[str, ...] = ()
    variant: str | None = None

    @classmethod
    def of(cls, text: str) -> "Platform":
        """The platform that `os/architecture[/variant]` says; UsageError for another form."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(parts):
            raise UsageError(f"a platform is OS/ARCHITECTURE[/VARIANT], got: {text!r}")
        return cls(os=parts[0], architecture=parts[1], variant="".join(parts[2:]) or None)

    @classmethod
    def parse(cls, value: JsonObject) -> "Platform":
        """Raises FormatError, LimitError above 100 features of the OS."""
        value.spelled(_NAMES)
        return cls(
            architecture=value.string("architecture"),
            os=value.string("os"),
            os_version=value.optional_string("os.version") or None,
            os_features=tuple(value.strings("os.features", MAX_FEATURES)) if "os.features" in value else (),
            variant=value.optional_string("variant") or None,
        )

    def to_json(self) -> dict[str, object]:
        """In the field order of go-containerregistry."""
        members: dict[str, object] = {"architecture": self.architecture, "os": self.os}
        if self.os_version:
            members["os.version"] = self.os_version
        if self.os_features:
            members["os.features"] = list(self.os_features)
        if self.variant:
            members["variant"] = self.variant
        return members

    def __str__(self) -> str:
        """The text of `of`, which lacks the system's version and features."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)
