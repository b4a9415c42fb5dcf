"""Keyless bundles: good ones verify, each attack is refused with its reason, offline."""

import base64
import contextlib
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from hypothesis import given, settings
from hypothesis import strategies as st
from sigstore.verify import Verifier

from image_fixtures import PUBLIC_KEY, SIGNER, attach_blob, attach_bundle, bundle_blob, make_image
from sigstore_certificate_fixtures import (
    ISSUER,
    ISSUER_V1_OID,
    ISSUER_V2_OID,
    SAN,
    Authority,
    Leaf,
    issuer_extensions,
    key_usage,
    now,
    spki,
    utf8_string,
)
from sigstore_fixtures import PAYLOAD_TYPE, Sigstore, timestamp
from sigstore_log_fixtures import Json, Log, text
from sigstore_timestamp_fixtures import TimestampAuthority
from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPES, MAX_TIME_STAMPS
from wasmoci.cosign.statement import signature_statement
from wasmoci.keyless.certificate import identity_of
from wasmoci.keyless.identity import Identity, IdentityPattern
from wasmoci.keyless.verifying import IdentityVerifier
from wasmoci.oci.graph import read_image
from wasmoci.transparency.authorities import MAX_CERTIFICATE_SIZE, MAX_CHAIN, parse_certificate
from wasmoci.transparency.trusted_root import MAX_TRUSTED_ROOT_SIZE
from wasmoci.transparency.verifying import MAX_CLOCK_SKEW_SECONDS
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, LimitError, Reason, UsageError, VerificationError
from wasmoci.values.strict_json import JsonObject, dump
from wasmoci.verify.signatures import verify_image_signatures
from wasmoci.verify.trust import ImageTrust

PAYLOAD = signature_statement(Digest.of(b"image"))
OTHER_PAYLOAD = signature_statement(Digest.of(b"another image"))
OURS = IdentityPattern.of(identity=SAN, issuer=ISSUER)
EMAIL = "ci@example.com"
USER_NAME = ObjectIdentifier("1.3.6.1.4.1.57264.1.7")

Attack = Callable[[Sigstore], Json]


@dataclass
class World:
    """A Sigstore and a verifier that trusts it."""

    sigstore: Sigstore
    root: Path

    def verifier(self, *patterns: IdentityPattern, root: Json | None = None) -> IdentityVerifier:
        self.root.write_bytes(dump(root or self.sigstore.trusted_root()))
        return IdentityVerifier(self.root, patterns or (OURS,))

    def refuses(self, bundle: Json, reason: Reason, message: str, root: Json | None = None) -> None:
        with pytest.raises(Error) as refused:
            self.verifier(root=root).verify(dump(bundle))
        assert isinstance(refused.value, (FormatError, VerificationError))
        assert refused.value.reason is reason, refused.value
        assert re.search(message, str(refused.value)), refused.value
        assert str(refused.value).isprintable()


@pytest.fixture(name="world")
def _world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    def refuse(*_: object) -> None:
        raise AssertionError("verifying is offline")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return World(Sigstore(), tmp_path / "trusted_root.json")


@pytest.mark.parametrize("media_type", BUNDLE_MEDIA_TYPES)
@pytest.mark.parametrize("rekor", [1, 2])
def test_bundle_of_a_trusted_identity_verifies(world: World, rekor: int, media_type: str) -> None:
    bundle = dump({**world.sigstore.bundle(PAYLOAD, rekor=rekor), "mediaType": media_type})
    verified = world.verifier().verify(bundle)
    assert verified.identity == Identity(SAN, ISSUER)
    assert verified.fingerprint == verified.principal == OURS.name


def test_rekor_v1_entry_with_a_time_stamp_verifies(world: World) -> None:
    signed = world.sigstore.sign(PAYLOAD)
    stamp = world.sigstore.tsa.stamp(signed.envelope.signature)
    bundle = signed.bundle(signed.logged_v1(world.sigstore.rekor1), stamp)
    assert world.verifier().verify(dump(bundle)).identity == Identity(SAN, ISSUER)


@pytest.mark.parametrize("stamps", [{}, {"rfc3161Timestamps": []}])
def test_rekor_v1_entry_with_an_empty_list_of_time_stamps_verifies(world: World, stamps: Json) -> None:
    bundle = replaced("timestampVerificationData", stamps)(world.sigstore)
    assert world.verifier().verify(dump(bundle)).identity == Identity(SAN, ISSUER)


def user_name(name: str) -> x509.OtherName:
    return x509.OtherName(USER_NAME, utf8_string(name))


