"""What a target says that signs or publishes; written by sign_request.bzl and publish_request.bzl."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.destination import TargetDestination
from wasmoci.bazel.image import TargetImage
from wasmoci.bazel.runfiles import Locator
from wasmoci.bazel.signing import deferred_signing
from wasmoci.bazel.trust import TargetTrust
from wasmoci.sign.deferred import DeferredSigning
from wasmoci.values.errors import UsageError


@dataclass(frozen=True, slots=True)
class LayoutTarget:
    """The layout of an image, who signs it first, what it must then be, and where it goes."""

    layout: Path
    signing: DeferredSigning
    trust: TargetTrust
    destination: TargetDestination

    @classmethod
    def read(cls, rlocation: str, locator: Locator) -> "LayoutTarget":
        """Read the request at an rlocation path; raises UsageError, FormatError, Error."""
        request = locator.request(rlocation)
        image = TargetImage.parse(request.object("image"), locator)
        trust = TargetTrust.parse(request.object("trust"), locator)
        destination = TargetDestination.parse(request.object("destination"), locator)
        if image.layout is None or not destination.repositories:
            raise UsageError("`oci_image` must be an image of rules_wasm_oci")
        signing = deferred_signing(request.optional_object("signing"), locator)
        return cls(image.layout, signing, trust, destination)
