"""Trusted roots, signing configurations, log entries and checkpoints: what is read, and what is refused."""

import json

import pytest

from image_fixtures import PUBLIC_KEY, Edit, edited
from log_entry_fixtures import URL, legacy_entry, logged_v1, logged_v2, parsed
from sigstore_fixtures import Sigstore
from sigstore_log_fixtures import Json, text
from wasmoci.keys.image import FileKey, ImagePublicKey
from wasmoci.transparency.checkpoint import MAX_CHECKPOINT_SIZE, MAX_SIGNATURES, Checkpoint
from wasmoci.transparency.log_entry import MAX_BODY_SIZE, LegacyBundle, LogEntry
from wasmoci.transparency.merkle import MAX_PROOF_HASHES
from wasmoci.transparency.signing_config import Service, parse_signing_config
from wasmoci.transparency.trusted_root import MAX_LOGS, MAX_TRUSTED_ROOT_SIZE, Validity, parse_trusted_root
from wasmoci.values.errors import FormatError, LimitError, UsageError
from wasmoci.values.strict_json import dump, parse_object

SIGSTORE = Sigstore()
ROOT = dump(SIGSTORE.trusted_root(URL))
V1, V2 = logged_v1(SIGSTORE.rekor1), logged_v2(SIGSTORE.rekor2)
ED25519 = ImagePublicKey.of(FileKey.generate("ed25519").public_key)
P384 = ImagePublicKey.of(FileKey.generate("ecdsa-p384").public_key)


def log(**changes: object) -> Edit:
    return lambda root: root["tlogs"][0].update(changes)


def key(**changes: object) -> Edit:
    return lambda root: root["tlogs"][0]["publicKey"].update(changes)


START = "2026-01-31T12:00:00Z"


def valid(**window: object) -> Edit:
    return key(validFor=window)


def test_a_trusted_root_has_its_logs() -> None:
    first, second = parse_trusted_root(ROOT)
    assert (first.base_url, first.log_id) == (URL, SIGSTORE.rekor1.identifier)
    assert (second.base_url, second.log_id) == (f"{URL}/rekor2", SIGSTORE.rekor2.identifier)


@pytest.mark.parametrize("version", ["+json;version=0.1", "+json;version=0.2", ".v0.2+json"])
def test_versions_of_the_trusted_root(version: str) -> None:
    media_type = f"application/vnd.dev.sigstore.trustedroot{version}"
    assert len(parse_trusted_root(edited(ROOT, lambda root: root.update(mediaType=media_type)))) == 2


def test_a_log_may_sign_with_ed25519() -> None:
    change = key(rawBytes=text(ED25519.spki), keyDetails="PKIX_ED25519")
    assert parse_trusted_root(edited(ROOT, change))[0].key == ED25519