@pytest.mark.parametrize(
    ("leaf", "identity"),
    [
        (Leaf(san=EMAIL), Identity(EMAIL, ISSUER)),
        (Leaf(san=user_name("joe!example.com")), Identity("joe!example.com", ISSUER)),
        (Leaf(issuer=issuer_extensions(ISSUER)[:1]), Identity(SAN, ISSUER)),
        (Leaf(issuer=issuer_extensions(ISSUER)[1:]), Identity(SAN, ISSUER)),
        (Leaf(issuer=issuer_extensions(f"{ISSUER}/{'a' * 200}")[1:]), Identity(SAN, f"{ISSUER}/{'a' * 200}")),
        (Leaf(issuer=issuer_extensions(f"{ISSUER}/{'a' * 300}")[1:]), Identity(SAN, f"{ISSUER}/{'a' * 300}")),
        (Leaf(san=f"https://ci.example.com/{'a' * 300}"), Identity(f"https://ci.example.com/{'a' * 300}", ISSUER)),
    ],
)
def test_identity_is_read_as_fulcio_writes_it(world: World, leaf: Leaf, identity: Identity) -> None:
    pattern = IdentityPattern.of(identity=identity.san, issuer=identity.issuer)
    assert world.verifier(pattern).verify(dump(world.sigstore.bundle(PAYLOAD, leaf))).identity == identity


def test_certificate_that_has_expired_since_then_verifies(world: World) -> None:
    world.sigstore.clock = lambda: now() - timedelta(days=90)
    assert world.verifier().verify(dump(world.sigstore.bundle(PAYLOAD)))


def leaf(**changes: object) -> Attack:
    return lambda sigstore: sigstore.bundle(PAYLOAD, Leaf(**changes))  # type: ignore[arg-type]


def other_issuers(first: str, second: str) -> list[x509.UnrecognizedExtension]:
    return [
        x509.UnrecognizedExtension(ISSUER_V1_OID, first.encode()),
        x509.UnrecognizedExtension(ISSUER_V2_OID, utf8_string(second)),
    ]


CERTIFICATE_ATTACKS = [
    pytest.param(leaf(san=f"{SAN}x"), Reason.UNTRUSTED_KEY, "no trusted identity", id="wrong_identity"),
    pytest.param(
        leaf(issuer=issuer_extensions("https://evil.example")),
        Reason.UNTRUSTED_KEY,
        "no trusted identity",
        id="wrong_issuer",
    ),
    pytest.param(
        leaf(issuer=other_issuers("https://evil.example", ISSUER)), Reason.MALFORMED, "two issuers", id="older_issuer"
    ),
    pytest.param(
        leaf(issuer=other_issuers(ISSUER, "https://evil.example")), Reason.MALFORMED, "two issuers", id="newer_issuer"
    ),
    pytest.param(leaf(issuer=[]), Reason.MALFORMED, "does not say who issued", id="no_issuer"),
    pytest.param(
        leaf(issuer=[x509.UnrecognizedExtension(ISSUER_V2_OID, ISSUER.encode())]),
        Reason.MALFORMED,
        "no DER UTF8String",
        id="issuer_is_no_der",
    ),
    pytest.param(
        leaf(issuer=[x509.UnrecognizedExtension(ISSUER_V1_OID, b"\xff")]),
        Reason.MALFORMED,
        "no UTF-8",
        id="issuer_is_no_text",
    ),
    pytest.param(
        leaf(issuer=[x509.UnrecognizedExtension(ISSUER_V2_OID, b"")]), Reason.MALFORMED, "no DER", id="issuer_is_empty"
    ),
    pytest.param(
        leaf(san=x509.UniformResourceIdentifier(f"{SAN}\0.evil.example")),
        Reason.MALFORMED,
        "no printable ASCII",
        id="san_with_nul",
    ),
    pytest.param(
        leaf(san=x509.RFC822Name("ci@xn--exmple-cua.com")), Reason.UNTRUSTED_KEY, "xn--exmple", id="san_idn_punycode"
    ),
    pytest.param(
        leaf(san=user_name("\u0441i@example.com")), Reason.MALFORMED, "no printable ASCII", id="san_idn_look_alike"
    ),
    pytest.param(
        leaf(san=[x509.UniformResourceIdentifier(SAN), x509.RFC822Name(EMAIL)]),
        Reason.MALFORMED,
        "exactly one identity, it names 2",
        id="two_sans",
    ),
    pytest.param(
        leaf(san=x509.OtherName(ObjectIdentifier("1.2.3"), utf8_string(SAN))),
        Reason.MALFORMED,
        "no e-mail address, URI or user name",
        id="other_name_of_another_kind",
    ),
    pytest.param(
        leaf(san=x509.DNSName("ci.example.com")), Reason.MALFORMED, "no e-mail address", id="name_of_another_kind"
    ),
    pytest.param(
        leaf(issuer=[x509.UnrecognizedExtension(ISSUER_V2_OID, b"\x0c\x81\x05short")]),
        Reason.MALFORMED,
        "no DER",
        id="issuer_with_a_length_that_is_not_the_shortest",
    ),
    pytest.param(leaf(sct=None), Reason.BAD_SIGNATURE, "timestamp extension", id="missing_sct"),
    pytest.param(
        leaf(sct=ec.generate_private_key(ec.SECP256R1())), Reason.BAD_SIGNATURE, "SCT", id="sct_of_a_foreign_log"
    ),
    pytest.param(leaf(ca=True), Reason.UNTRUSTED_KEY, "not trusted", id="ca_true_leaf"),
    pytest.param(
        leaf(ca=True, usage=key_usage(certificates=True)), Reason.UNTRUSTED_KEY, "not trusted", id="ca_as_leaf"
    ),
    pytest.param(leaf(usage=key_usage(certificates=True)), Reason.UNTRUSTED_KEY, "", id="wrong_key_usage"),
    pytest.param(leaf(usage=None), Reason.BAD_SIGNATURE, "KeyUsage|keyUsage|key_usage|2.5.29.15", id="no_key_usage"),
    pytest.param(
        leaf(extended_usage=[ExtendedKeyUsageOID.SERVER_AUTH]), Reason.BAD_SIGNATURE, "code signing", id="wrong_eku"
    ),
    pytest.param(leaf(extended_usage=[]), Reason.BAD_SIGNATURE, "", id="no_eku"),
    pytest.param(
        leaf(start=now() - timedelta(hours=1)), Reason.UNTRUSTED_KEY, "not trusted", id="certificate_expired_at_signing"
    ),
    pytest.param(
        leaf(start=now() + timedelta(hours=1)), Reason.UNTRUSTED_KEY, "not trusted", id="certificate_not_yet_valid"
    ),
]


