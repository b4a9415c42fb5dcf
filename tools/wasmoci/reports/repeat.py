"""Commands of others that repeat what was checked, as far as they can: cosign, oras, wasmsign2."""

import shlex
from collections.abc import Iterator

from wasmoci.reports.checked import Checked
from wasmoci.values.errors import UsageError
from wasmoci.values.image_reference import Reference
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.policy import Verified
from wasmoci.verify.signatures import ImageSignature

# The names of files that are not known here.
_KEY = "OCI.pub"
_COMPONENT_KEY = "COMPONENT.pub"
_COMPONENT = "component.wasm"


def commands(checked: Checked) -> list[str]:
    """One a line; comments begin with `#`. Empty of what is no image that holds, which others need not see so."""
    verdict = checked.verdict
    if verdict is None:
        return []
    try:
        reference: Reference | None = Reference.parse(checked.target)
    except UsageError:
        reference = None
    name = None if reference is None else str(Reference(reference.repository, None, verdict.subject.digest))
    image = name or f"{checked.target}@{verdict.subject.digest}"
    layout = [] if name else ["--oci-layout"]
    lines = [_command("oras", "discover", *layout, image)]
    for signature in verdict.image_signatures:
        lines += _cosign(signature, [image] if name else ["--local-image", checked.target])
    if isinstance(verdict, Verified) and verdict.component is not None and verdict.component_keys:
        lines += _wasmsign2(verdict, image.replace(str(verdict.subject.digest), str(verdict.component)), layout)
    return list(dict.fromkeys(lines))


def _cosign(signature: ImageSignature, image: list[str]) -> Iterator[str]:
    fingerprint = signature.signer.fingerprint
    if fingerprint.startswith("identity:"):
        name, _, issuer = fingerprint.removeprefix("identity:").removesuffix(")").rpartition(" (")
        yield _command("cosign", "verify", "--certificate-identity", name, "--certificate-oidc-issuer", issuer, *image)
        return
    yield f"# {_KEY} is the key {fingerprint}"
    log = [] if signature.logged else ["--insecure-ignore-tlog"]
    form = ["--new-bundle-format=false"] if signature.format is SignatureFormat.LEGACY else []
    said = [word for pair in sorted(signature.annotations.items()) for word in ("-a", "=".join(pair))]
    yield _command("cosign", "verify", "--key", _KEY, *log, *form, *said, *image)


def _wasmsign2(verified: Verified, layer: str, layout: list[str]) -> Iterator[str]:
    yield _command("oras", "blob", "fetch", *layout, "--output", _COMPONENT, layer)
    if verified.component_is_detached:
        yield "# The signature of the component is beside it: the layer of a referrer, for wasmsign2 verify -S"
    for key in verified.component_keys:
        yield f"# {_COMPONENT_KEY} is the key {key.fingerprint}"
        yield _command("wasmsign2", "verify", "-i", _COMPONENT, "-K", _COMPONENT_KEY)


def _command(*words: str) -> str:
    return shlex.join(words)
