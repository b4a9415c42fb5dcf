"""Policies from options, and verdicts for people and programs."""

from collections.abc import Sequence
from pathlib import Path

from wasmoci.cli.output import Report, warn
from wasmoci.errors import KeyFileError
from wasmoci.keys import component as component_key_files
from wasmoci.keys import image as image_key_files
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.level import Level
from wasmoci.verify import Policy, Verified


def policy(component_keys: Sequence[Path], oci_keys: Sequence[Path], require: str | None) -> Policy:
    """The policy that trusts the keys in these files; see `Policy.of`."""
    return Policy.of(
        trusted_component_keys(component_keys),
        [image_key_files.load_public_key(path) for path in oci_keys],
        None if require is None else Level(require),
    )


def trusted_component_keys(files: Sequence[Path]) -> list[ComponentPublicKey]:
    """All component keys of these files; warns of each line of a list that is passed over."""
    return [key for path in files for key in component_key_files.load_public_keys(path, warn)]


def fingerprints(public_keys: Sequence[Path]) -> frozenset[str]:
    """The fingerprints of public keys of either layer."""
    return frozenset(fingerprint for path in public_keys for fingerprint in _fingerprints(path))


def verdict_json(verified: Verified) -> dict[str, object]:
    """`image`, `level`, `component`, `componentKeys`, `ociSignatures`: digests and fingerprints."""
    return {
        "image": str(verified.subject.digest),
        "level": verified.level.value,
        "component": None if verified.component is None else str(verified.component),
        "componentKeys": [key.fingerprint for key in verified.component_keys],
        "ociSignatures": [
            {"format": one.format.value, "key": one.signer.fingerprint, "carrier": str(one.carrier)}
            for one in verified.image_signatures
        ],
    }


def verdict_report(target: str, verified: Verified) -> Report:
    lines = [f"{target}: {verified.subject.digest}", f"level: {verified.level.value}"]
    lines += [f"component signed by {key.fingerprint}" for key in verified.component_keys]
    lines += [
        f"OCI manifest signed by {one.signer.fingerprint} ({one.format.value})" for one in verified.image_signatures
    ]
    return Report(lines, verdict_json(verified), verified.warnings)


def _fingerprints(path: Path) -> list[str]:
    try:
        return [key.fingerprint for key in component_key_files.load_public_keys(path)]
    except KeyFileError:
        return [image_key_files.load_public_key(path).fingerprint]