@pytest.mark.parametrize(("attack", "reason", "message"), CERTIFICATE_ATTACKS)
def test_certificate_that_must_be_refused(world: World, attack: Attack, reason: Reason, message: str) -> None:
    world.refuses(attack(world.sigstore), reason, message)


@pytest.mark.parametrize("rekor", [1, 2])
def test_unknown_certificate_authority_is_refused(world: World, rekor: int) -> None:
    bundle = replace(world.sigstore, authority=Authority()).bundle(PAYLOAD, rekor=rekor)
    world.refuses(bundle, Reason.UNTRUSTED_KEY, "its certificate is not trusted")


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("ended", ["intermediate_end", "root_end"])
def test_cve_2026_24122_expired_intermediate_or_root_is_refused(world: World, ended: str, rekor: int) -> None:
    end = now() - timedelta(days=1)
    world.sigstore.authority = replace(world.sigstore.authority, **{ended: end})  # type: ignore[arg-type]
    world.refuses(world.sigstore.bundle(PAYLOAD, rekor=rekor), Reason.UNTRUSTED_KEY, "no certificate authority")


PERIODS = [{"end": timestamp(now() - timedelta(hours=1))}, {"start": timestamp(now() + timedelta(hours=1))}]


def restricted(sigstore: Sigstore, part: str, period: Json) -> Json:
    """The trusted root with another validity period of one of its parts."""
    root = sigstore.trusted_root()
    for one in root[part]:
        holder = one.get("publicKey", one)
        holder["validFor"] = {**holder["validFor"], **period}
    return root


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("part", ["certificateAuthorities", "ctlogs", "tlogs"])
@pytest.mark.parametrize("rekor", [1, 2])
def test_cve_2026_54787_authority_or_log_that_was_not_valid_then_is_not_used(
    world: World, rekor: int, part: str, period: Json
) -> None:
    what = {"certificateAuthorities": "certificate authority", "tlogs": "transparency log", "ctlogs": "certificate t"}
    bundle, root = world.sigstore.bundle(PAYLOAD, rekor=rekor), restricted(world.sigstore, part, period)
    world.refuses(bundle, Reason.UNTRUSTED_KEY, f"no {what[part]}.* of the trusted root was valid then", root)


def test_cve_2026_54787_log_that_was_not_valid_then_is_not_used_beside_one_that_was(world: World) -> None:
    root = world.sigstore.trusted_root()
    public_key = root["tlogs"][0]["publicKey"]
    public_key["validFor"] = {**public_key["validFor"], **PERIODS[0]}
    world.refuses(world.sigstore.bundle(PAYLOAD), Reason.BAD_SIGNATURE, "log entry", root)
    assert world.verifier(root=root).verify(dump(world.sigstore.bundle(PAYLOAD, rekor=2)))


