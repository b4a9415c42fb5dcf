"""What a test of a WebAssembly file says; written by wasm_oci/private/component_verify.bzl."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.runfiles import Locator, strings
from wasmoci.values.strict_json import JsonObject


@dataclass(frozen=True, slots=True)
class TargetComponent:
    """The object `component`: a file of a `kind`, its detached signature, and globs of the parts to verify."""

    file: Path
    kind: str
    signature: Path | None
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetComponent":
        """Raises Error, FormatError."""
        return cls(
            file=locator.path(said, "file"),
            kind=said.string("kind"),
            signature=locator.optional_path(said, "signature"),
            parts=strings(said, "parts"),
        )


@dataclass(frozen=True, slots=True)
class TargetComponentTrust:
    """The object `trust`: the trusted keys, and how many of them must have signed."""

    component_keys: tuple[Path, ...]
    component_threshold: int

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetComponentTrust":
        """Raises Error, FormatError."""
        return cls(locator.paths(said, "componentKeys"), said.integer("componentThreshold"))
