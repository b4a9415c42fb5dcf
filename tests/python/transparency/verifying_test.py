"""Transparency log entries of keyed signatures: what holds, and everything that must not."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

import rekor_public_fixtures as public
from image_fixtures import OTHER_PUBLIC_KEY, OTHER_SIGNER, PUBLIC_KEY, SIGNER, Edit, envelope_of
from log_entry_fixtures import (
    ENVELOPE,
    URL,
    Ed25519Log,
    Ed25519Sigstore,
    legacy_entry,
    logged_intoto,
    logged_message,
    logged_v1,
    logged_v2,
    parsed,
    trusted_logs,
)
from sigstore_certificate_fixtures import now
from sigstore_fixtures import Sigstore, timestamp
from sigstore_log_fixtures import Json, Log, text
from sigstore_timestamp_fixtures import TimestampAuthority
from wasmoci.cosign.dsse import Envelope
from wasmoci.keys.image import FileKey, ImagePublicKey, ImageSigner, parse_public_key
from wasmoci.transparency.trusted_root import parse_trusted_root
from wasmoci.transparency.verifying import MAX_CLOCK_SKEW_SECONDS, TrustedLogs
from wasmoci.values.errors import Error, FormatError, LimitError, Reason, UsageError, VerificationError
from wasmoci.values.strict_json import dump

SIGSTORE = Sigstore()
LOGS = trusted_logs(SIGSTORE)
V1, V2 = logged_v1(SIGSTORE.rekor1), logged_v2(SIGSTORE.rekor2)

LOGGERS = {1: logged_v1, 2: logged_v2}


def refusal(logs: TrustedLogs, *entries: Json, envelope: Envelope = ENVELOPE, key: ImagePublicKey = PUBLIC_KEY) -> str:
    """Why the entries do not prove that `envelope` is logged."""
    with pytest.raises(VerificationError) as refused:
        logs.verify([parsed(entry) for entry in entries], envelope, key)
    assert refused.value.reason is Reason.NOT_LOGGED
    return str(refused.value)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(V1, id="dsse_v1"),
        pytest.param(V2, id="hashedrekord_v2"),
        pytest.param(logged_intoto(SIGSTORE.rekor1), id="intoto_v1"),
        pytest.param(
            logged_message(SIGSTORE.rekor1, ENVELOPE.signed_message, ENVELOPE.signature), id="hashedrekord_v1"
        ),
    ],
)
def test_an_entry_of_exactly_this_signature_holds(entry: Json) -> None:
    LOGS.verify([parsed(entry)], ENVELOPE, PUBLIC_KEY)


def test_entries_of_several_logs_hold_together() -> None:
    LOGS.verify([parsed(V1), parsed(V2)], ENVELOPE, PUBLIC_KEY)


def test_an_entry_of_the_public_log_holds() -> None:
    root = {"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs": [public.LOG]}
    logs = TrustedLogs(parse_trusted_root(dump(root)))
    body = json.loads(base64.b64decode(public.ENTRY["canonicalizedBody"]))
    stated = body["spec"]["content"]["envelope"]["signatures"][0]["publicKey"]
    key = parse_public_key(base64.b64decode(stated))
    envelope = Envelope(base64.b64decode(public.PAYLOAD), base64.b64decode(public.SIGNATURE))
    key.verify(envelope.signature, envelope.signed_message)
    logs.verify([parsed(public.ENTRY)], envelope, key)
    assert "another key" in refusal(logs, public.ENTRY, envelope=envelope)


def test_without_any_entry_nothing_is_logged() -> None:
    assert "in transparency logs: 1, it is in: 0" in refusal(LOGS)


@pytest.mark.parametrize("kind", ["ecdsa-p384", "ecdsa-p521", "rsa-2048", "rsa-3072", "ed25519"])
def test_rekor_v1_logs_keys_of_every_type(kind: str) -> None:
    signer = ImageSigner(FileKey.generate(kind))
    envelope = envelope_of(b"{}", signer)
    LOGS.verify([parsed(logged_v1(SIGSTORE.rekor1, envelope, signer.public_key))], envelope, signer.public_key)


@pytest.mark.parametrize(
    ("kind", "details"),
    [("rsa-2048", "PKIX_RSA_PKCS1V15_2048_SHA256"), ("rsa-3072", "PKIX_RSA_PKCS1V15_3072_SHA256")],
)
def test_rekor_v2_logs_rsa_keys(kind: str, details: str) -> None:
    signer = ImageSigner(FileKey.generate(kind))
    envelope = envelope_of(b"{}", signer)
    entry = logged_v2(SIGSTORE.rekor2, envelope, signer.public_key, details=details)
    LOGS.verify([parsed(entry)], envelope, signer.public_key)


def test_a_log_that_signs_with_ed25519() -> None:
    log = Ed25519Log(2, "127.0.0.1")
    logs = trusted_logs(Ed25519Sigstore(rekor2=log))
    entry = logged_v2(log)
    logs.verify([parsed(entry)], ENVELOPE, PUBLIC_KEY)
    forged = with_note(entry, lambda note: note.replace(note.split()[-1], text(log.identifier[:4] + b"x" * 64)))
    assert "checkpoint's signature is not by" in refusal(logs, forged)


def test_rekor_v2_does_not_log_keys_that_do_not_sign_a_digest() -> None:
    signer = ImageSigner(FileKey.generate("ed25519"))
    envelope = envelope_of(b"{}", signer)
    entry = logged_v2(SIGSTORE.rekor2, envelope, signer.public_key, details="PKIX_ED25519")
    assert "does not log" in refusal(LOGS, entry, envelope=envelope, key=signer.public_key)


@pytest.mark.parametrize("rekor", [1, 2])
def test_cve_2022_23649_the_mere_presence_of_an_entry_proves_nothing(rekor: int) -> None:
    stranger = envelope_of(b"{}", OTHER_SIGNER)
    entry = LOGGERS[rekor](SIGSTORE.log(rekor), stranger, OTHER_PUBLIC_KEY)
    LOGS.verify([parsed(entry)], stranger, OTHER_PUBLIC_KEY)
    refusal(LOGS, entry)


@pytest.mark.parametrize("rekor", [1, 2])
def test_cve_2026_22703_an_entry_of_another_artifact_by_the_same_key_proves_nothing(rekor: int) -> None:
    entry = LOGGERS[rekor](SIGSTORE.log(rekor), envelope_of(b'{"another":"statement"}'))
    assert "not of this signature" in refusal(LOGS, entry)


@pytest.mark.parametrize("rekor", [1, 2])
def test_cve_2024_51746_an_entry_of_another_signature_of_the_same_payload_proves_nothing(rekor: int) -> None:
    # The log does not look: Rekor would refuse a signature that is none.
    entry = LOGGERS[rekor](SIGSTORE.log(rekor), Envelope(ENVELOPE.payload, SIGNER.sign(b"another message")))
    assert "not of this signature" in refusal(LOGS, entry)


@pytest.mark.parametrize("rekor", [1, 2])
def test_an_entry_of_the_same_signature_under_another_key_proves_nothing(rekor: int) -> None:
    refusal(LOGS, LOGGERS[rekor](SIGSTORE.log(rekor), ENVELOPE, OTHER_PUBLIC_KEY))


@pytest.mark.parametrize("good_first", [True, False])
def test_a_foreign_entry_beside_a_good_one_refuses_both(good_first: bool) -> None:
    foreign = logged_v2(SIGSTORE.rekor2, envelope_of(b"{}"))
    refusal(LOGS, *((V1, foreign) if good_first else (foreign, V1)))


def test_an_entry_of_an_unknown_log_beside_a_good_one_refuses_both() -> None:
    unknown = logged_v2(Log(2, "127.0.0.1"))
    assert "is not in the trusted root" in refusal(LOGS, V1, unknown)


def test_cve_2026_49834_one_log_cannot_meet_a_threshold_of_two() -> None:
    two = trusted_logs(SIGSTORE, threshold=2)
    two.verify([parsed(V1), parsed(V2)], ENVELOPE, PUBLIC_KEY)
    assert "it is in: 1" in refusal(two, V1, V1)
    assert "it is in: 1" in refusal(two, V1, logged_v1(SIGSTORE.rekor1), logged_intoto(SIGSTORE.rekor1))


def test_cve_2026_49834_one_key_under_two_ids_counts_once() -> None:
    def second_id(root: Json) -> None:
        root["tlogs"].append({**root["tlogs"][0], "logId": {"keyId": text(b"x" * 32)}})

    logs = trusted_logs(SIGSTORE, second_id, threshold=2)
    entry = logged_v1(SIGSTORE.rekor1)
    renamed = {**entry, "logId": {"keyId": text(b"x" * 32)}}
    hint = base64.b64decode(entry["inclusionProof"]["checkpoint"]["envelope"].split()[-1])
    note = entry["inclusionProof"]["checkpoint"]["envelope"].replace(text(hint), text(b"xxxx" + hint[4:]))
    renamed["inclusionProof"] = {**entry["inclusionProof"], "checkpoint": {"envelope": note}}
    body, time, index = (entry["canonicalizedBody"], int(entry["integratedTime"]), int(entry["logIndex"]))
    members = {"body": body, "integratedTime": time, "logID": (b"x" * 32).hex(), "logIndex": index}
    renamed["inclusionPromise"] = {"signedEntryTimestamp": text(SIGSTORE.rekor1.sign(dump(members)))}
    trusted_logs(SIGSTORE, second_id).verify([parsed(renamed)], ENVELOPE, PUBLIC_KEY)
    assert "it is in: 1" in refusal(logs, entry, renamed)


@pytest.mark.parametrize("threshold", [-1, 0, 3])
def test_a_threshold_that_means_nothing_is_refused(threshold: int) -> None:
    with pytest.raises(UsageError, match="threshold"):
        trusted_logs(SIGSTORE, threshold=threshold)


def validity(rekor: int, **window: timedelta) -> Edit:
    """Sets when the log's key is valid, relative to now."""
    times = {name: timestamp(now() + offset) for name, offset in window.items()}
    return lambda root: root["tlogs"][rekor - 1]["publicKey"].update(validFor=times)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize(
    "window",
    [
        pytest.param({"start": HOUR}, id="starts_later"),
        pytest.param({"start": -2 * HOUR, "end": -HOUR}, id="ended_before"),
    ],
)
def test_cve_2026_54787_the_log_key_must_be_valid(rekor: int, window: dict[str, timedelta]) -> None:
    logs = trusted_logs(SIGSTORE, validity(rekor, **window))
    assert "valid" in refusal(logs, V1 if rekor == 1 else V2)


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("window", [{"start": -HOUR}, {"start": -HOUR, "end": HOUR}])
def test_a_log_key_that_is_valid_counts(rekor: int, window: dict[str, timedelta]) -> None:
    entry = V1 if rekor == 1 else V2
    trusted_logs(SIGSTORE, validity(rekor, **window)).verify([parsed(entry)], ENVELOPE, PUBLIC_KEY)