@pytest.mark.parametrize("period", PERIODS)
def test_cve_2026_54787_time_stamping_authority_that_was_not_valid_then_is_not_used(world: World, period: Json) -> None:
    bundle, root = world.sigstore.bundle(PAYLOAD, rekor=2), restricted(world.sigstore, "timestampAuthorities", period)
    world.refuses(bundle, Reason.BAD_SIGNATURE, "no Timestamp Authorities", root)


def replaced(name: str, value: object) -> Attack:
    """A good Rekor v1 bundle with something else at `name`, a path below the verification material."""

    def attack(sigstore: Sigstore) -> Json:
        bundle = sigstore.bundle(PAYLOAD)
        *path, last = [int(step) if step.isdigit() else step for step in name.split(".")]
        place = bundle["verificationMaterial"]
        for step in path:
            place = place[step]
        place[last] = value(place[last]) if callable(value) else value
        return bundle

    return attack


def without(*names: str) -> Attack:
    """A good Rekor v1 bundle whose entry lacks these."""

    def attack(sigstore: Sigstore) -> Json:
        bundle = sigstore.bundle(PAYLOAD)
        for name in names:
            del bundle["verificationMaterial"]["tlogEntries"][0][name]
        return bundle

    return attack


def flipped(data: str) -> str:
    raw = base64.b64decode(data)
    return text(raw[:-1] + bytes([raw[-1] ^ 1]))


def logged_elsewhere(log: Log) -> Attack:
    def attack(sigstore: Sigstore) -> Json:
        signed = sigstore.sign(PAYLOAD)
        return signed.bundle(signed.logged_v1(log))

    return attack


def entry_of(payload: bytes) -> Attack:
    """A good signature with the log entry of another one."""

    def attack(sigstore: Sigstore) -> Json:
        return sigstore.sign(PAYLOAD).bundle(sigstore.sign(payload).logged_v1(sigstore.rekor1))

    return attack


def entry_v2_of(payload: bytes) -> Attack:
    def attack(sigstore: Sigstore) -> Json:
        signed = sigstore.sign(PAYLOAD)
        stamp = sigstore.tsa.stamp(signed.envelope.signature)
        return signed.bundle(sigstore.sign(payload).logged_v2(sigstore.rekor2), stamp)

    return attack


def checkpoint_of_the_other_log(sigstore: Sigstore) -> Json:
    bundle = sigstore.bundle(PAYLOAD)
    proof = bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    proof["checkpoint"]["envelope"] = replace(sigstore.rekor2, leaves=list(sigstore.rekor1.leaves)).checkpoint()
    return bundle


def checkpoint_of_a_foreign_log(sigstore: Sigstore) -> Json:
    foreign = Log(1, sigstore.rekor1.origin)
    bundle = sigstore.bundle(PAYLOAD)
    foreign.leaves = list(sigstore.rekor1.leaves)
    proof = bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    proof["checkpoint"]["envelope"] = foreign.checkpoint()
    return bundle


def older_checkpoint(sigstore: Sigstore) -> Json:
    older = sigstore.rekor1.checkpoint()
    bundle = sigstore.bundle(PAYLOAD)
    bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]["envelope"] = older
    return bundle


