"""`wasm-oci policy explain`: which line of a policy decides what on an image."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.output import Report
from wasmoci.oci.graph import read_graph
from wasmoci.policy.choice import baseline_of, one_rule, today
from wasmoci.policy.explaining import Explained, explain
from wasmoci.policy.file import PolicyFile
from wasmoci.registry.sources import open_source, opener, reference_of
from wasmoci.values.errors import Error, Reason, VerificationError, refuse_malformed
from wasmoci.values.image_reference import Repository


@command(
    "explain",
    report_before="connection",
    example="wasm-oci policy explain policy.yaml ghcr.io/acme/hello:v1.0.0",
)
def explain_policy(
    file: Annotated[Path, Argument()],
    target: Annotated[str, Argument()],
    named: Annotated[str | None, Option("The repository that TARGET counts as.", "--as", metavar="HOST/PATH")],
    connection: Connection,
) -> Report:
    """Show what the policy FILE asks of the image TARGET, line by line, and what is found.

    The exit code is 3 where something is not met.
    """
    policy = PolicyFile.read(file)
    if named is None:
        reference = reference_of(target)
        repositories = [] if reference is None else [reference.repository]
    else:
        repositories = [Repository.parse(named)]
    rule = one_rule(policy, repositories)
    with open_source(target, connection, to_verify=True, signatures=True) as source:
        with refuse_malformed():
            graph = read_graph(source)
        day = today()
        baseline = baseline_of(policy, rule, day, opener(connection))
        explained = explain(graph, rule, policy.trusted_root, day, baseline)
    lines = [f"{target}: {explained.digest}", f"{rule.place}: the rule for {rule.pattern}", *_lines(explained)]
    errors: list[Error] = []
    if any(finding.reason is not None for finding in explained.all_findings):
        errors = [VerificationError(Reason.POLICY_UNMET, f"{target} does not meet the rule of {rule.place}")]
    elif not explained.is_met:
        errors = [Error(f"it cannot be told whether {target} meets the rule of {rule.place}")]
    data = {"policy": str(file), "rule": str(rule.place), **_json(explained)}
    return Report(lines, data, explained.warnings, errors)


def _lines(explained: Explained) -> Iterator[str]:
    for finding in explained.findings:
        outcome = "met" if finding.is_met else "could not check" if finding.reason is None else finding.reason.value
        yield f"{finding.place}: {outcome}: {finding.asked}: {finding.found}"
    for entry in explained.entries:
        yield f"entry {entry.digest}"
        yield from (f"  {line}" for line in _lines(entry))


def _json(explained: Explained) -> dict[str, object]:
    findings = [
        {
            "place": str(finding.place),
            "asked": finding.asked,
            "found": finding.found,
            "reason": None if finding.reason is None else finding.reason.value,
        }
        for finding in explained.findings
    ]
    data: dict[str, object] = {"image": str(explained.digest), "met": explained.is_met, "findings": findings}
    return {**data, "entries": [_json(entry) for entry in explained.entries]} if explained.entries else data
