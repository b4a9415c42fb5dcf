"""The Wasm OCI artifact: media types and config, as wkg 0.16.1 writes and reads them; and a detached signature's image.

Source: CNCF "Wasm OCI Artifact layout" and wkg. The artifact has exactly one layer, the component, so its detached
signature (wasmsign2's signature data, as it is) travels in a manifest of its own whose subject is the image's.
"""

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from wasmoci.oci.manifest import TITLE_ANNOTATION, Descriptor, Manifest
from wasmoci.oci.referrers import COMPONENT_SIGNATURE_TYPE
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, UsageError
from wasmoci.values.strict_json import dump, parse_object
from wasmoci.values.text import excerpt
from wasmoci.wasm.externs import MAX_NAMES
from wasmoci.wasm.interface import Interface

CONFIG_MEDIA_TYPE = "application/vnd.wasm.config.v0+json"
LAYER_MEDIA_TYPE = "application/wasm"
SIGNATURE_MEDIA_TYPE = COMPONENT_SIGNATURE_TYPE

MAX_CONFIG_SIZE = 4 * 1024 * 1024

_CONFIG_NAMES = frozenset({"created", "author", "architecture", "os", "layerDigests", "component"})
_COMPONENT_NAMES = frozenset({"exports", "imports", "target"})

_ARCHITECTURE = "wasm"
_OS = "wasip2"
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_MAX_CREATED = 253_402_300_799  # the last second of the year 9999, where RFC 3339 ends


class WasmConfig(NamedTuple):
    """The config blob of a component; `created` in seconds since 1970."""

    layer: Digest
    interface: Interface
    created: int = 0
    author: str | None = None

    def to_bytes(self) -> bytes:
        if not 0 <= self.created <= _MAX_CREATED:
            raise UsageError(f"the creation time is 0 to {_MAX_CREATED} seconds since 1970, got: {self.created}")
        created = datetime.fromtimestamp(self.created, timezone.utc).strftime(_TIME_FORMAT)
        return dump(
            {
                "created": created,
                "author": self.author,
                "architecture": _ARCHITECTURE,
                "os": _OS,
                "layerDigests": [str(self.layer)],
                "component": {
                    "exports": list(self.interface.exports),
                    "imports": list(self.interface.imports),
                    "target": None,
                },
            }
        )


def is_wasm_artifact(manifest: Manifest) -> bool:
    return manifest.config.media_type == CONFIG_MEDIA_TYPE


def check_manifest(manifest: Manifest) -> None:
    """Raise FormatError unless the manifest has exactly one layer, a component."""
    media_types = [layer.media_type for layer in manifest.layers]
    if media_types != [LAYER_MEDIA_TYPE]:
        raise FormatError(f"a Wasm artifact has exactly one layer, {LAYER_MEDIA_TYPE}, this one has: {media_types}")


def check_config(data: bytes, layer: Digest, interface: Interface) -> None:
    """Raise FormatError unless the config describes the component with this digest and interface."""
    top = parse_object(data, "the Wasm config", MAX_CONFIG_SIZE).spelled(_CONFIG_NAMES)
    _check_equal("architecture", top.string("architecture"), _ARCHITECTURE)
    _check_equal("os", top.string("os"), _OS)
    _check_equal("layerDigests", top.strings("layerDigests", MAX_NAMES), [str(layer)])
    component = top.object("component").spelled(_COMPONENT_NAMES)
    _check_same_names("imports", component.strings("imports", MAX_NAMES), interface.imports)
    _check_same_names("exports", component.strings("exports", MAX_NAMES), interface.exports)


def parse_origin(data: bytes) -> tuple[int, str | None]:
    """When and by whom the component was made, as the config says: seconds since 1970, and the author.

    Raises FormatError, also for a time that is not written as `WasmConfig` writes it.
    """
    top = parse_object(data, "the Wasm config", MAX_CONFIG_SIZE).spelled(_CONFIG_NAMES)
    text = top.string("created")
    try:
        created = int(datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=timezone.utc).timestamp())
    except ValueError:
        created = -1
    if created < 0:
        raise FormatError(
            f"the Wasm config's `created` must be whole seconds of UTC since 1970, got: {excerpt(text)!r}"
        )
    return created, top.optional_string("author")


def component_signature_referrer(signature: bytes, subject: Descriptor, title: str) -> Manifest:
    """The manifest that attaches `signature` to `subject`; `title` is the file name that `oras pull` restores."""
    return Manifest.attaching(Descriptor.of(SIGNATURE_MEDIA_TYPE, signature, {TITLE_ANNOTATION: title}), subject)


def component_signature_layer(referrer: Manifest, subject: Digest) -> Descriptor | None:
    """The signature data that a referrer carries for `subject`, None where it carries something else.

    Raises FormatError for a manifest that is neither.
    """
    if not any(layer.media_type == SIGNATURE_MEDIA_TYPE for layer in referrer.layers):
        return None
    if len(referrer.layers) != 1:
        count = len(referrer.layers)
        raise FormatError(f"a component signature's manifest has exactly one layer, this one has {count}")
    if referrer.subject is None or referrer.subject.digest != subject:
        raise FormatError("the component signature is attached to another manifest")
    return referrer.layers[0]


def _check_equal(name: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise FormatError(f"the Wasm config's `{name}` must be {expected}, got: {excerpt(repr(actual))}")


def _check_same_names(name: str, actual: Sequence[str], expected: Sequence[str]) -> None:
    if sorted(actual) != sorted(expected):
        raise FormatError(f"the Wasm config's `{name}` are not those of the component")
