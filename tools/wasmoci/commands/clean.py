"""`wasm-oci clean`: an image in a registry without doubles of its signatures."""

from typing import Annotated

from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.trust import KnownSigners
from wasmoci.commands.report.output import Report
from wasmoci.cosign.predicate_type import SHORT_NAMES, predicate_type
from wasmoci.publish.clean import Cleaned
from wasmoci.publish.clean import clean as run
from wasmoci.publish.doubles import Fate, Removal, Surplus
from wasmoci.trust.policy import image_trust
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.image_reference import Reference
from wasmoci.values.text import excerpt

_TYPE = (
    "Remove what is of this type too, unless a trusted signer made it as a signature: an artifact type, a media type, "
    f"or a predicate type ({', '.join(SHORT_NAMES)}, or a URI). Repeatable."
)
_SIGNER = "Remove all that this trusted signer made, named as `wasm-oci verify` does. Repeatable; with --type, both."
_FATES = {
    Fate.SHOWN: "would remove",
    Fate.REMOVED: "removed",
    Fate.UNLISTED: "no longer listed, but not deleted",
    Fate.STAYS: "stays",
}


@command(
    report_before="connection",
    example="wasm-oci clean ghcr.io/acme/hello:v1.0.0 --oci-key oci.pub --dry-run",
)
def clean(
    target: Annotated[str, Argument(metavar="REFERENCE")],
    types: Annotated[tuple[str, ...], Option(_TYPE, "--type", metavar="TYPE")],
    signers: Annotated[tuple[str, ...], Option(_SIGNER, "--signer", metavar="FINGERPRINT")],
    dry_run: Annotated[bool, Option("Show what would be removed, and remove nothing.")],
    connection: Connection,
    trusted: KnownSigners,
) -> Report:
    """Remove signatures of the image REFERENCE in a registry that are doubles, so that it can be verified again.

    A double says the very same as another one, in the same format, by the same trusted key or identity. The one with
    a log entry that holds stays. Of up to 1,000 referrers nothing else is removed, unless --type or --signer name it.
    Where the registry cannot delete, what it lists in an index is taken out of that.
    """
    surplus = Surplus(image_trust(trusted), list(map(_type, types)), signers)
    return _report(target, run(Reference.parse(target), surplus, connection, dry_run=dry_run))


def _type(name: str) -> str:
    if name in SHORT_NAMES:
        return predicate_type(name)
    if "/" not in name and ":" not in name:
        raise UsageError(
            f"--type is a media type, an artifact type, a URI or one of {', '.join(SHORT_NAMES)}, "
            f"got: {excerpt(name)!r}"
        )
    return name


def _report(target: str, cleaned: Cleaned) -> Report:
    lines = [f"{_FATES[removal.fate]}: {removal}" for removal in cleaned.removals]
    stay = [removal for removal in cleaned.removals if removal.fate is Fate.STAYS]
    errors = [Error(f"{len(stay)} of {len(cleaned.removals)} stay: {cleaned.refusal}")] if stay else []
    data = {"image": str(cleaned.digest), "removals": [_json(removal) for removal in cleaned.removals]}
    warnings = [] if errors or cleaned.refusal is None else [f"the registry does not delete: {cleaned.refusal}"]
    return Report(lines or [f"{target}: {cleaned.digest} has nothing to remove"], data, warnings, errors)


def _json(removal: Removal) -> dict[str, object]:
    return {
        "image": str(removal.subject),
        "form": "referrer" if removal.layer is None else "legacy",
        "digest": str(removal.digest),
        "why": removal.why,
        "fate": removal.fate.value,
    }
