"""What publishing did or would do, for people and programs."""

from collections.abc import Mapping, Sequence

from wasmoci.commands.report.output import Report
from wasmoci.commands.report.verdict import verdict_json
from wasmoci.publish.look import Look, Shown
from wasmoci.publish.send import Outcome
from wasmoci.publish.signed import PublishedImage, published_references
from wasmoci.publish.tags import TagChange, TagState


def published_report(image: PublishedImage) -> Report:
    """What was sent to each repository; raises the error of the only one, where that failed."""
    references = published_references(image.plan, image.outcomes)
    lines = [f"published {reference}" for reference in references]
    data = {**verdict_json(image.plan.verified), "references": references}
    return outcomes_report(image.outcomes, lines, data, "published")


def outcomes_report(outcomes: Sequence[Outcome], lines: Sequence[str], data: Mapping[str, object], done: str) -> Report:
    """These lines and members, and what became of the image in each repository; `done` is that it is in all of them.

    Raises the error of the only repository, where that failed.
    """
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if len(outcomes) == 1 and errors:
        raise errors[0]
    counted = [f"{outcome.repository}: {outcome.published}" for outcome in outcomes if outcome.published]
    repositories = [outcome_json(outcome) for outcome in outcomes]
    return Report([*lines, *counted], {**data, done: not errors, "repositories": repositories}, errors=errors)


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """`repository`, `published`, and `sent`, `alreadyThere`, `tagsSet`, `tagsLeft`, `readBack`, or `message`."""
    if outcome.published is None:
        return {"repository": str(outcome.repository), "published": False, "message": str(outcome.error)}
    return {
        "repository": str(outcome.repository),
        "published": True,
        "sent": outcome.published.sent,
        "alreadyThere": outcome.published.present,
        "tagsSet": list(outcome.published.tags_set),
        "tagsLeft": list(outcome.published.tags_left),
        "readBack": "none" if outcome.published.read_back is None else outcome.published.read_back.value,
    }


def dry_run_report(shown: Shown) -> Report:
    """What would be signed and sent, and what registries said of it."""
    data: dict[str, object] = {
        **verdict_json(shown.verified),
        "published": False,
        "signing": list(shown.signing),
        "references": list(shown.references),
        "steps": list(shown.steps),
    }
    if shown.looks:
        data["registries"] = [_look_json(look) for look in shown.looks]
    unknown = "" if shown.digest_is_known else ", whose digest the signature decides"
    seen = [line for look in shown.looks for line in _look_lines(look)]
    lines = [f"would {line}" for line in shown.signing]
    lines += [*(seen or shown.steps), *(f"would publish {reference}{unknown}" for reference in shown.references)]
    return Report(lines, data, shown.warnings, shown.errors())


def _look_lines(look: Look) -> list[str]:
    repository = look.request.repository
    if look.state is None:
        return [f"{repository}: cannot be asked"]
    steps = [f"{'already there' if done else 'missing'}: {step}" for step, done in look.state.steps]
    return [f"{repository}: {line}" for line in (*steps, *map(_tag_line, look.state.tags))]


def _look_json(look: Look) -> dict[str, object]:
    """`repository`, and `missingSteps`, `presentSteps` and `tags` (each `tag`, `change`, `current`), or `message`."""
    repository = str(look.request.repository)
    if look.state is None:
        return {"repository": repository, "message": str(look.error)}
    return {
        "repository": repository,
        "missingSteps": [step for step, done in look.state.steps if not done],
        "presentSteps": [step for step, done in look.state.steps if done],
        "tags": [
            {
                "tag": state.tag,
                "change": state.change.value,
                "current": None if state.current is None else str(state.current),
            }
            for state in look.state.tags
        ],
    }


def _tag_line(state: TagState) -> str:
    if state.change is TagChange.SET:
        return f"tag {state.tag} would be set"
    if state.change is TagChange.MOVED:
        return f"tag {state.tag} would be moved from {state.current}"
    if state.change is TagChange.LEFT:
        return f"tag {state.tag} would be left on {state.current}"
    return f"tag {state.tag} on {state.current} would be refused"
