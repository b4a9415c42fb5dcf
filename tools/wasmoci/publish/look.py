"""What `--dry-run` asks registries, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass

from wasmoci.commands.report.output import Report
from wasmoci.commands.report.verdict import verdict_json
from wasmoci.publish.outcome import references_of
from wasmoci.publish.plan import Plan, PublishRequest
from wasmoci.publish.registry_state import RegistryState, registry_state
from wasmoci.publish.tags import TagChange, TagState, refusal
from wasmoci.registry.registries import Registries
from wasmoci.sign.deferred import DeferredSigning
from wasmoci.values.errors import Error


@dataclass(frozen=True, slots=True)
class Look:
    """What a repository has, or why that cannot be said."""

    request: PublishRequest
    state: RegistryState | None
    error: Error | None = None

    def errors(self) -> list[Error]:
        """What would make publishing there fail."""
        if self.state is None:
            return [] if self.error is None else [self.error]
        return [refusal(self.request.repository, one) for one in self.state.tags if one.change is TagChange.REFUSED]

    def lines(self) -> list[str]:
        if self.state is None:
            return [f"{self.request.repository}: cannot be asked"]
        steps = [f"{'already there' if done else 'missing'}: {step}" for step, done in self.state.steps]
        return [f"{self.request.repository}: {one}" for one in (*steps, *map(_tag_line, self.state.tags))]

    def to_json(self) -> dict[str, object]:
        """`repository`, and `missing`, `alreadyThere` and `tags` (each `tag`, `change`, `current`), or `message`."""
        if self.state is None:
            return {"repository": str(self.request.repository), "message": str(self.error)}
        return {
            "repository": str(self.request.repository),
            "missing": [step for step, done in self.state.steps if not done],
            "alreadyThere": [step for step, done in self.state.steps if done],
            "tags": [
                {
                    "tag": one.tag,
                    "change": one.change.value,
                    "current": None if one.current is None else str(one.current),
                }
                for one in self.state.tags
            ],
        }


def look(request: PublishRequest, planned: Plan, signing: DeferredSigning, registries: Registries) -> Look:
    """Ask one repository; what is not signed yet is not asked for."""
    contents = None if signing.makes_another_image else planned.graph
    try:
        client = registries.client(request.repository)
        return Look(request, registry_state(contents, planned.tags, request.if_exists, client))
    except Error as error:
        return Look(request, None, error)


def dry_run_report(
    requests: Sequence[PublishRequest], planned: Plan, signing: DeferredSigning, looks: Sequence[Look]
) -> Report:
    """What would be signed and sent, and what `looks` found, which say what is in the way."""
    described = signing.described()
    repositories = [one.repository for one in requests]
    data = {**verdict_json(planned.verified), "published": False, "signing": described}
    lines = [f"would {line}" for line in described]
    steps: list[str] = []
    if signing.makes_another_image:
        references = [f"{repository}:{tag}" for repository in repositories for tag in planned.tags]
        would = [f"would publish {reference}, whose digest the signature decides" for reference in references]
    else:
        references = [one for repository in repositories for one in references_of(repository, planned)]
        steps = [*planned.graph.steps(), *(f"tag {tag}" for tag in planned.tags)]
        would = [f"would publish {reference}" for reference in references]
    seen = [line for one in looks for line in one.lines()]
    data = {**data, "references": references, "steps": steps}
    if looks:
        data["registries"] = [one.to_json() for one in looks]
    errors = [error for one in looks for error in one.errors()]
    return Report([*lines, *(seen or steps), *would], data, planned.warnings, errors)


def _tag_line(state: TagState) -> str:
    if state.change is TagChange.SET:
        return f"tag {state.tag} would be set"
    if state.change is TagChange.MOVED:
        return f"tag {state.tag} would be moved from {state.current}"
    if state.change is TagChange.LEFT:
        return f"tag {state.tag} would be left on {state.current}"
    return f"tag {state.tag} on {state.current} would be refused"
