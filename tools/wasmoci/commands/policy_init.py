"""`wasm-oci policy init`: a first policy file, of what images have now."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import COMPONENT_KEYS_HELP, TrustedRoot
from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, Option, command, variable
from wasmoci.commands.report.output import Report
from wasmoci.disk.files import write_atomically
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.policy.first import Given, first_policy
from wasmoci.registry.sources import Sources, reference_of
from wasmoci.values.errors import Error, UsageError, refuse_malformed
from wasmoci.values.image_reference import Repository

_OPTIONS = {"component": "--component-key", "image": "--oci-key"}


@command(
    report_before="connection",
    example="wasm-oci policy init ghcr.io/acme/hello:v1.0.0 --oci-key oci.pub --output policy.yaml",
)
def init(
    targets: Annotated[tuple[str, ...], Argument(required=True, metavar="TARGET...")],
    output: Annotated[Path, Option("The policy file to write; there must be none yet.")],
    component_keys: Annotated[
        tuple[Path, ...], Option(COMPONENT_KEYS_HELP, "--component-key", **variable("COMPONENT_KEY"))
    ],
    image_keys: Annotated[
        tuple[str, ...],
        Option(
            "A trusted OCI public key: a file or a key reference. Repeatable. Without one those identities that signed "
            "the images are taken on faith.",
            "--oci-key",
            metavar="KEY",
            **variable("OCI_KEY"),
        ),
    ],
    trusted_root: TrustedRoot,
    named: Annotated[str | None, Option("The repository that layouts count as.", "--as", metavar="HOST/PATH")],
    connection: Connection,
) -> Report:
    """Write a policy file that asks for what the images TARGET have now: who signed, and what they import.

    TARGET is host[:port]/path:tag or …@sha256:…, or a layout's folder. Keys are in no image: name those that signed.
    The images meet the policy that is written, else none is written.
    """
    if output.exists():
        raise Error(f"{output} exists: choose another file")
    if not output.parent.is_dir():
        raise Error(f"cannot write {output}: there is no folder {output.parent}, make it first")
    with Sources(connection) as sources:
        images: dict[str, list[ImageGraph]] = {}
        for target in targets:
            with refuse_malformed():
                graph = read_graph(sources.open(target, to_verify=True, signatures=True))
            images.setdefault(_repository(target, named), []).append(graph)
        policy = first_policy(images, Given(component_keys, image_keys, trusted_root), output.parent)
    write_atomically(output, policy.text.encode(), replace=False)
    warnings = [
        f"{output}: a rule of it asks for no signature of the {layer}: name who signs with {_OPTIONS[layer]}"
        for layer in policy.unasked
    ]
    if policy.on_faith:
        names = ", ".join(policy.on_faith)
        warnings.append(f"{output}: {names} signed the images, and nobody said that it is whom you trust: compare it")
    lines = [f"wrote {output}: a rule for {repository}" for repository in images]
    data = {"policy": str(output), "rules": [*images], "onFaith": list(policy.on_faith)}
    return Report(lines, data, warnings)


def _repository(target: str, named: str | None) -> str:
    reference = reference_of(target)
    if reference is not None:
        return str(reference.repository)
    if named is None:
        raise UsageError("rules match repositories, and a layout is in none: say in which with --as HOST/PATH")
    return str(Repository.parse(named))
