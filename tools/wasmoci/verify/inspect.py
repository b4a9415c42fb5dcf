"""Look at an image or index and all that is attached to it, whoever signed it: no verdict, but bytes are checked."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from wasmoci.cosign import simple_signing
from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE, Statement
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.oci.manifest import Manifest
from wasmoci.oci.source import ImageSource
from wasmoci.oci.wasm_artifact import component_signature_layer
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, VerificationError, refusals_about, refuse_malformed
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.attached_bundles import AttachedBundle, attached_bundles, verify_bundle
from wasmoci.verify.component import made_by
from wasmoci.verify.image import verify_image_layer, verify_opened
from wasmoci.verify.index import VerifiedIndex, index_verdict
from wasmoci.verify.opened import OpenedComponent, open_component
from wasmoci.verify.policy import Policy, Verified
from wasmoci.verify.signatures import check_legacy
from wasmoci.wasm.interface import Interface
from wasmoci.wasm.parts import read_parts
from wasmoci.wasm.signature import MAX_DATA_SIZE, Record, SignatureData, signed_message

# Names the holder of the certificate in a bundle, of which nothing is verified; FormatError.
NameHolder = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Attached:
    """Something that is attached: `kind` and `form` say what, `carrier` is the digest of the manifest that has it.

    `signer` is the trusted one who made it where `trusted`; else what it says itself, which nobody has checked.
    `trusted` is None where nobody is trusted for such things. `signed_at` is when a log says that it got it, in seconds
    since 1970, not checked where not `trusted`. `problem` says why it does not count, or cannot be read.
    """

    kind: str
    form: str
    carrier: Digest
    signer: str | None = None
    trusted: bool | None = None
    signed_at: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Inspected:
    """What there is; `interface` is that of the component, None for an index and for what is no component."""

    graph: ImageGraph
    verified: Verified | VerifiedIndex
    attached: tuple[Attached, ...]
    interface: Interface | None = None
    entries: tuple["Inspected", ...] = ()


def inspect(source: ImageSource, policy: Policy, name_holder: NameHolder) -> Inspected:
    """Read all of the image or index; what `policy` trusts tells trusted signatures from others.

    Raises VerificationError where bytes are not those of their digests or the image is malformed, and where `policy`
    requires what is not there; Error where it cannot be read.
    """
    with refuse_malformed():
        graph = read_graph(source)
        if not graph.is_index:
            return _image(graph, policy, name_holder)
        own = verify_image_layer(graph, policy)
        entries: list[Inspected] = []
        for entry in graph.entries:
            with refusals_about(f"entry {entry.digest}"):
                entries.append(_image(entry, policy, name_holder))
        verdicts = [entry.verified for entry in entries if isinstance(entry.verified, Verified)]
        verdict = index_verdict(graph, policy, own, verdicts)
        return Inspected(graph, verdict, tuple(_manifests(graph, policy, name_holder)), entries=tuple(entries))


def _image(graph: ImageGraph, policy: Policy, name_holder: NameHolder) -> Inspected:
    with open_component(graph, policy, is_hashed=True) as component:
        verified = verify_opened(graph, policy, component)
        found = list(_manifests(graph, policy, name_holder))
        if component is not None:
            found[:0] = _component(graph, component, policy)
    return Inspected(graph, verified, tuple(found), verified.interface)


def _component(graph: ImageGraph, component: OpenedComponent, policy: Policy) -> Iterator[Attached]:
    """The signatures of the component: in it, and beside it."""
    parts = read_parts(component.content)
    hashes = component.hashes.of(component.content, parts)
    if parts.signature is not None:
        yield from _records("embedded", component.layer.digest, parts.signature, hashes, policy)
    for referrer in graph.referrers:
        with suppress(FormatError):
            layer = component_signature_layer(referrer.manifest, graph.digest)
            if layer is not None:
                data = graph.source.read_blob(layer, MAX_DATA_SIZE)
                yield from _records("detached", referrer.digest, data, hashes, policy)


def _records(form: str, carrier: Digest, data: bytes, hashes: Sequence[bytes], policy: Policy) -> Iterator[Attached]:
    kind = "component signature"
    try:
        sets = SignatureData.parse(data).sets
    except FormatError as error:
        yield Attached(kind, form, carrier, problem=str(error))
        return
    for found in sets:
        message = signed_message(found.hashes)
        covers = list(found.hashes) == list(hashes)
        for record in found.records:
            if not isinstance(record, Record):
                yield Attached(kind, form, carrier, problem=record.problem)
                continue
            signers = [key.fingerprint for key in policy.component_keys if covers and made_by(record, key, message)]
            named = f"key id {record.key_id.hex()}" if record.key_id else None
            problem = None if covers else "it is for other content"
            trusted = bool(signers) if policy.component_keys else None
            yield Attached(kind, form, carrier, signers[0] if signers else named, trusted, problem=problem)


def _manifests(graph: ImageGraph, policy: Policy, name_holder: NameHolder) -> Iterator[Attached]:
    """All else: bundles, what cosign's tags name, and other referrers."""
    problems: list[VerificationError] = []
    bundles = list(attached_bundles(graph, problems))
    known = {attached.carrier for attached in bundles}
    yield from (_bundle(attached, graph.digest, policy, name_holder) for attached in bundles)
    yield from _legacy(graph, policy)
    for kind in (CosignTag.ATTESTATIONS, CosignTag.SBOM):
        with suppress(FormatError):
            tagged = graph.at_tag(kind)
            if tagged is not None:
                yield Attached(kind.name.lower(), f"tag {kind.of(graph.digest)}", tagged.digest)
    unreadable = {str(problem).partition(": ")[0]: str(problem).partition(": ")[2] for problem in problems}
    for referrer in graph.referrers:
        if referrer.digest in known:
            continue
        problem = unreadable.get(str(referrer.digest))
        form = referrer.descriptor.artifact_type or ""
        with suppress(FormatError):
            if component_signature_layer(referrer.manifest, graph.digest) is not None:
                continue
            form = referrer.manifest.artifact_type or referrer.manifest.config.media_type
        yield Attached("other", form, referrer.digest, problem=problem)