def test_an_old_entry_of_rekor_v1_holds_after_its_log_key_ended() -> None:
    logs = trusted_logs(SIGSTORE, validity(1, start=-HOUR, end=HOUR), clock=lambda: now() + 2 * HOUR)
    logs.verify([parsed(V1)], ENVELOPE, PUBLIC_KEY)


# A shard of Rekor v2 that was used from 300 to 100 days ago: an entry in it says nothing of when it was made.

DAY = timedelta(days=1)
SHARD = {"start": -300 * DAY, "end": -100 * DAY}

Stamper = Callable[[TimestampAuthority], bytes]


def at(ago: timedelta, signature: bytes = ENVELOPE.signature) -> Stamper:
    """A time stamp of the authority, of so long ago."""

    def stamp(authority: TimestampAuthority) -> bytes:
        authority.clock = lambda: now() - ago
        return authority.stamp(signature)

    return stamp


def foreign(_: TimestampAuthority) -> bytes:
    return at(200 * DAY)(TimestampAuthority())


WITHIN = at(200 * DAY)


def verify_stamped(*stampers: Stamper, edit: Edit | None = None, entry: Json = V2, rekor: int = 2) -> None:
    """Verify an entry in the shard that ended, with these time stamps."""
    shard = validity(rekor, **SHARD)

    def change(root: Json) -> None:
        shard(root)
        if edit is not None:
            edit(root)

    stamps = [stamper(SIGSTORE.tsa) for stamper in stampers]
    trusted_logs(SIGSTORE, change, clock=now).verify([parsed(entry)], ENVELOPE, PUBLIC_KEY, stamps)


