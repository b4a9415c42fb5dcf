"""Verdicts for people and programs."""

from collections.abc import Sequence
from pathlib import Path

from wasmoci.commands.report.output import Report
from wasmoci.keys import image as image_key_files
from wasmoci.keys.component_files import load_component_keys
from wasmoci.oci.manifest import Descriptor
from wasmoci.values.errors import KeyFileError
from wasmoci.verify.image import Verified
from wasmoci.verify.index import VerifiedIndex
from wasmoci.verify.signatures import ImageSignature


def fingerprints(public_keys: Sequence[Path]) -> frozenset[str]:
    """The fingerprints of public keys of either layer."""
    return frozenset(fingerprint for path in public_keys for fingerprint in _fingerprints(path))


def verdict_json(verified: Verified | VerifiedIndex) -> dict[str, object]:
    """`image`, `level`, `component`, and who signed: `componentKeys` and `ociSignatures`.

    Of an index `image`, `level`, its own `ociSignatures`, and `entries`: each as an image, with its `annotations`
    and its `platform` (`os/architecture[/variant]` or null).
    """
    if isinstance(verified, VerifiedIndex):
        return {
            "image": str(verified.subject.digest),
            "level": verified.level.value,
            "ociSignatures": [_signature_json(one) for one in verified.image_signatures],
            "entries": [_entry_json(one) for one in verified.entries],
        }
    return {
        "image": str(verified.subject.digest),
        "level": verified.level.value,
        "component": None if verified.component is None else str(verified.component),
        "componentKeys": [key.fingerprint for key in verified.component_keys],
        "ociSignatures": [_signature_json(one) for one in verified.image_signatures],
    }


def verdict_report(target: str, verified: Verified | VerifiedIndex) -> Report:
    entries = verified.entries if isinstance(verified, VerifiedIndex) else ()
    parts = [f"{_variant(one.subject)}: {one.subject.digest}" for one in entries]
    return Report(_lines(target, verified), verdict_json(verified), verified.warnings, parts=parts)


def _lines(target: str, verified: Verified | VerifiedIndex) -> list[str]:
    lines = [f"{target}: {verified.subject.digest}", f"level: {verified.level.value}"]
    if isinstance(verified, VerifiedIndex):
        lines += _signature_lines("OCI index", verified)
        for one in verified.entries:
            name, *rest = _lines(_variant(one.subject), one)
            lines += [f"  {name}", *(f"    {line}" for line in rest)]
        return lines
    component_keys = [key.fingerprint for key in verified.component_keys]
    if component_keys:
        lines.append(_count("component", len(component_keys), len(set(verified.policy.component_keys))))
        lines += [f"  {name}" for name in component_keys]
    return lines + _signature_lines("OCI manifest", verified)


def _signature_lines(what: str, verified: Verified | VerifiedIndex) -> list[str]:
    if not verified.image_signatures:
        return []
    signed = len({one.signer.principal for one in verified.image_signatures})
    count = _count(what, signed, verified.policy.image.principals)
    return [count, *(f"  {_signature_line(one)}" for one in verified.image_signatures)]


def _variant(entry: Descriptor) -> str:
    """What an index says of an entry, in one line."""
    said = [] if entry.platform is None else [str(entry.platform)]
    said += [f"{key}={value}" for key, value in sorted(entry.annotations.items())]
    return f"entry ({', '.join(said)})" if said else "entry"


def _entry_json(verified: Verified) -> dict[str, object]:
    entry = verified.subject
    return {
        **verdict_json(verified),
        "annotations": dict(entry.annotations),
        "platform": None if entry.platform is None else str(entry.platform),
    }


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
        return [key.fingerprint for key in load_component_keys(path)]
    except KeyFileError:
        return [image_key_files.load_image_key(path).fingerprint]