ENTRY = "tlogEntries.0"
LOG_ATTACKS = [
    pytest.param(
        entry_of(OTHER_PAYLOAD),
        Reason.BAD_SIGNATURE,
        "payload hash does not match",
        id="cve_2026_22703_entry_of_another_artifact",
    ),
    pytest.param(
        entry_of(PAYLOAD), Reason.BAD_SIGNATURE, "signatures do not match", id="cve_2022_36056_entry_of_another_signer"
    ),
    pytest.param(
        entry_v2_of(OTHER_PAYLOAD),
        Reason.BAD_SIGNATURE,
        "inconsistent",
        id="cve_2026_22703_entry_v2_of_another_artifact",
    ),
    pytest.param(
        entry_v2_of(PAYLOAD), Reason.BAD_SIGNATURE, "inconsistent", id="cve_2022_36056_entry_v2_of_another_signer"
    ),
    pytest.param(logged_elsewhere(Log(1, "rekor.example - 1")), Reason.BAD_SIGNATURE, "log entry", id="foreign_log"),
    pytest.param(
        replaced(f"{ENTRY}.inclusionPromise.signedEntryTimestamp", flipped),
        Reason.BAD_SIGNATURE,
        "inclusion promise",
        id="broken_set",
    ),
    pytest.param(
        replaced(f"{ENTRY}.integratedTime", lambda time: str(int(time) + 1)),
        Reason.BAD_SIGNATURE,
        "inclusion promise",
        id="integrated_time_changed",
    ),
    pytest.param(
        without("inclusionPromise"), Reason.MALFORMED, "integrated time and the log's signature", id="time_not_signed"
    ),
    pytest.param(without("integratedTime"), Reason.MALFORMED, "integrated time and the log's", id="set_without_time"),
    pytest.param(
        without("inclusionPromise", "integratedTime"), Reason.MALFORMED, "inclusion promise", id="no_time_at_all"
    ),
    pytest.param(without("inclusionProof"), Reason.MALFORMED, "inclusionProof", id="no_inclusion_proof"),
    pytest.param(
        replaced(f"{ENTRY}.inclusionProof.hashes.0", flipped),
        Reason.BAD_SIGNATURE,
        "inclusion proof|root",
        id="broken_proof",
    ),
    pytest.param(
        replaced(f"{ENTRY}.inclusionProof.rootHash", flipped), Reason.BAD_SIGNATURE, "", id="root_hash_changed"
    ),
    pytest.param(checkpoint_of_the_other_log, Reason.BAD_SIGNATURE, "checkpoint", id="checkpoint_of_the_other_log"),
    pytest.param(checkpoint_of_a_foreign_log, Reason.BAD_SIGNATURE, "checkpoint", id="checkpoint_of_a_foreign_log"),
    pytest.param(older_checkpoint, Reason.BAD_SIGNATURE, "root hash", id="checkpoint_before_the_entry"),
    pytest.param(replaced("tlogEntries", []), Reason.NOT_LOGGED, "one transparency log entry, .* has 0", id="no_entry"),
    pytest.param(
        replaced("tlogEntries", lambda entries: entries * 2), Reason.NOT_LOGGED, "this one has 2", id="two_entries"
    ),
    pytest.param(
        replaced(f"{ENTRY}.kindVersion.kind", "hashedrekord"),
        Reason.NOT_LOGGED,
        "of the kind dsse 0.0.1 or hashedrekord 0.0.2, this one is 'hashedrekord' '0.0.1'",
        id="entry_of_no_envelope",
    ),
    pytest.param(
        replaced(f"{ENTRY}.kindVersion.version", "0.0.3"), Reason.NOT_LOGGED, "0.0.3", id="entry_of_unknown_version"
    ),
    pytest.param(
        replaced(f"{ENTRY}.kindVersion", {"kind": "intoto", "version": "0.0.2"}),
        Reason.NOT_LOGGED,
        "this one is 'intoto' '0.0.2'",
        id="entry_of_a_kind_that_cosign_takes",
    ),
    pytest.param(
        replaced(f"{ENTRY}.canonicalizedBody", "e30="), Reason.BAD_SIGNATURE, "", id="entry_with_another_body"
    ),
]


@pytest.mark.parametrize(("attack", "reason", "message"), LOG_ATTACKS)
def test_log_entry_that_must_be_refused(world: World, attack: Attack, reason: Reason, message: str) -> None:
    world.refuses(attack(world.sigstore), reason, message)


@pytest.mark.parametrize("rekor", [1, 2])
def test_time_of_signing_in_the_future_is_refused(world: World, rekor: int) -> None:
    world.sigstore.clock = lambda: now() + timedelta(seconds=MAX_CLOCK_SKEW_SECONDS + 60)
    world.refuses(world.sigstore.bundle(PAYLOAD, rekor=rekor), Reason.NOT_LOGGED, "in the future")
    world.sigstore.clock = lambda: now() + timedelta(seconds=MAX_CLOCK_SKEW_SECONDS - 60)
    assert world.verifier().verify(dump(world.sigstore.bundle(PAYLOAD, rekor=rekor)))


@pytest.mark.parametrize("shift", [timedelta(hours=-1), timedelta(hours=1)])
@pytest.mark.parametrize("rekor", [1, 2])
def test_signed_time_outside_of_the_certificates_validity_is_refused(
    world: World, shift: timedelta, rekor: int
) -> None:
    """The log and the time stamp are good, and another time than that of the certificate."""
    issued = now() - timedelta(days=1)
    world.sigstore.clock = lambda: issued + shift
    bundle = world.sigstore.bundle(PAYLOAD, Leaf(start=issued), rekor)
    world.refuses(bundle, Reason.UNTRUSTED_KEY, "its certificate is not trusted")