@pytest.mark.parametrize(
    "stampers",
    [
        pytest.param([WITHIN], id="within"),
        pytest.param([lambda _: b"no stamp", foreign, at(200 * DAY, b"x"), WITHIN], id="beside_those_that_do_not_hold"),
        pytest.param([WITHIN, at(50 * DAY)], id="beside_a_later_one"),
    ],
)
def test_a_signature_in_a_shard_that_ended_holds_by_a_time_stamp(stampers: list[Stamper]) -> None:
    verify_stamped(*stampers)
    verify_stamped(*stampers, entry=without(without(V1, "inclusionPromise"), "integratedTime"), rekor=1)


def authority(**changes: object) -> Edit:
    return lambda root: root["timestampAuthorities"][0].update(changes)


def shorter_chain(root: Json) -> None:
    del root["timestampAuthorities"][0]["certChain"]["certificates"][1:]


@pytest.mark.parametrize(
    ("stampers", "edit"),
    [
        pytest.param([], None, id="none"),
        pytest.param([lambda _: b""], None, id="empty"),
        pytest.param([lambda _: b"no stamp"], None, id="no_stamp"),
        pytest.param([lambda tsa: WITHIN(tsa)[:-1]], None, id="cut_off"),
        pytest.param([foreign], None, id="another_authority"),
        pytest.param([at(200 * DAY, b"another signature")], None, id="another_signature"),
        pytest.param([at(50 * DAY)], None, id="after_the_shard"),
        pytest.param([at(320 * DAY)], None, id="before_the_shard"),
        pytest.param([WITHIN], lambda root: root.pop("timestampAuthorities"), id="no_authority"),
        pytest.param([WITHIN], authority(validFor={"start": timestamp(now() - 50 * DAY)}), id="authority_starts_later"),
        pytest.param(
            [WITHIN],
            authority(validFor={"start": timestamp(now() - 300 * DAY), "end": timestamp(now() - 250 * DAY)}),
            id="authority_ended_before",
        ),
        pytest.param([WITHIN], shorter_chain, id="authority_without_a_root"),
    ],
)
def test_a_shard_that_ended_and_nothing_that_proves_when(stampers: list[Stamper], edit: Edit | None) -> None:
    with pytest.raises(VerificationError, match="is not valid now, and no time stamp of a trusted") as refused:
        verify_stamped(*stampers, edit=edit)
    assert refused.value.reason is Reason.NOT_LOGGED


