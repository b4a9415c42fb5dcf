"""The object `image` of a request."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.runfiles import Locator, strings
from wasmoci.values.strict_json import JsonObject


@dataclass(frozen=True, slots=True)
class TargetImage:
    """The image of a target: in a layout among the runfiles, or by `reference` in a registry.

    `insecure_registries` are `host:port` of registries that are spoken to in plain HTTP.
    """

    layout: Path | None
    reference: str | None
    insecure_registries: tuple[str, ...]

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetImage":
        """Raises Error, FormatError."""
        return cls(
            layout=locator.optional_path(said, "layout"),
            reference=said.optional_string("reference"),
            insecure_registries=strings(said, "insecureRegistries"),
        )