def stamped(*stamps: Callable[[Sigstore, bytes], bytes]) -> Attack:
    """A bundle of Rekor v2 with these time stamps of the signature."""

    def attack(sigstore: Sigstore) -> Json:
        signed = sigstore.sign(PAYLOAD)
        entry = signed.logged_v2(sigstore.rekor2)
        return signed.bundle(entry, *(stamp(sigstore, signed.envelope.signature) for stamp in stamps))

    return attack


def honest(sigstore: Sigstore, signature: bytes) -> bytes:
    return sigstore.tsa.stamp(signature)


STAMP_ATTACKS = [
    pytest.param(stamped(), Reason.MALFORMED, "signed timestamp", id="no_stamp"),
    pytest.param(
        stamped(lambda _, signature: TimestampAuthority().stamp(signature)),
        Reason.BAD_SIGNATURE,
        "not enough sources of verified time",
        id="stamp_of_a_foreign_authority",
    ),
    pytest.param(
        stamped(lambda sigstore, _: sigstore.tsa.stamp(b"another signature")),
        Reason.BAD_SIGNATURE,
        "not enough sources of verified time",
        id="stamp_of_another_signature",
    ),
    pytest.param(stamped(lambda *_: b"no stamp"), Reason.MALFORMED, "Timestamp", id="no_stamp_at_all"),
    pytest.param(
        stamped(*[honest] * (MAX_TIME_STAMPS + 1)), Reason.LIMIT_EXCEEDED, f"the limit is {MAX_TIME_STAMPS}", id="many"
    ),
]


@pytest.mark.parametrize(("attack", "reason", "message"), STAMP_ATTACKS)
def test_time_stamp_that_must_be_refused(world: World, attack: Attack, reason: Reason, message: str) -> None:
    world.refuses(attack(world.sigstore), reason, message)


def test_as_many_time_stamps_as_the_limit_verify(world: World) -> None:
    assert world.verifier().verify(dump(stamped(*[honest] * MAX_TIME_STAMPS)(world.sigstore)))


def test_stamp_without_an_authority_in_the_trusted_root_is_refused(world: World) -> None:
    root = world.sigstore.trusted_root()
    del root["timestampAuthorities"]
    world.refuses(world.sigstore.bundle(PAYLOAD, rekor=2), Reason.BAD_SIGNATURE, "no Timestamp Authorities", root)


def signature_of_another_key(sigstore: Sigstore) -> Json:
    """Somebody else's signature under the trusted identity's certificate."""
    signed, other = sigstore.sign(PAYLOAD), sigstore.sign(PAYLOAD)
    forged = replace(signed, envelope=other.envelope)
    return forged.bundle(forged.logged_v1(sigstore.rekor1))


def payload_replaced(sigstore: Sigstore) -> Json:
    signed = sigstore.sign(PAYLOAD)
    forged = replace(signed, envelope=signed.envelope._replace(payload=OTHER_PAYLOAD))
    return forged.bundle(forged.logged_v1(sigstore.rekor1))


BUNDLE_ATTACKS = [
    pytest.param(
        replaced("certificate.rawBytes", lambda _: text(spki(ec.generate_private_key(ec.SECP256R1())))),
        Reason.MALFORMED,
        "no X.509 certificate",
        id="ghsa_fx35_mq7g_6g98_bare_key_in_the_certificate_field",
    ),
    pytest.param(signature_of_another_key, Reason.BAD_SIGNATURE, "invalid signature", id="signature_of_another_key"),
    pytest.param(payload_replaced, Reason.BAD_SIGNATURE, "invalid signature", id="payload_replaced"),
    pytest.param(
        replaced("certificate.rawBytes", text(bytes(MAX_CERTIFICATE_SIZE + 1))),
        Reason.LIMIT_EXCEEDED,
        f"the limit is {MAX_CERTIFICATE_SIZE}",
        id="huge_certificate",
    ),
    pytest.param(
        replaced("certificate.rawBytes", text(bytes(MAX_CERTIFICATE_SIZE))), Reason.MALFORMED, "no X.509", id="no_der"
    ),
    pytest.param(
        replaced("certificate", lambda holder: {**holder, "raw_bytes": holder["rawBytes"]}),
        Reason.MALFORMED,
        "'raw_bytes' is unknown",
        id="second_certificate_in_another_spelling",
    ),
    pytest.param(
        replaced("timestampVerificationData", {"signedTimestamps": []}),
        Reason.MALFORMED,
        "'signedTimestamps' is unknown",
        id="unknown_name",
    ),
]


@pytest.mark.parametrize(("attack", "reason", "message"), BUNDLE_ATTACKS)
def test_bundle_that_must_be_refused(world: World, attack: Attack, reason: Reason, message: str) -> None:
    world.refuses(attack(world.sigstore), reason, message)


