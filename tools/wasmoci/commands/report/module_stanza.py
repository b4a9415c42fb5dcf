"""What MODULE.bazel has to say to fetch an image that was verified here."""

import json
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from wasmoci.publish.pull import Pulled
from wasmoci.values.errors import UsageError
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.verify.policy import Policy

# The files of component keys and of OCI keys.
TrustedFiles = tuple[Sequence[str], Sequence[str]]

_NO_NAME = re.compile(r"[^a-z0-9_]+")


def check_sayable(policy: Policy, oci_keys: Sequence[str]) -> None:
    """Raise UsageError for what a `wasm_oci.pull` cannot say."""
    if policy.required is Level.NONE:
        raise UsageError("--bazel needs a level to require: give --component-key, --oci-key or both")
    if policy.demands is not None:
        raise UsageError(
            "--bazel does not know the target of a policy: write the `wasm_oci.pull` with `policy` yourself"
        )
    references = [key for key in oci_keys if "://" in key or key.startswith("pkcs11:")]
    if policy.image.certificates is not None or references:
        raise UsageError("--bazel names keys as files, and no others: `wasm-oci key public` writes the file of a key")
    if policy != Policy.of(policy.component_keys, policy.image.keys, policy.required):
        raise UsageError(
            "--bazel cannot say thresholds, annotations and logs: give them to `wasm_oci_verified_component`"
        )


def module_stanza(
    pulled: Pulled, reference: Reference, trusted: TrustedFiles, insecure: Sequence[str]
) -> Sequence[str]:
    """The lines of a `wasm_oci.pull` with the digest, and with what carries the signatures that hold.

    Keys are the files that were trusted, as labels.
    """
    policy = pulled.verified.policy
    component_keys, oci_keys = trusted
    attributes: dict[str, object] = {
        "name": _name(reference),
        "image": str(reference.repository),
        "digest": str(pulled.verified.subject.digest),
        "component_keys": [_label(key) for key in component_keys] if policy.required.has_component else [],
        "insecure_registries": [name for name in insecure if name == reference.repository.registry],
        "level": "" if policy.required is Level.DUAL_LAYER else policy.required.value,
        "oci_keys": [_label(key) for key in oci_keys] if policy.required.has_image else [],
        "signatures": [str(carrier) for carrier in pulled.carriers],
        "tag": reference.tag or "",
    }
    said = "".join(f"    {name} = {_value(value)},\n" for name, value in attributes.items() if value)
    return (
        'wasm_oci = use_extension("@rules_wasm_oci//wasm_oci:extensions.bzl", "wasm_oci")\n'
        f"wasm_oci.pull(\n{said})\n"
        f"use_repo(wasm_oci, {_value(attributes['name'])})"
    ).splitlines()


def _name(reference: Reference) -> str:
    return _NO_NAME.sub("_", reference.repository.path.rpartition("/")[2])


def _label(key: str) -> str:
    """A file below the working folder, as that of the workspace; of others the package is for people to say."""
    if "://" in key or key.startswith("pkcs11:"):
        raise UsageError(
            f"--bazel names keys as files, and {key.partition(':')[0]}:… is none: see `wasm-oci key public`"
        )
    path = PurePosixPath(key)
    folder = "" if path.is_absolute() or ".." in path.parts else str(path.parent).removeprefix(".")
    return f"//{folder}:{path.name}"


def _value(value: object) -> str:
    if not isinstance(value, list) or len(value) == 1:
        return json.dumps(value)
    return "[\n" + "".join(f"        {json.dumps(item)},\n" for item in value) + "    ]"
