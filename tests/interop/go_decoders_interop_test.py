"""What we read in a document is what programs in Go read in it: where they would differ, we refuse the document."""

import base64
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from go_documents import variants
from peers import program
from wasmoci.cosign.bundle import bundle, parse_bundle
from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.simple_signing import check_payload, payload
from wasmoci.cosign.statement import Statement, attestation, signature_statement, signed_annotations
from wasmoci.disk.layout import Layout
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, Index, Manifest
from wasmoci.oci.platform import Platform
from wasmoci.transparency.log_entry import InclusionProof, LegacyBundle, LogEntry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error
from wasmoci.values.strict_json import parse_object

Json = dict[str, Any]

SUBJECT = Digest.of(b"the image's manifest")
ANNOTATIONS = {"k": "v", "kiosk": "\u00e9<>&"}
CONTENT = b'{"some":"content"}'
PREDICATE = b'{"a":{"B":1,"b":[0.5,null]}}'
LIMIT = 1_000_000


def _described(**more: object) -> Descriptor:
    return Descriptor("application/wasm", Digest.of(CONTENT), len(CONTENT), {"Kiosk": "1", "kiosk": "2"}, **more)  # type: ignore[arg-type]


PLATFORM = Platform("wasm", "wasip2", "1.2", ("x",), "v8")
MANIFEST = Manifest(_described(), (_described(),), ANNOTATIONS, _described(), "application/x")
INDEX = Index((_described(artifact_type="application/y", platform=PLATFORM),), ANNOTATIONS, _described(), "x/y")
ENVELOPE = Envelope(bytes(range(64, 128)) * 2, b"\xfb\xff\xfe sig")
ENTRY = LogEntry(
    *(7, bytes(range(32)), "dsse", "0.0.1", 1_700_000_000, b"promise\xff"),
    InclusionProof(3, 8, bytes(32), (bytes(32), bytes(range(32))), "log.example\n8\nhash\n"),
    b'{"kind":"dsse"}',
)
LOG = {
    "SignedEntryTimestamp": base64.b64encode(b"promise\xff").decode(),
    "Payload": {"body": "e30=", "integratedTime": 1_700_000_000, "logIndex": 7, "logID": bytes(range(32)).hex()},
}


def _with_data(document: bytes) -> bytes:
    """The document whose descriptors have their content in them."""
    data = base64.b64encode(CONTENT)
    return document.replace(b'"mediaType":"application/wasm"', b'"mediaType":"application/wasm","data":"%s"' % data)


def _with_every_member(statement: bytes) -> bytes:
    """The statement whose subject has all that a subject may have."""
    more = b'"uri":"x:y","content":"e30=","downloadLocation":"z","mediaType":"a/b","annotations":{"a":["b"]}'
    return statement.replace(b'"subject":[{', b'"subject":[{%s,' % more)


def _logged_bundle() -> bytes:
    document = json.loads(bundle(ENVELOPE, "hint"))
    document["verificationMaterial"]["tlogEntries"] = [ENTRY.to_json()]
    return json.dumps(document, separators=(",", ":")).encode()