def test_a_log_with_another_type_of_key_is_not_trusted() -> None:
    (left,) = parse_trusted_root(edited(ROOT, key(keyDetails="PKIX_ECDSA_P384_SHA_384")))
    assert left.log_id == SIGSTORE.rekor2.identifier


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(lambda root: root.update(mediaType="x"), "`mediaType` must be", id="media_type"),
        pytest.param(lambda root: root.pop("mediaType"), "is missing", id="no_media_type"),
        pytest.param(lambda root: root.pop("tlogs"), "is missing", id="no_logs"),
        pytest.param(lambda root: root.update(tlogs=[]), "has no transparency log", id="empty_logs"),
        pytest.param(lambda root: root["tlogs"].append(root["tlogs"][0]), "the same id", id="log_twice"),
        pytest.param(lambda root: root.update(tlogs=root["tlogs"] * (MAX_LOGS // 2 + 1)), "limit is 100", id="limit"),
        pytest.param(log(hashAlgorithm="SHA2_512"), "must be SHA2_256", id="hash_algorithm"),
        pytest.param(log(logId={"keyId": text(b"x" * 31)}), "must have 32 bytes, got: 31", id="short_id"),
        pytest.param(log(baseUrl=None), "must be a string", id="no_url"),
        pytest.param(log(publicKey=None), "must be a JSON object", id="no_key"),
        pytest.param(key(rawBytes=text(b"x")), "public key", id="key_is_none"),
        pytest.param(key(rawBytes=text(P384.spki)), "is not one of PKIX_ECDSA_P256", id="key_of_another_curve"),
        pytest.param(key(rawBytes=text(ED25519.spki)), "is not one of PKIX_ECDSA_P256", id="key_of_another_type"),
        pytest.param(key(rawBytes=text(PUBLIC_KEY.pem())), "is not one of", id="key_in_pem"),
        pytest.param(lambda root: root["tlogs"][0]["publicKey"].pop("validFor"), "is missing", id="no_validity"),
        pytest.param(valid(start="2026-01-31"), "must be a time such as", id="date"),
        pytest.param(valid(start="2026-01-31T12:00:00+01:00"), "must be a time such as", id="time_zone"),
        pytest.param(valid(start=START, end="2026-02-31T12:00:00Z"), "must be a time such as", id="no_such_day"),
        pytest.param(valid(start=START, end=f"{START}\n"), "must be a time such as", id="newline"),
        pytest.param(valid(start=START, end=1), "must be a string", id="number"),
        pytest.param(valid(end=START), "has no `start`", id="no_start"),
        pytest.param(valid(start=None), "has no `start`", id="start_is_null"),
    ],
)
def test_a_defective_trusted_root_is_refused(edit: Edit, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_trusted_root(edited(ROOT, edit))


def test_a_trusted_root_is_bounded() -> None:
    padded = ROOT + b" " * (MAX_TRUSTED_ROOT_SIZE - len(ROOT))
    parse_trusted_root(padded)
    with pytest.raises(LimitError, match="the limit is"):
        parse_trusted_root(padded + b" ")


@pytest.mark.parametrize("window", [{"start": START}, {"start": START, "end": None}])
def test_the_end_of_a_validity_may_be_open(window: Json) -> None:
    first, _ = parse_trusted_root(edited(ROOT, key(validFor=window)))
    assert first.validity.end is None


@pytest.mark.parametrize("time", ["1970-01-01T00:01:00Z", "1970-01-01T00:01:00.999Z", "1970-01-01T00:01:00.123456789Z"])
def test_both_ends_of_a_validity_are_in_it(time: str) -> None:
    window = Validity.parse(parsed({"start": time, "end": time}))
    assert [window.includes(seconds) for seconds in (59, 60, 61)] == [False, True, False]


@pytest.mark.parametrize("entry", [V1, V2], ids=["v1", "v2"])
def test_an_entry_is_written_as_it_was_read(entry: Json) -> None:
    written = LogEntry.parse(parsed(entry)).to_json()
    assert written == entry
    assert list(written) == [name for name in ORDER if name in entry]


ORDER = (
    "logIndex",
    "logId",
    "kindVersion",
    "integratedTime",
    "inclusionPromise",
    "inclusionProof",
    "canonicalizedBody",
)


def test_what_protobuf_leaves_out_is_zero() -> None:
    entry = json.loads(dump(V2))
    del entry["logIndex"]
    for name in ("logIndex", "treeSize", "hashes"):
        del entry["inclusionProof"][name]
    found = LogEntry.parse(parsed(entry))
    assert (found.index, found.proof.index, found.proof.tree_size, found.proof.hashes) == (0, 0, 0, ())
    assert found.to_json()["logIndex"] == "0"


def proof(**changes: object) -> Edit:
    return lambda entry: entry["inclusionProof"].update(changes)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(lambda entry: entry.update(other=1), "the name 'other' is unknown", id="unknown_member"),
        pytest.param(lambda entry: entry["logId"].update(a=1), "the name 'a' is unknown", id="unknown_in_id"),
        pytest.param(lambda entry: entry["kindVersion"].update(a=1), "the name 'a' is unknown", id="unknown_in_kind"),
        pytest.param(
            lambda entry: entry["inclusionPromise"].update(a=1), "the name 'a' is unknown", id="unknown_in_promise"
        ),
        pytest.param(proof(a=1), "the name 'a' is unknown", id="unknown_in_proof"),
        pytest.param(
            proof(checkpoint={"envelope": "x", "a": 1}), "the name 'a' is unknown", id="unknown_in_checkpoint"
        ),
        pytest.param(lambda entry: entry.pop("inclusionProof"), "is missing", id="no_proof"),
        pytest.param(lambda entry: entry.update(inclusionProof=None), "must be a JSON object", id="proof_is_null"),
        pytest.param(lambda entry: entry["inclusionProof"].pop("checkpoint"), "is missing", id="no_checkpoint"),
        pytest.param(lambda entry: entry.pop("canonicalizedBody"), "is missing", id="no_body"),
        pytest.param(lambda entry: entry.update(canonicalizedBody=""), "is empty", id="empty_body"),
        pytest.param(
            lambda entry: entry.update(canonicalizedBody=text(b"x" * (MAX_BODY_SIZE + 1))), "the limit is", id="body"
        ),
        pytest.param(lambda entry: entry.update(logIndex=1), "must be a string", id="number_for_text"),
        pytest.param(lambda entry: entry.update(logIndex="-1"), "a whole number", id="negative"),
        pytest.param(lambda entry: entry.update(logIndex="01"), "a whole number", id="leading_zero"),
        pytest.param(lambda entry: entry.update(logIndex="1 "), "a whole number", id="space"),
        pytest.param(lambda entry: entry.update(logIndex="\u0661"), "a whole number", id="other_digits"),
        pytest.param(lambda entry: entry.update(logIndex=str(2**53)), "a whole number", id="too_large"),
        pytest.param(lambda entry: entry.update(logIndex="9" * 5000), "a whole number", id="5000_digits"),
        pytest.param(lambda entry: entry.update(integratedTime="x"), "a whole number", id="time"),
        pytest.param(
            lambda entry: entry["inclusionPromise"].update(signedEntryTimestamp=""), "is empty", id="empty_promise"
        ),
        pytest.param(lambda entry: entry["logId"].update(keyId=text(b"x")), "must have 32 bytes", id="short_id"),
        pytest.param(lambda entry: entry["logId"].update(keyId="_" * 43 + "="), "not base64", id="url_safe_id"),
        pytest.param(proof(rootHash=text(b"x" * 33)), "must have 32 bytes", id="long_root"),
        pytest.param(proof(hashes=[text(b"x" * 31)]), "must have 32 bytes", id="short_hash"),
        pytest.param(proof(hashes=[1]), "must be a list of strings", id="hash_is_a_number"),
        pytest.param(proof(hashes=[text(b"x" * 32)] * (MAX_PROOF_HASHES + 1)), "the limit is 64", id="65_hashes"),
        pytest.param(proof(treeSize="1.0"), "a whole number", id="tree_size"),
    ],
)
def test_a_defective_entry_is_refused(edit: Edit, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        LogEntry.parse(parse_object(edited(dump(V1), edit), "the entry", 2**20))


def test_an_entry_at_its_limits_is_read() -> None:
    def enlarge(entry: Json) -> None:
        entry["logIndex"] = str(2**53 - 1)
        entry["canonicalizedBody"] = text(b"x" * MAX_BODY_SIZE)
        entry["inclusionProof"]["hashes"] = [text(b"x" * 32)] * MAX_PROOF_HASHES

    found = LogEntry.parse(parse_object(edited(dump(V1), enlarge), "the entry", 2**20))
    assert (found.index, len(found.body), len(found.proof.hashes)) == (2**53 - 1, MAX_BODY_SIZE, 64)


NOTE = SIGSTORE.rekor1.checkpoint()
SIGNATURE_LINE = NOTE.split("\n\n")[1]
ROOT_HASH = text(b"r" * 32)


def test_a_checkpoint_is_read() -> None:
    found = Checkpoint.parse(f"log.example\n7\n{ROOT_HASH}\nmore\n\n{SIGNATURE_LINE}{SIGNATURE_LINE}")
    assert (found.origin, found.tree_size, found.root) == ("log.example", 7, b"r" * 32)
    assert found.signed == f"log.example\n7\n{ROOT_HASH}\nmore\n".encode()
    assert [(one.name, one.key_hint) for one in found.signatures] == [
        ("rekor.example", SIGSTORE.rekor1.identifier[:4])
    ] * 2


def note(origin: str = "log.example", size: str = "7", root: str = ROOT_HASH, below: str = SIGNATURE_LINE) -> str:
    return f"{origin}\n{size}\n{root}\n\n{below}"


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        pytest.param("", "has an empty line", id="empty"),
        pytest.param("log.example\n7\n", "has an empty line", id="no_signatures"),
        pytest.param(note(below=""), "end with a newline", id="empty_signatures"),
        pytest.param(note(below=SIGNATURE_LINE.rstrip()), "end with a newline", id="no_newline_at_the_end"),
        pytest.param(f"log.example\n7\n\n{SIGNATURE_LINE}", "an origin, a tree size", id="two_lines"),
        pytest.param(note(origin=""), "an origin, a tree size", id="no_origin"),
        pytest.param(note(size="-7"), "the tree size", id="negative_size"),
        pytest.param(note(size="07"), "the tree size", id="leading_zero"),
        pytest.param(note(size="7.0"), "the tree size", id="fraction"),
        pytest.param(note(size="\u0667"), "the tree size", id="other_digits"),
        pytest.param(note(size=str(2**53)), "the tree size", id="too_large"),
        pytest.param(note(size="9" * 5000), "the tree size", id="5000_digits"),
        pytest.param(note(root="x"), "not base64", id="root_is_not_base64"),
        pytest.param(note(root=text(b"r" * 31)), "must have 32 bytes, got: 31", id="short_root"),
        pytest.param(note(below="- a QUJDREVG\n"), "is not `— NAME SIGNATURE`", id="hyphen"),
        pytest.param(note(below="\u2014 a b QUJDREVG\n"), "is not `— NAME SIGNATURE`", id="name_with_space"),
        pytest.param(note(below="\u2014 a !\n"), "is not `— NAME SIGNATURE`", id="signature_is_not_base64"),
        pytest.param(note(below="\u2014 a QUJDREV=\n"), "is not base64", id="signature_with_unused_bits"),
        pytest.param(note(below="\u2014 a QUJDRA==\n"), "too few bytes", id="four_bytes"),
        pytest.param(note(below=f"{SIGNATURE_LINE}\n"), "is not `— NAME SIGNATURE`", id="empty_signature_line"),
        pytest.param(note(below=f"\n{SIGNATURE_LINE}"), "is not `— NAME SIGNATURE`", id="two_empty_lines"),
        pytest.param(note(below=SIGNATURE_LINE * (MAX_SIGNATURES + 1)), "the limit is 32", id="33_signatures"),
        pytest.param(note().replace("\n", "\r\n"), "has an empty line", id="carriage_returns"),
    ],
)
def test_sigstore_python_1826_a_malformed_checkpoint_is_refused(checkpoint: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Checkpoint.parse(checkpoint)


def test_a_checkpoint_is_bounded() -> None:
    assert len(Checkpoint.parse(note(below=SIGNATURE_LINE * MAX_SIGNATURES)).signatures) == MAX_SIGNATURES
    largest = note(origin="x" * (MAX_CHECKPOINT_SIZE - len(note(origin=""))))
    Checkpoint.parse(largest)
    with pytest.raises(LimitError, match="the limit is 16384"):
        Checkpoint.parse(f"x{largest}")


LEGACY = dump(legacy_entry(SIGSTORE.rekor1, b"{}", b"x"))


def legacy(**changes: object) -> Edit:
    return lambda top: top["Payload"].update(changes)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(lambda top: top.pop("Payload"), "is missing", id="no_payload"),
        pytest.param(lambda top: top.pop("SignedEntryTimestamp"), "is missing", id="no_promise"),
        pytest.param(lambda top: top.update(SignedEntryTimestamp="x"), "not base64", id="promise"),
        pytest.param(legacy(body="x"), "not base64", id="body"),
        pytest.param(legacy(integratedTime="1"), "whole number", id="time_is_text"),
        pytest.param(legacy(integratedTime=-1), "whole number", id="negative_time"),
        pytest.param(legacy(logIndex=None), "whole number", id="index_is_null"),
        pytest.param(legacy(logID="AB" * 32), "64 lower-case hex", id="upper_case_id"),
        pytest.param(legacy(logID="ab"), "64 lower-case hex", id="short_id"),
        pytest.param(legacy(body=text(b"x" * 2 * MAX_BODY_SIZE)), "the limit is", id="too_large"),
    ],
)
def test_a_defective_legacy_entry_is_refused(edit: Edit, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        LegacyBundle.parse(edited(LEGACY, edit).decode())


def service(url: str, version: int = 1, operator: str = "a", start: str | None = None, end: str | None = None) -> Json:
    window = {name: time for name, time in (("start", start), ("end", end)) if time}
    return {"url": url, "majorApiVersion": version, "validFor": window, "operator": operator}


def config(*services: Json, selector: str = "ALL", **more: object) -> bytes:
    choice: Json = {"selector": selector, **more}
    media_type = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
    return dump({"mediaType": media_type, "rekorTlogUrls": list(services), "rekorTlogConfig": choice})


def selected(data: bytes, versions: tuple[int, ...] = (1, 2), now: float = 1e9) -> list[str]:
    return [one.url for one in parse_signing_config(data).logs.select(versions, now)]


OLD, NEW = "1990-01-01T00:00:00Z", "1995-01-01T00:00:00Z"
PAST, FUTURE = "1999-01-01T00:00:00Z", "2030-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("data", "urls"),
    [
        pytest.param(config(service("v1"), service("v2", 2)), ["v2"], id="highest_version"),
        pytest.param(config(service("v1"), service("v3", 3)), ["v1"], id="unknown_version_is_passed_over"),
        pytest.param(config(service("v1"), service("v2", 2, end=PAST)), ["v1"], id="ended"),
        pytest.param(config(service("v1"), service("v2", 2, start=FUTURE)), ["v1"], id="not_started"),
        pytest.param(config(service("old", start=OLD), service("new", start=NEW)), ["new"], id="newest_of_an_operator"),
        pytest.param(
            config(service("new", start=NEW), service("old", start=OLD)), ["new"], id="newest_whatever_the_order"
        ),
        pytest.param(
            config(service("old", start=OLD), service("new", operator="b", start=NEW)),
            ["new", "old"],
            id="all_operators",
        ),
        pytest.param(
            config(service("old", start=OLD), service("new", operator="b", start=NEW), selector="ANY"),
            ["new"],
            id="any",
        ),
        pytest.param(
            config(
                service("old", start=OLD),
                service("middle", operator="b", start="1993-01-01T00:00:00Z"),
                service("new", start=NEW),
            ),
            ["new", "middle"],
            id="newest_first",
        ),
        pytest.param(
            config(service("a"), service("b", operator="b"), service("c", operator="c"), selector="EXACT", count=2),
            ["a", "b"],
            id="exact",
        ),
    ],
)
def test_the_logs_of_a_signing_configuration(data: bytes, urls: list[str]) -> None:
    assert selected(data) == urls


