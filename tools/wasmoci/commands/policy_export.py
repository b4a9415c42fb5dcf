"""`wasm-oci policy export`: a policy file in the form of another verifier."""

from enum import Enum
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.output import Report
from wasmoci.disk.files import atomic_folder, os_errors
from wasmoci.policy.export import containers, controller
from wasmoci.policy.file import PolicyFile
from wasmoci.values.errors import Error


class Form(str, Enum):
    """Whose form it is."""

    CONTAINERS = containers.TARGET
    CONTROLLER = controller.TARGET


@command("export", example="wasm-oci policy export policy.yaml --to containers-policy --output containers")
def export_policy(
    file: Annotated[Path, Argument()],
    form: Annotated[
        Form, Option("policy.json of skopeo, podman and CRI-O, or ClusterImagePolicy of Sigstore's controller.", "--to")
    ],
    output: Annotated[Path, Option("The folder to write to, new or empty.")],
    allow_weaker: Annotated[bool, Option("Write it even if it lets in what FILE refuses.")],
) -> Report:
    """Write the policy FILE in the form of another verifier, and say what that does not ask or takes more widely.

    With such a line nothing is written and the exit code is 1, unless --allow-weaker says to go on.
    """
    policy = PolicyFile.read(file)
    exported = (containers if form is Form.CONTAINERS else controller).export(policy)
    losses = exported.losses
    data = {"policy": str(file), "wider": losses.wider}
    if losses.wider and not allow_weaker:
        errors = [Error(f"{text} (--allow-weaker writes it nevertheless)") for text in losses.wider]
        return Report([], data, losses.others, errors)
    with atomic_folder(output) as folder, os_errors(f"write {output}"):
        for name, text in exported.files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    lines = [f"wrote {output / name}" for name in exported.files]
    return Report(lines, {**data, "output": str(output)}, [*losses.wider, *losses.others])