def test_a_time_stamp_of_before_the_certificate_of_its_authority_proves_nothing() -> None:
    def longer(root: Json) -> None:
        start = {"start": timestamp(now() - 1000 * DAY)}
        root["timestampAuthorities"][0]["validFor"] = start
        root["tlogs"][1]["publicKey"]["validFor"].update(start)

    verify_stamped(at(300 * DAY), edit=longer)
    with pytest.raises(VerificationError, match="is not valid now"):
        verify_stamped(at(400 * DAY), edit=longer)


def test_a_time_stamp_in_the_future_proves_nothing() -> None:
    logs = trusted_logs(SIGSTORE, validity(2, start=DAY), clock=now)
    stamp = at(-2 * DAY)(SIGSTORE.tsa)
    with pytest.raises(VerificationError, match="is not valid now"):
        logs.verify([parsed(V2)], ENVELOPE, PUBLIC_KEY, [stamp])
    later = trusted_logs(SIGSTORE, validity(2, start=DAY, end=3 * DAY), clock=lambda: now() + 4 * DAY)
    later.verify([parsed(V2)], ENVELOPE, PUBLIC_KEY, [stamp])


def test_while_the_key_of_a_log_is_valid_no_time_stamp_is_needed() -> None:
    LOGS.verify([parsed(V2)], ENVELOPE, PUBLIC_KEY, [b"no stamp"])


def test_integrated_time_in_the_future_is_refused() -> None:
    skew, margin = timedelta(seconds=MAX_CLOCK_SKEW_SECONDS), timedelta(seconds=30)
    entry = logged_v1(SIGSTORE.rekor1)
    trusted_logs(SIGSTORE, clock=lambda: now() - skew + margin).verify([parsed(entry)], ENVELOPE, PUBLIC_KEY)
    assert "in the future" in refusal(trusted_logs(SIGSTORE, clock=lambda: now() - skew - margin), entry)


def resigned(entry: Json, log: Log, **changes: int) -> Json:
    """The entry with other values under a new, valid promise."""
    changed = {**entry, **{name: str(value) for name, value in changes.items()}}
    body = base64.b64decode(changed["canonicalizedBody"])
    promise = log.promise(body, int(changed["integratedTime"]), int(changed["logIndex"]))
    return {**changed, "inclusionPromise": {"signedEntryTimestamp": text(promise)}}


