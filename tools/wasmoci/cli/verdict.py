"""Verdicts for people and programs."""

from collections.abc import Sequence
from pathlib import Path

from wasmoci.cli.output import Report
from wasmoci.errors import KeyFileError
from wasmoci.image_signatures import ImageSignature
from wasmoci.keys import component as component_key_files
from wasmoci.keys import image as image_key_files
from wasmoci.verify import Verified


def fingerprints(public_keys: Sequence[Path]) -> frozenset[str]:
    """The fingerprints of public keys of either layer."""
    return frozenset(fingerprint for path in public_keys for fingerprint in _fingerprints(path))


def verdict_json(verified: Verified) -> dict[str, object]:
    """`image`, `level`, `component`, and who signed: `componentKeys` and `ociSignatures`."""
    return {
        "image": str(verified.subject.digest),
        "level": verified.level.value,
        "component": None if verified.component is None else str(verified.component),
        "componentKeys": [key.fingerprint for key in verified.component_keys],
        "ociSignatures": [_signature_json(one) for one in verified.image_signatures],
    }


def verdict_report(target: str, verified: Verified) -> Report:
    lines = [f"{target}: {verified.subject.digest}", f"level: {verified.level.value}"]
    policy = verified.policy
    component_keys = [key.fingerprint for key in verified.component_keys]
    if component_keys:
        lines.append(_count("component", len(component_keys), len(set(policy.component_keys))))
        lines += [f"  {name}" for name in component_keys]
    if verified.image_signatures:
        signed = len({one.signer.principal for one in verified.image_signatures})
        lines.append(_count("OCI manifest", signed, policy.image.principals))
        lines += [f"  {_signature_line(one)}" for one in verified.image_signatures]
    return Report(lines, verdict_json(verified), verified.warnings)


def _count(what: str, signed: int, trusted: int) -> str:
    return f"{what} signed by {signed} of {trusted} trusted {'signer' if trusted == 1 else 'signers'}:"


def _signature_line(one: ImageSignature) -> str:
    notes = [one.format.value, *(["logged"] if one.logged else [])]
    notes += [f"{key}={value}" for key, value in sorted(one.annotations.items())]
    return f"{one.signer.fingerprint} ({', '.join(notes)})"


def _signature_json(one: ImageSignature) -> dict[str, object]:
    return {
        "signer": one.signer.fingerprint,
        "format": one.format.value,
        "carrier": str(one.carrier),
        "annotations": dict(one.annotations),
        "logged": one.logged,
    }


def _fingerprints(path: Path) -> list[str]:
    try:
        return [key.fingerprint for key in component_key_files.load_public_keys(path)]
    except KeyFileError:
        return [image_key_files.load_public_key(path).fingerprint]