def test_a_service_may_have_no_operator() -> None:
    data = config({**service("a"), "operator": None})
    assert parse_signing_config(data).logs.services == (Service("a", 1, Validity(None, None), ""),)


@pytest.mark.parametrize(
    ("data", "versions"),
    [
        pytest.param(config(service("v2", 2)), (1,), id="no_log_of_the_version"),
        pytest.param(config(service("v1", end=PAST)), (1, 2), id="ended"),
        pytest.param(config(), (1, 2), id="empty"),
        pytest.param(config(service("a"), service("b"), selector="EXACT", count=2), (1, 2), id="one_operator_of_two"),
    ],
)
def test_too_few_logs_are_a_usage_error(data: bytes, versions: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"wants [12] transparency logs, and it has [01]"):
        selected(data, versions)


def test_a_configuration_without_logs_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="has no transparency log"):
        parse_signing_config(edited(config(), lambda top: top.pop("rekorTlogUrls")))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(edited(config(), lambda top: top.update(mediaType="x")), "`mediaType` must be", id="media_type"),
        pytest.param(edited(config(), lambda top: top.pop("rekorTlogConfig")), "is missing", id="no_config"),
        pytest.param(edited(config(), lambda top: top.update(rekorTlogConfig={})), "is missing", id="no_selector"),
        pytest.param(config(selector="MANY"), "must be ALL, ANY, or EXACT", id="unknown_selector"),
        pytest.param(config(selector="EXACT", count=0), "must be ALL, ANY, or EXACT", id="exactly_none"),
        pytest.param(config(selector="EXACT"), "`count` is missing", id="no_count"),
        pytest.param(config(selector="EXACT", count="1"), "whole number", id="count_is_text"),
        pytest.param(config({"url": "a"}), "`majorApiVersion` is missing", id="no_version"),
        pytest.param(config({**service("a"), "validFor": None}), "must be a JSON object", id="no_validity"),
        pytest.param(config(*[service("a")] * 101), "the limit is 100", id="101_services"),
        pytest.param(config() + b" " * 2**20, "the limit is 1048576", id="too_large"),
    ],
)
def test_a_defective_signing_configuration_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_signing_config(data)
