"""`wasm-oci policy check`: whether a policy file says something that can be meant."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, command
from wasmoci.commands.report.output import Report
from wasmoci.policy.choice import today
from wasmoci.policy.file import PolicyFile
from wasmoci.policy.outlook import outlook
from wasmoci.values.text import counted


@command(example="wasm-oci policy check policy.yaml")
def check(file: Annotated[Path, Argument()]) -> Report:
    """Read the policy FILE, with the keys that it names.

    A fault is one line that begins with file, line and column; so is a rule that nobody can meet any more.
    """
    policy = PolicyFile.read(file)
    rules = [rule.pattern for rule in policy.rules]
    warnings = outlook(policy, today())
    lines = [f"{file}: {counted(len(rules), 'rule')}", *(f"{rule.place}: {rule.pattern}" for rule in policy.rules)]
    return Report(lines, {"policy": str(file), "reportsOnly": policy.reports_only, "rules": rules}, warnings)
