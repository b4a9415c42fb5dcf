"""Verdicts for people and programs."""

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from wasmoci.commands.report.output import Report
from wasmoci.keys import image as image_key_files
from wasmoci.keys.component_files import load_component_keys
from wasmoci.values.errors import KeyFileError, VerificationError
from wasmoci.verify.index import Verdict, VerifiedIndex, entry_name
from wasmoci.verify.policy import Verified
from wasmoci.verify.signatures import ImageSignature


def fingerprints(public_keys: Sequence[Path]) -> frozenset[str]:
    """The fingerprints of public keys of either layer."""
    return frozenset(fingerprint for path in public_keys for fingerprint in _fingerprints(path))


def verdict_json(verified: Verified | VerifiedIndex) -> dict[str, object]:
    """`image`, `level`, `component`, and who signed: `componentKeys` and `ociSignatures`.

    Of an index `image`, `level`, its own `ociSignatures`, and `entries`: each as an image, with its `annotations`
    and its `platform` (`os/architecture[/variant]` or null).
    """
    verdict: dict[str, object] = {"image": str(verified.subject.digest), "level": verified.level.value}
    signatures = [_signature_json(signature) for signature in verified.image_signatures]
    if isinstance(verified, VerifiedIndex):
        entries = [_entry_json(entry) for entry in verified.entries]
        return {**verdict, "ociSignatures": signatures, "entries": entries}
    component = None if verified.component is None else str(verified.component)
    component_keys = [key.fingerprint for key in verified.component_keys]
    return {**verdict, "component": component, "componentKeys": component_keys, "ociSignatures": signatures}


def verdict_report(target: str, verified: Verified | VerifiedIndex) -> Report:
    return Report(_lines(target, verified), verdict_json(verified), verified.warnings)


def judged(target: str, verify: Callable[[], Verdict], *, reports_only: bool) -> Report:
    """The verdict that `verify` gives or raises; with `reports_only` what it would be, which is not "verified"."""
    try:
        report = verdict_report(target, verify())
    except VerificationError as error:
        if not reports_only:
            raise
        data = {"reason": error.reason.value, "message": str(error), "reportsOnly": True}
        return Report([f"{target}: would be refused: {error.reason.value}: {error}"], data)
    if not reports_only:
        return report
    return report._replace(lines=[f"{target}: would be verified"], data={**report.data, "reportsOnly": True})


def _lines(target: str, verified: Verified | VerifiedIndex) -> list[str]:
    lines = [f"{target}: {verified.subject.digest}", f"level: {verified.level.value}"]
    if isinstance(verified, VerifiedIndex):
        lines += _signature_lines("OCI index", verified)
        for entry in verified.entries:
            name, *rest = _lines(entry_name(entry.subject), entry)
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
    signed = len({signature.signer.principal for signature in verified.image_signatures})
    count = _count(what, signed, verified.policy.image.principals)
    return [count, *(f"  {_signature_line(signature)}" for signature in verified.image_signatures)]


def time_json(seconds: int | None) -> str | None:
    """RFC 3339 in UTC, of seconds since 1970."""
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _entry_json(verified: Verified) -> dict[str, object]:
    entry = verified.subject
    return {
        **verdict_json(verified),
        "annotations": dict(entry.annotations),
        "platform": None if entry.platform is None else str(entry.platform),
    }


def _count(what: str, signed: int, trusted: int) -> str:
    return f"{what} signed by {signed} of {trusted} trusted {'signer' if trusted == 1 else 'signers'}:"


def _signature_line(signature: ImageSignature) -> str:
    notes = [signature.format.value, *(["logged"] if signature.logged else [])]
    if signature.name:
        notes.append(f"for {signature.name}")
    notes += [f"{key}={value}" for key, value in sorted(signature.annotations.items())]
    return f"{signature.signer.fingerprint} ({', '.join(notes)})"


def _signature_json(signature: ImageSignature) -> dict[str, object]:
    return {
        "signer": signature.signer.fingerprint,
        "format": signature.format.value,
        "carrier": str(signature.carrier),
        "signedName": signature.name,
        "annotations": dict(signature.annotations),
        "logged": signature.logged,
        "time": time_json(signature.time),
    }


def _fingerprints(path: Path) -> list[str]:
    try:
        return [key.fingerprint for key in load_component_keys(path)]
    except KeyFileError:
        return [image_key_files.load_image_key(path).fingerprint]