def test_ghsa_fx35_mq7g_6g98_key_of_the_certificate_is_not_a_trusted_key(world: World) -> None:
    """A bundle that only names a key is none of an identity's, whatever key it is."""
    image = make_image()
    with pytest.raises(FormatError, match="no certificate"):
        world.verifier().verify(bundle_blob(image))


@pytest.mark.parametrize("verified", [(PAYLOAD_TYPE, OTHER_PAYLOAD), ("text/plain", PAYLOAD)])
def test_cve_2026_44309_what_sigstore_verified_is_what_we_read(
    world: World, verified: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = world.sigstore.bundle(PAYLOAD)
    monkeypatch.setattr(Verifier, "verify_dsse", lambda *_: verified)
    world.refuses(bundle, Reason.MALFORMED, "two payloads")


def test_the_certificate_that_sigstore_verified_is_the_one_that_we_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = world.sigstore.sign(PAYLOAD, Leaf(san=EMAIL)).certificate

    def verify(_: object, __: object, policy: object) -> None:
        policy.verify(other)  # type: ignore[attr-defined]

    monkeypatch.setattr(Verifier, "verify_dsse", verify)
    world.refuses(world.sigstore.bundle(PAYLOAD), Reason.MALFORMED, "two certificates")


@pytest.mark.parametrize("failure", [RecursionError("deep"), TypeError("a\nb\x1b"), KeyError("x"), MemoryError()])
def test_failure_of_the_library_is_a_refusal(world: World, failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(Verifier, "verify_dsse", fail)
    world.refuses(world.sigstore.bundle(PAYLOAD), Reason.BAD_SIGNATURE, "sigstore-python refuses it")


@pytest.mark.parametrize("rekor", [1, 2])
def test_bundle_with_any_byte_changed_says_the_same_or_is_refused(world: World, rekor: int) -> None:
    data = dump(world.sigstore.bundle(PAYLOAD, rekor=rekor))
    verifier = world.verifier()

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, len(data) - 1), st.integers(0, 255))
    def check(position: int, byte: int) -> None:
        changed = data[:position] + bytes([byte]) + data[position + 1 :]
        with contextlib.suppress(FormatError, VerificationError):
            assert verifier.verify(changed).identity == Identity(SAN, ISSUER)
            assert cosign_bundle.parse_bundle(changed).envelope.payload == PAYLOAD

    check()


def test_nothing_trusted_is_an_error(world: World) -> None:
    world.verifier()
    with pytest.raises(UsageError, match="no identity is trusted"):
        IdentityVerifier(world.root, [])


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{}",
        b'{"mediaType":"x"}',
        b'{"certificateAuthorities":[],"tlogs":[],"ctlogs":[]}',
        b'{"certificateAuthorities":[{}],"tlogs":[],"ctlogs":[{}]}',
        b'{"certificateAuthorities":[{}],"tlogs":[{}],"ctlogs":[]}',
        b'{"certificateAuthorities":[],"tlogs":[{}],"ctlogs":[{}]}',
    ],
)
def test_broken_trusted_root_is_refused(tmp_path: Path, broken: bytes) -> None:
    root = tmp_path / "trusted_root.json"
    root.write_bytes(broken)
    with pytest.raises(FormatError):
        IdentityVerifier(root, [OURS])


def test_missing_trusted_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Error, match="cannot read the trusted root"):
        IdentityVerifier(tmp_path / "missing.json", [OURS])


@pytest.mark.parametrize("version", ["+json;version=9", ".v0.2+json"])
def test_trusted_root_of_an_unknown_type_is_refused(world: World, version: str) -> None:
    root = world.sigstore.trusted_root() | {"mediaType": f"application/vnd.dev.sigstore.trustedroot{version}"}
    world.refuses(
        world.sigstore.bundle(PAYLOAD), Reason.MALFORMED, "sigstore-python cannot read the trusted root", root
    )


@pytest.mark.parametrize("subject", [{}, {"commonName": "sigstore"}, None])
def test_authority_needs_no_name(world: World, subject: Json | None) -> None:
    root = world.sigstore.trusted_root()
    for one in (*root["certificateAuthorities"], *root["timestampAuthorities"]):
        one["subject"] = subject
    assert world.verifier(root=root).verify(dump(world.sigstore.bundle(PAYLOAD, rekor=2)))