def _bundle(attached: AttachedBundle, subject: Digest, policy: Policy, name_holder: NameHolder) -> Attached:
    bundle = attached.bundle
    signer = f"key {bundle.named_key}" if bundle.named_key else None
    trusted: bool | None = None
    problem: str | None = None
    kind, form = "signature", SignatureFormat.BUNDLE.value
    try:
        if bundle.has_certificate:
            signer = name_holder(attached.data)
        statement = Statement.parse(bundle.envelope.payload)
        if statement.predicate_type != SIGNATURE_PREDICATE_TYPE:
            kind, form = "attestation", statement.predicate_type
        statement.check_subject(subject)
        if policy.image:
            signer, trusted = verify_bundle(attached, policy.image).signer.fingerprint, True
    except (FormatError, VerificationError) as error:
        trusted, problem = (False if policy.image else None), str(error)
    times = [entry.members().get("integratedTime") for entry in bundle.log_entries]
    return Attached(kind, form, attached.carrier, signer, trusted, _seconds(times), problem)


def _legacy(graph: ImageGraph, policy: Policy) -> Iterator[Attached]:
    kind, form = "signature", SignatureFormat.LEGACY.value
    tagged = graph.at_tag(CosignTag.SIGNATURES)
    if tagged is None:
        return
    try:
        layers = Manifest.parse(tagged.data, "the signature manifest").layers
    except FormatError as error:
        yield Attached(kind, form, tagged.digest, problem=str(error))
        return
    for layer in layers:
        when: int | None = None
        try:
            found = simple_signing.parse_signature(layer)
            when = _seconds([found.claimed_time])
            payload = graph.source.read_blob(layer, simple_signing.MAX_PAYLOAD_SIZE)
            simple_signing.check_payload(payload, graph.digest)
            if not policy.image:
                yield Attached(kind, form, tagged.digest, signed_at=when)
                continue
            signer = check_legacy(found, payload, policy.image).signer
            yield Attached(kind, form, tagged.digest, signer.fingerprint, trusted=True, signed_at=when)
        except (FormatError, VerificationError) as error:
            trusted = False if policy.image else None
            yield Attached(kind, form, tagged.digest, trusted=trusted, signed_at=when, problem=str(error))


def _seconds(times: Sequence[object]) -> int | None:
    """The first of these decimal texts that is a time."""
    texts = (text for text in times if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 12)
    return next((int(text) for text in texts if int(text)), None)
