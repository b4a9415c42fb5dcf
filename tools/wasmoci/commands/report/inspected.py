"""What is in an image and attached to it, for people and programs."""

from collections.abc import Iterator, Sequence

from wasmoci.commands.report.output import Report
from wasmoci.commands.report.verdict import time_json, verdict_json
from wasmoci.oci.manifest import REF_NAME_ANNOTATION, TITLE_ANNOTATION, Descriptor, Index
from wasmoci.verify.index import entry_name
from wasmoci.verify.inspect import Attached, Inspected

_TRUST = {True: "trusted", False: "not trusted", None: "not checked"}


def inspected_report(target: str, inspected: Inspected, tag: str | None) -> Report:
    """`tag` is that of the reference; without one, that which a layout proposes."""
    tag = tag or inspected.graph.descriptor.annotations.get(REF_NAME_ANNOTATION)
    lines = [f"{target}: {inspected.graph.digest}", *([f"tag: {tag}"] if tag else []), *_lines(inspected)]
    return Report(lines, {**_json(inspected), "tag": tag}, inspected.verified.warnings)


def _lines(inspected: Inspected) -> Iterator[str]:
    policy = inspected.verified.policy
    if policy.component_keys or policy.image:
        yield f"level: {inspected.verified.level.value}"
    title = _title(inspected)
    yield from [f"title: {title}"] if title else []
    yield from (f"annotation {key}: {value}" for key, value in sorted(_annotations(inspected).items()))
    yield from (f"layer {layer.digest}: {layer.media_type}, {layer.size} bytes" for layer in _layers(inspected))
    if inspected.interface is not None:
        yield from (f"imports {name}" for name in inspected.interface.imports)
        yield from (f"exports {name}" for name in inspected.interface.exports)
    yield "attached:" if inspected.attached else "nothing is attached"
    yield from (f"  {_attached_line(attached)}" for attached in inspected.attached)
    for entry in inspected.entries:
        yield f"{entry_name(entry.graph.descriptor)}: {entry.graph.digest}"
        yield from (f"  {line}" for line in _lines(entry))


def _attached_line(attached: Attached) -> str:
    by = f" by {attached.signer}" if attached.signer else ""
    when = f", logged at {time_json(attached.signed_at)}" if attached.signed_at is not None else ""
    judged = "" if attached.kind in ("other", "sbom", "attestations") else f", {_TRUST[attached.trusted]}"
    problem = f" ({attached.problem})" if attached.problem else ""
    return f"{attached.kind} ({attached.form}){by}{when}{judged}{problem}, in {attached.carrier}"


def _json(inspected: Inspected) -> dict[str, object]:
    """The members of a verdict, and `title`, `manifestAnnotations`, `layers`, `imports`, `exports`, `attached`."""
    interface = inspected.interface
    members: dict[str, object] = {
        **verdict_json(inspected.verified),
        "manifestAnnotations": dict(_annotations(inspected)),
        "title": _title(inspected),
        "layers": [
            {"mediaType": layer.media_type, "digest": str(layer.digest), "size": layer.size}
            for layer in _layers(inspected)
        ],
        "imports": None if interface is None else list(interface.imports),
        "exports": None if interface is None else list(interface.exports),
        "attached": [_attached_json(attached) for attached in inspected.attached],
    }
    if inspected.graph.is_index:
        members["entries"] = [
            {
                **_json(entry),
                "annotations": dict(entry.graph.descriptor.annotations),
                "platform": None if entry.graph.descriptor.platform is None else str(entry.graph.descriptor.platform),
            }
            for entry in inspected.entries
        ]
    return members


def _attached_json(attached: Attached) -> dict[str, object]:
    return {
        "kind": attached.kind,
        "form": attached.form,
        "carrier": str(attached.carrier),
        "signer": attached.signer,
        "trusted": attached.trusted,
        "loggedAt": time_json(attached.signed_at),
        "problem": attached.problem,
    }


def _annotations(inspected: Inspected) -> dict[str, str]:
    graph = inspected.graph
    return dict(Index.parse(graph.data).annotations if graph.is_index else graph.manifest.annotations)


def _layers(inspected: Inspected) -> Sequence[Descriptor]:
    return () if inspected.graph.is_index else inspected.graph.manifest.layers


def _title(inspected: Inspected) -> str | None:
    return next((layer.annotations.get(TITLE_ANNOTATION) for layer in _layers(inspected)), None)