def test_an_entry_of_rekor_v1_without_time_holds_while_its_log_key_is_valid() -> None:
    entry = without(without(V1, "inclusionPromise"), "integratedTime")
    LOGS.verify([parsed(entry)], ENVELOPE, PUBLIC_KEY)
    later = trusted_logs(SIGSTORE, validity(1, start=-HOUR, end=HOUR), clock=lambda: now() + 2 * HOUR)
    assert "is not valid now" in refusal(later, entry)


def test_the_index_of_rekor_v1_counts_in_all_trees_and_not_in_that_of_the_proof() -> None:
    LOGS.verify([parsed(resigned(V1, SIGSTORE.rekor1, logIndex=123456789))], ENVELOPE, PUBLIC_KEY)


def with_proof(entry: Json, **changes: object) -> Json:
    return {**entry, "inclusionProof": {**entry["inclusionProof"], **changes}}


def with_note(entry: Json, edit: Callable[[str], str]) -> Json:
    note = entry["inclusionProof"]["checkpoint"]["envelope"]
    assert edit(note) != note
    return with_proof(entry, checkpoint={"envelope": edit(note)})


def signed_note(log: Log, origin: str, size: int, root: str, name: str | None = None) -> Json:
    note = f"{origin}\n{size}\n{root}\n"
    signature = text(log.identifier[:4] + log.sign(note.encode()))
    return {"envelope": f"{note}\n\u2014 {name or origin.split(maxsplit=1)[0]} {signature}\n"}


def other_checkpoint(entry: Json, log: Log, origin: str, name: str | None = None) -> Json:
    """The same tree under another origin or name, signed by the same log."""
    proof = entry["inclusionProof"]
    return with_proof(entry, checkpoint=signed_note(log, origin, int(proof["treeSize"]), proof["rootHash"], name))


def without(entry: Json, name: str) -> Json:
    return {key: value for key, value in entry.items() if key != name}


FOREIGN_V1, FOREIGN_V2 = Log(1, "rekor.example - 1"), Log(2, "127.0.0.1")
P1 = V1["inclusionProof"]

REFUSED = [
    pytest.param(
        {**V1, "inclusionPromise": {"signedEntryTimestamp": text(SIGSTORE.rekor1.sign(b"x"))}},
        "timestamp is not by the log",
        id="promise_of_something_else",
    ),
    pytest.param(resigned(V1, FOREIGN_V1), "timestamp is not by the log", id="promise_of_another_log"),
    pytest.param(
        without(V1, "inclusionPromise"), "did not sign", id="sigstore_python_1247_integrated_time_without_promise"
    ),
    pytest.param(resigned(V1, SIGSTORE.rekor1, integratedTime=0), "not valid at", id="promised_time_zero"),
    pytest.param({**V2, "integratedTime": "1"}, "did not sign", id="time_in_v2"),
    pytest.param({**V2, "inclusionPromise": V1["inclusionPromise"]}, "is not by the log", id="promise_in_v2"),
    pytest.param({**V2, "logIndex": "7"}, "index is not that of its inclusion proof", id="other_index_in_v2"),
    pytest.param(
        with_proof(V1, checkpoint={"envelope": FOREIGN_V1.checkpoint()}),
        "not signed by the log",
        id="checkpoint_of_another_log",
    ),
    pytest.param(
        with_proof(V2, checkpoint={"envelope": FOREIGN_V2.checkpoint()}),
        "not signed by the log",
        id="checkpoint_of_another_log_in_v2",
    ),
    pytest.param(
        other_checkpoint(V2, SIGSTORE.rekor2, "log.example"), "of another log than", id="checkpoint_of_another_origin"
    ),
    pytest.param(
        other_checkpoint(V2, SIGSTORE.rekor2, "127.0.0.1", "log.example"), "not signed by", id="other_signer_name_in_v2"
    ),
    pytest.param(
        other_checkpoint(V1, SIGSTORE.rekor1, "rekor.example - 1", "log.example"),
        "not signed by",
        id="other_signer_name",
    ),
    pytest.param(
        with_note(V1, lambda note: note.replace("rekor.example - 1", "rekor.example - 2")),
        "checkpoint's signature is not by",
        id="checkpoint_of_another_tree",
    ),
    pytest.param(
        other_checkpoint(V1, SIGSTORE.rekor1, "rekor.example"), "of another log than", id="origin_without_a_tree"
    ),
    pytest.param(
        with_proof(V1, checkpoint={"envelope": SIGSTORE.rekor1.checkpoint()}),
        "not for the tree of its checkpoint",
        id="checkpoint_of_a_later_tree",
    ),
    pytest.param(with_proof(V1, treeSize=str(int(P1["treeSize"]) + 1)), "not for the tree", id="other_tree_size"),
    pytest.param(with_proof(V1, rootHash=text(b"x" * 32)), "not for the tree", id="other_root"),
    pytest.param(with_proof(V1, hashes=[text(b"x" * 32)]), "not in the tree of its checkpoint", id="other_hash"),
    pytest.param(with_proof(V1, hashes=[]), "too short", id="no_hashes"),
    pytest.param(with_proof(V1, hashes=P1["hashes"] * 2), "too long", id="too_many_hashes"),
    pytest.param(with_proof(V1, logIndex="0"), "not in the tree of its checkpoint", id="other_leaf"),
    pytest.param(with_proof(V1, logIndex="2"), "not in its tree of 2", id="leaf_past_the_end"),
    pytest.param({**V1, "logId": V2["logId"]}, "timestamp is not by the log", id="id_of_the_other_log"),
    pytest.param({**V1, "logId": {"keyId": text(b"x" * 32)}}, "not in the trusted root", id="unknown_log"),
]