def test_chain_of_an_authority_is_bounded(world: World) -> None:
    root = world.sigstore.trusted_root()
    chain = root["certificateAuthorities"][0]["certChain"]["certificates"]
    chain += chain[-1:] * (MAX_CHAIN - len(chain))
    bundle = world.sigstore.bundle(PAYLOAD)
    assert world.verifier(root=root).verify(dump(bundle))
    chain += chain[-1:]
    world.refuses(bundle, Reason.LIMIT_EXCEEDED, f"the limit is {MAX_CHAIN}", root)


def test_trusted_root_is_bounded(world: World) -> None:
    root = dump(world.sigstore.trusted_root())
    world.root.write_bytes(root + b" " * (MAX_TRUSTED_ROOT_SIZE - len(root)))
    assert IdentityVerifier(world.root, [OURS]).verify(dump(world.sigstore.bundle(PAYLOAD)))
    world.root.write_bytes(world.root.read_bytes() + b" ")
    with pytest.raises(LimitError, match=f"{MAX_TRUSTED_ROOT_SIZE}"):
        IdentityVerifier(world.root, [OURS])


def test_public_good_sigstore_is_known_without_a_file_and_trusts_nobody_else(world: World) -> None:
    with pytest.raises(VerificationError) as refused:
        IdentityVerifier(None, [OURS]).verify(dump(world.sigstore.bundle(PAYLOAD)))
    assert refused.value.reason is Reason.UNTRUSTED_KEY


def test_threshold_counts_distinct_identities(world: World) -> None:
    """One identity that signs twice is one, and so are all of one pattern."""
    image = make_image()
    payload = signature_statement(image.image.digest)
    other = IdentityPattern.of(identity=EMAIL, issuer=ISSUER)
    trust = ImageTrust(certificates=world.verifier(OURS, other), threshold=2)
    for _ in range(2):
        attach_blob(image, dump(world.sigstore.bundle(payload)))
    with pytest.raises(VerificationError) as refused:
        verify_image_signatures(read_image(image), trust)
    assert refused.value.reason is Reason.POLICY_UNMET
    attach_blob(image, dump(world.sigstore.bundle(payload, Leaf(san=EMAIL))))
    verified = verify_image_signatures(read_image(image), trust)
    assert {one.signer.fingerprint for one in verified.signatures} == {OURS.name, other.name}
    everybody_of_ours = IdentityPattern.of(identity_regexp=".*example.com.*", issuer=ISSUER)
    assert world.verifier(everybody_of_ours, everybody_of_ours).names == (everybody_of_ours.name,)
    # An identity that is trusted by itself counts as itself.
    mixed = ImageTrust(certificates=world.verifier(everybody_of_ours, OURS), threshold=2)
    assert verify_image_signatures(read_image(image), mixed)


def test_identity_and_key_count_together(world: World) -> None:
    image = make_image()
    trust = ImageTrust([PUBLIC_KEY], certificates=world.verifier(), threshold=2)
    attach_bundle(image, SIGNER)
    attach_blob(image, dump(world.sigstore.bundle(signature_statement(image.image.digest))))
    verified = verify_image_signatures(read_image(image), trust)
    assert {one.signer.fingerprint for one in verified.signatures} == {PUBLIC_KEY.fingerprint, OURS.name}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (PAYLOAD, Reason.WRONG_SUBJECT),
        (b"no statement", Reason.MALFORMED),
        (PAYLOAD.replace(b"https://sigstore.dev/cosign/sign/v1", b"https://spdx.dev/Document"), Reason.UNSIGNED),
    ],
)
def test_trusted_identity_that_says_something_else_is_no_signature(
    world: World, payload: bytes, reason: Reason
) -> None:
    image = make_image()
    attach_blob(image, dump(world.sigstore.bundle(payload)))
    with pytest.raises(VerificationError) as refused:
        verify_image_signatures(read_image(image), ImageTrust(certificates=world.verifier()))
    assert refused.value.reason is reason


def test_certificate_without_a_name_is_refused() -> None:
    sigstore = Sigstore()
    with pytest.raises(FormatError, match="it names 0"):
        identity_of(sigstore.authority.root)


@pytest.mark.parametrize(
    ("original", "broken"),
    [
        pytest.param(SAN.encode(), SAN.encode()[:-1] + b"\xff", id="name"),
        pytest.param(bytes.fromhex("a003020102"), bytes.fromhex("a003020105"), id="version"),
    ],
)
def test_certificate_with_broken_fields_is_refused(original: bytes, broken: bytes) -> None:
    der = Sigstore().sign(PAYLOAD).certificate.public_bytes(Encoding.DER).replace(original, broken)
    with pytest.raises(FormatError, match=r"the certificate is no X\.509 certificate that can be read"):
        parse_certificate(JsonObject({"rawBytes": text(der)}, "the certificate"))
