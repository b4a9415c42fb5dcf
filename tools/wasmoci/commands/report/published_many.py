"""The one summary of a run that published many images."""

from collections.abc import Sequence

from wasmoci.commands.report.output import Report, error_members
from wasmoci.commands.report.published import dry_run_report, outcome_json
from wasmoci.commands.report.verdict import verdict_json
from wasmoci.publish.many import Image, in_words
from wasmoci.values.text import counted


def summary(images: Sequence[Image]) -> Report:
    """A line for each image and one for all; in JSON `images` in their order, and how many there are of each kind.

    An image has its `target`, the members of its verdict where it was verified, and what `wasm-oci publish`
    reports of it; where it failed as a whole `message`, and `reason` for a refusal.
    """
    totals = _totals(images)
    lines = [line for image in images for line in _lines(image)]
    kinds = [f"{totals[name]} {words}" for name, words in _TOTALS.items() if totals[name]]
    return Report(
        [*lines, f"{counted(len(images), 'image')}: {', '.join(kinds)}"],
        {**totals, "images": [_image_json(image) for image in images]},
        [f"{image.name}: {warning}" for image in images for warning in image.warnings],
        [error for image in images for error in image.errors()],
    )


_TOTALS = {
    "sentImages": "sent",
    "unchangedImages": "there already",
    "shownImages": "shown only",
    "failedImages": "failed",
}


def _totals(images: Sequence[Image]) -> dict[str, int]:
    kinds = [_kind(image) for image in images]
    return {kind: kinds.count(kind) for kind in _TOTALS}


def _kind(image: Image) -> str:
    if image.errors():
        return "failedImages"
    if image.shown is not None:
        return "shownImages"
    unchanged = all(outcome.published is not None and outcome.published.is_nothing for outcome in image.outcomes)
    return "unchangedImages" if unchanged else "sentImages"


def _lines(image: Image) -> list[str]:
    if image.shown is not None:
        return [f"{image.name}: {line}" for line in dry_run_report(image.shown).lines]
    return [f"{image.name}: {in_words(image)}"]


def _image_json(image: Image) -> dict[str, object]:
    verdict = {} if image.verified is None else verdict_json(image.verified)
    members: dict[str, object] = {"target": image.name, **verdict}
    if image.failure is not None:
        return {**members, "published": False, **error_members(image.failure)}
    if image.shown is not None:
        return {**members, **dry_run_report(image.shown).data, "warnings": list(image.shown.warnings)}
    return {
        **members,
        "published": not image.errors(),
        "references": list(image.references),
        "repositories": [outcome_json(outcome) for outcome in image.outcomes],
        "warnings": list(image.warnings),
    }