@pytest.mark.parametrize(("entry", "message"), REFUSED)
def test_what_is_not_proved_is_refused(entry: Json, message: str) -> None:
    assert message in refusal(LOGS, entry)


def intoto(edit: Edit) -> Json:
    return logged_intoto(SIGSTORE.rekor1, edit=edit)


def envelope_in(body: Json) -> Json:
    found: Json = body["spec"]["content"]["envelope"]
    return found


def test_an_intoto_entry_may_name_its_key() -> None:
    named = intoto(lambda body: envelope_in(body)["signatures"][0].update(keyid="any"))
    LOGS.verify([parsed(named)], ENVELOPE, PUBLIC_KEY)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(lambda body: envelope_in(body).update(payloadType="x"), "not of this", id="payload_type"),
        pytest.param(lambda body: envelope_in(body).update(payload=""), "not of this", id="more_in_the_envelope"),
        pytest.param(lambda body: envelope_in(body)["signatures"][0].update(sig=""), "not of this", id="signature"),
        pytest.param(
            lambda body: envelope_in(body)["signatures"][0].update(publicKey=text(OTHER_PUBLIC_KEY.pem())),
            "another key",
            id="key",
        ),
        pytest.param(lambda body: body["spec"].update(publicKey=""), "not of this", id="more_in_the_spec"),
        pytest.param(lambda body: body["spec"]["content"].pop("payloadHash"), "not of this", id="no_payload_hash"),
        pytest.param(
            lambda body: body["spec"]["content"]["hash"].update(algorithm="sha1"), "not of this", id="hash_algorithm"
        ),
    ],
)
def test_an_intoto_entry_of_something_else_is_refused(edit: Edit, message: str) -> None:
    assert message in refusal(LOGS, intoto(edit))


def logged_body(kind: str, version: str, body: bytes) -> Json:
    return SIGSTORE.rekor1.append(body, kind, version)


def dsse_body(edit: Edit) -> Json:
    body = json.loads(base64.b64decode(V1["canonicalizedBody"]))
    edit(body)
    return logged_body("dsse", "0.0.1", dump(body))


MALFORMED = [
    pytest.param(logged_body("hashedrekord", "0.0.1", b"{}"), "`spec` is missing", id="empty_hashedrekord"),
    pytest.param(logged_body("dsse", "0.0.2", b"{}"), "not known to log", id="kind_of_another_version"),
    pytest.param(logged_body("rekord", "0.0.1", b"{}"), "not known to log", id="unknown_kind"),
    pytest.param(logged_body("dsse", "0.0.1", b"[]"), "must be a JSON object", id="body_is_a_list"),
    pytest.param(logged_body("dsse", "0.0.1", b"{}"), "`spec` is missing", id="empty_body"),
    pytest.param(dsse_body(lambda body: body["spec"].update(signatures=[])), "has no signature", id="no_signature"),
    pytest.param(
        dsse_body(lambda body: body["spec"].update(signatures=body["spec"]["signatures"] * 2)),
        "the limit is 1",
        id="two_signatures",
    ),
    pytest.param(
        dsse_body(lambda body: body["spec"]["envelopeHash"].update(value="x")), "64 lower-case", id="no_envelope_hash"
    ),
    pytest.param(
        dsse_body(lambda body: body["spec"]["signatures"][0].update(verifier=text(b"x"))), "public key", id="no_key"
    ),
    pytest.param(
        intoto(lambda body: envelope_in(body).update(signatures=[])), "has no signature", id="intoto_unsigned"
    ),
]


