"""Components for programs that run them: the bytes that are given out are those that were verified.

docs/python.md says which names are public. No function prints, and each reads the environment only for credentials,
proxies and certificates of registries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from wasmoci.oci.graph import ImageGraph, read_image
from wasmoci.policy.choice import Policies
from wasmoci.registry.sources import ConnectionOptions, open_source, opener, reference_of
from wasmoci.trust.policy import IdentityValues, TrustValues, trusted_component_keys
from wasmoci.values.errors import (
    Error,
    LimitError,
    Reason,
    RegistryError,
    UsageError,
    VerificationError,
    refuse_malformed,
)
from wasmoci.values.level import Level
from wasmoci.verify.component import verify_component as verify_signed
from wasmoci.verify.image import verify_asked
from wasmoci.wasm.sections import Kind

__all__ = [
    "ConnectionOptions",
    "Error",
    "IdentityValues",
    "Level",
    "LoadedComponent",
    "Reason",
    "RegistryError",
    "TrustValues",
    "UsageError",
    "VerificationError",
    "load_image",
    "verify_component",
]

# A component is given out in memory.
MAX_COMPONENT_SIZE = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LoadedComponent:
    """A component of an image that met the policy, and what was observed of the image.

    `image` and `digest` are those of the manifest and of the component, `sha256:<hex>`. `component_signers` and
    `oci_signers` are the fingerprints of trusted keys and identities whose signatures hold. `warnings` are lines for
    a log.
    """

    component: bytes
    digest: str
    image: str
    level: Level
    component_signers: tuple[str, ...]
    oci_signers: tuple[str, ...]
    warnings: tuple[str, ...]


def load_image(
    target: str,
    trust: TrustValues,
    *,
    require: Level | None = None,
    connection: ConnectionOptions | None = None,
    max_size: int = MAX_COMPONENT_SIZE,
) -> LoadedComponent:
    """The component of an image, once the image meets what is asked for.

    `target` is `host[:port]/path:tag` or `…@sha256:…`, or the folder of a layout. `require` is by default each layer
    for which `trust` names somebody; where it names nobody, UsageError is raised. Raises VerificationError with its
    `reason` where the image is refused, also for one whose component has more than `max_size` bytes, and Error where
    something could not be checked.
    """
    notes: list[str] = []
    opened = opener(connection or ConnectionOptions())
    wanted = Policies.of(trust, require, notes.append).enforced().comparing(opened).of_target(target, reference_of)
    content = BytesIO()
    with open_source(
        target, connection or ConnectionOptions(), to_verify=True, signatures=bool(wanted.image)
    ) as source:
        with refuse_malformed():
            graph = read_image(source)
            _check_size(graph, max_size)
        verified = verify_asked(graph, wanted, content)
    if verified.component is None:
        raise VerificationError(Reason.WRONG_KIND, "the image is no Wasm artifact, so it has no component")
    return LoadedComponent(
        component=content.getvalue(),
        digest=str(verified.component),
        image=str(verified.subject.digest),
        level=verified.level,
        component_signers=tuple(key.fingerprint for key in verified.component_keys),
        oci_signers=tuple(dict.fromkeys(signature.signer.fingerprint for signature in verified.image_signatures)),
        warnings=(*notes, *verified.warnings),
    )


def verify_component(
    component: bytes, keys: Sequence[Path], *, signature: bytes | None = None, threshold: int = 1
) -> tuple[str, ...]:
    """The fingerprints of the trusted keys that signed exactly these bytes.

    `keys` are files with public keys, of which `threshold` distinct ones must have signed. `signature` is a detached
    one; without it the signature is in the component. Raises as `load_image`.
    """
    trusted = trusted_component_keys(keys, lambda _: None)
    verified = verify_signed(BytesIO(component), trusted, Kind.COMPONENT, signature, threshold)
    return tuple(key.fingerprint for key in verified.keys)


def _check_size(graph: ImageGraph, max_size: int) -> None:
    """LimitError where a layer has more than `max_size` bytes; no layer is read before."""
    largest = max((layer.size for layer in graph.manifest.layers), default=0)
    if largest > max_size:
        raise LimitError(f"the component has {largest} bytes, the limit is {max_size}")