def _without_data(value: Any) -> Any:
    """Descriptors as we keep them: content in them is what the digest says, and no more is known of it."""
    if isinstance(value, list):
        return [_without_data(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "data" in value and "digest" in value:
        assert f"sha256:{sha256(base64.b64decode(value['data'])).hexdigest()}" == value["digest"]
    return {name: _without_data(member) for name, member in value.items() if name != "data"}


def _go_document(media_type: str) -> Callable[[Json], Json]:
    return lambda value: {"mediaType": media_type, **_without_data(value)}


def _our_envelope(envelope: Envelope) -> Json:
    return {"payload": envelope.payload, "signature": envelope.signature}


def _go_envelope(value: Json) -> Json:
    (signature,) = value["signatures"]
    assert value["payloadType"] == "application/vnd.in-toto+json"
    assert not signature.get("keyid")
    return {
        "payload": base64.b64decode(value.get("payload", "")),
        "signature": base64.b64decode(signature.get("sig", "")),
    }


def _our_bundle(document: bytes) -> Json:
    parsed = parse_bundle(document)
    entries = [LogEntry.parse(entry) for entry in parsed.log_entries]
    return {**_our_envelope(parsed.envelope), "certificate": parsed.has_certificate, "entries": entries}


def _go_bundle(value: Json) -> Json:
    material = value["verificationMaterial"]
    entries = parse_object(json.dumps(material).encode(), "Go's bundle", LIMIT)
    assert value["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    return {
        **_go_envelope(value["dsseEnvelope"]),
        "certificate": "certificate" in material,
        "entries": [LogEntry.parse(entry) for entry in entries.objects("tlogEntries", 9)]
        if "tlogEntries" in material
        else [],
    }


def _our_statement(document: bytes) -> Json:
    statement = Statement.parse(document)
    return {
        "subjects": statement.subjects,
        "type": statement.predicate_type,
        "predicate": _with_floats(statement.predicate.members()),
    }


def _go_statement(value: Json) -> Json:
    return {
        "subjects": {subject.get("digest", {}).get("sha256", "") for subject in value.get("subject", [])},
        "type": value.get("predicateType", ""),
        "predicate": _with_floats(value["predicate"]),
    }


def _with_floats(value: Any) -> Any:
    """A predicate as protobuf has it: with floating-point numbers only."""
    if isinstance(value, dict):
        return {name: _with_floats(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_floats(item) for item in value]
    return float(value) if type(value) is int else value


def _go_signature(value: Json) -> Json:
    assert value["predicateType"] == "https://sigstore.dev/cosign/sign/v1"
    (subject,) = [one for one in value["subject"] if one["digest"].get("sha256") == SUBJECT.hex]
    return _texts(subject.get("annotations"))


def _texts(value: Json | None) -> Json:
    return {name: text for name, text in (value or {}).items() if isinstance(text, str)}


def _our_payload(document: bytes) -> Json:
    annotations, reference = check_payload(document, SUBJECT)
    return {"optional": annotations, "reference": reference or ""}


def _go_payload(value: Json) -> Json:
    critical = value["critical"]
    assert critical["image"]["docker-manifest-digest"] == str(SUBJECT)
    return {"optional": _texts(value["optional"]), "reference": critical["identity"]["docker-reference"]}


def _go_log(value: Json) -> LegacyBundle:
    return LegacyBundle.parse(json.dumps(value))


def _our_layout(folder: Path) -> Callable[[bytes], Json]:
    (folder / "index.json").write_bytes(Index((Descriptor.of(MANIFEST_MEDIA_TYPE, b"{}"),)).to_bytes())

    def read(document: bytes) -> Json:
        (folder / "oci-layout").write_bytes(document)
        Layout(folder)
        return {"imageLayoutVersion": "1.0.0"}

    return read


def _read_manifest(document: bytes) -> Json:
    parsed: Json = json.loads(Manifest.parse(document).to_bytes())
    return parsed


def _read_index(document: bytes) -> Json:
    parsed: Json = json.loads(Index.parse(document).to_bytes())
    return parsed


# The decoder in Go, a document, what we read in it, and the same of what Go has read.
KINDS: Mapping[str, tuple[str, bytes, Callable[[bytes], object], Callable[[Json], object]]] = {
    "manifest": ("manifest", _with_data(MANIFEST.to_bytes()), _read_manifest, _go_document(MANIFEST_MEDIA_TYPE)),
    "manifest-crane": (
        *("manifest-crane", _with_data(MANIFEST.to_bytes())),
        *(_read_manifest, _go_document(MANIFEST_MEDIA_TYPE)),
    ),
    "index": ("index", _with_data(INDEX.to_bytes()), _read_index, _go_document(INDEX_MEDIA_TYPE)),
    "index-crane": ("index-crane", _with_data(INDEX.to_bytes()), _read_index, _go_document(INDEX_MEDIA_TYPE)),
    "envelope": (
        *("envelope", json.dumps(ENVELOPE.to_json()).encode()),
        *(lambda document: _our_envelope(Envelope.parse(parse_object(document, "it", LIMIT))), _go_envelope),
    ),
    "bundle": ("bundle", _logged_bundle(), _our_bundle, _go_bundle),
    "statement": (
        *("statement", _with_every_member(attestation(SUBJECT, "a/b", "https://x/y", PREDICATE))),
        *(_our_statement, _go_statement),
    ),
    "signature": (
        *("statement", signature_statement(SUBJECT, ANNOTATIONS)),
        *(lambda document: signed_annotations(document, SUBJECT), _go_signature),
    ),
    "payload": ("payload", payload(SUBJECT, "host/a", ANNOTATIONS), _our_payload, _go_payload),
    "log": ("log", json.dumps(LOG).encode(), lambda document: LegacyBundle.parse(document.decode()), _go_log),
}


def ask_go(kind: str, documents: Sequence[bytes]) -> list[Json]:
    questions = [json.dumps({"kind": kind, "document": base64.b64encode(one).decode()}) for one in documents]
    answers = subprocess.run(
        [program("go-decoders")], input="\n".join(questions), capture_output=True, check=True, text=True, timeout=120
    ).stdout.splitlines()
    assert len(answers) == len(documents)
    return [json.loads(answer) for answer in answers]


def check(
    kind: str, document: bytes, ours: Callable[[bytes], object], of_go: Callable[[Json], object]
) -> tuple[int, list[str]]:
    """How many variants of the document we accept, and those of them in which Go reads something else."""
    accepted = []
    for what, changed in variants(document):
        try:
            accepted.append((what, changed, ours(changed)))
        except (Error, UnicodeDecodeError):
            continue
    differing = []
    for (what, changed, expected), answer in zip(
        accepted, ask_go(kind, [changed for _, changed, _ in accepted]), strict=True
    ):
        try:
            read = of_go(answer["value"])
        except (Error, AssertionError, KeyError, TypeError, ValueError) as error:
            read = f"{error!r} of {answer}"
        if read != expected:
            differing.append(f"{what}: {changed[:1000]!r}\n  ours: {expected}\n  Go's: {read}")
    return len(accepted), differing


@pytest.mark.parametrize("name", KINDS)
def test_go_reads_the_same(name: str) -> None:
    accepted, differing = check(*KINDS[name])
    assert accepted > 10
    assert not differing, "\n".join(differing)


def test_go_reads_the_same_in_the_marker_of_a_layout(tmp_path: Path) -> None:
    accepted, differing = check("layout", b'{"imageLayoutVersion":"1.0.0"}', _our_layout(tmp_path), lambda value: value)
    assert accepted > 3
    assert not differing, "\n".join(differing)