@pytest.mark.parametrize(("entry", "message"), MALFORMED)
def test_what_is_no_entry_is_refused(entry: Json, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        LOGS.verify([parsed(entry)], ENVELOPE, PUBLIC_KEY)


def test_at_most_32_entries_are_looked_at() -> None:
    LOGS.verify([parsed(V1)] * 32, ENVELOPE, PUBLIC_KEY)
    with pytest.raises(LimitError, match="33 log entries, the limit is 32"):
        LOGS.verify([parsed(V1)] * 33, ENVELOPE, PUBLIC_KEY)


PAYLOAD = b'{"a":"legacy payload"}'
SIGNATURE = SIGNER.sign(PAYLOAD)
LEGACY = legacy_entry(SIGSTORE.rekor1, PAYLOAD, SIGNATURE)


def legacy_refusal(logs: TrustedLogs, entry: str) -> str:
    with pytest.raises(VerificationError) as refused:
        logs.verify_legacy(entry, PAYLOAD, SIGNATURE, PUBLIC_KEY)
    assert refused.value.reason is Reason.NOT_LOGGED
    return str(refused.value)


def test_the_entry_of_exactly_this_legacy_signature_holds() -> None:
    LOGS.verify_legacy(dump(LEGACY).decode(), PAYLOAD, SIGNATURE, PUBLIC_KEY)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        pytest.param(legacy_entry(SIGSTORE.rekor1, b"{}", SIGNATURE), "not of this", id="of_another_payload"),
        pytest.param(
            legacy_entry(SIGSTORE.rekor1, PAYLOAD, SIGNER.sign(b"x")), "not of this", id="of_another_signature"
        ),
        pytest.param(
            legacy_entry(SIGSTORE.rekor1, PAYLOAD, SIGNATURE, OTHER_PUBLIC_KEY), "another key", id="of_another_key"
        ),
        pytest.param(legacy_entry(FOREIGN_V1, PAYLOAD, SIGNATURE), "not in the trusted root", id="of_another_log"),
        pytest.param(
            {**LEGACY, "SignedEntryTimestamp": text(SIGSTORE.rekor1.sign(b"x"))}, "is not by the log", id="promise"
        ),
        pytest.param({**LEGACY, "Payload": {**LEGACY["Payload"], "logIndex": 7}}, "is not by the log", id="index"),
        pytest.param({**LEGACY, "Payload": {**LEGACY["Payload"], "integratedTime": 7}}, "is not by", id="time"),
    ],
)
def test_cve_2022_23649_a_legacy_entry_that_proves_nothing_is_refused(entry: Json, message: str) -> None:
    assert message in legacy_refusal(LOGS, dump(entry).decode())


def test_a_legacy_signature_without_entry_is_not_logged() -> None:
    assert "it is in: 0" in legacy_refusal(LOGS, "")


def test_a_legacy_signature_is_never_in_two_logs() -> None:
    assert "it is in: 1" in legacy_refusal(trusted_logs(SIGSTORE, threshold=2), dump(LEGACY).decode())


@pytest.mark.parametrize("window", [{"start": HOUR}, {"start": -2 * HOUR, "end": -HOUR}])
def test_cve_2026_54787_the_log_key_of_a_legacy_entry_must_be_valid(window: dict[str, timedelta]) -> None:
    logs = trusted_logs(SIGSTORE, validity(1, **window))
    assert "was not valid" in legacy_refusal(logs, dump(LEGACY).decode())


def test_the_time_of_a_legacy_entry_is_not_in_the_future() -> None:
    logs = trusted_logs(SIGSTORE, clock=lambda: now() - HOUR)
    assert "in the future" in legacy_refusal(logs, dump(LEGACY).decode())


def test_the_trusted_root_is_read_from_a_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("root") / "trusted_root.json"
    path.write_bytes(dump(SIGSTORE.trusted_root(URL)))
    TrustedLogs.from_file(path).verify([parsed(V1)], ENVELOPE, PUBLIC_KEY)
    with pytest.raises(Error, match=r"cannot read the trusted root .*missing"):
        TrustedLogs.from_file(path.with_name("missing"))
