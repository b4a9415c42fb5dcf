"""Logging the signatures of a layout: what changes, what stays, and that nothing is left behind on failure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from image_fixtures import (
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    PUBLIC_KEY,
    STRANGER,
    MemoryImage,
    attach_blob,
    attach_bundle,
    blob_path,
    bundle_blob,
    edited,
    envelope_of,
    fully_signed,
    make_image,
    write_layout,
)
from log_entry_fixtures import logged_v1, logged_v2, parsed, trusted_logs
from publish_fixtures import dual_layout
from sigstore_certificate_fixtures import now
from sigstore_fixtures import Sigstore, SigstoreServer, timestamp
from wasmoci.commands.main import main
from wasmoci.cosign.bundle import MAX_LOG_ENTRIES, parse_bundle
from wasmoci.cosign.dsse import Envelope
from wasmoci.disk.layout import Layout
from wasmoci.keys.image import ImagePublicKey
from wasmoci.oci.graph import read_image
from wasmoci.oci.manifest import Manifest
from wasmoci.sign.log import Logged, log_signatures
from wasmoci.transparency.log_entry import LogEntry, with_log_entries
from wasmoci.transparency.time_stamps import proven_time
from wasmoci.transparency.verifying import TrustedLogs
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, Reason, RegistryError, UsageError, VerificationError
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.values.strict_json import dump
from wasmoci.verify.attached_bundles import attached_bundles
from wasmoci.verify.signatures import verify_image_signatures
from wasmoci.verify.trust import ImageTrust

SIGSTORE = Sigstore()
LOGS = trusted_logs(SIGSTORE)


@dataclass
class Client:
    """A LogClient without a network; remembers the signatures that it logged."""

    version: int = 1
    seen: list[bytes] = field(default_factory=list)

    def wants_stamp(self, key: ImagePublicKey) -> bool:
        del key
        return self.version != 1

    def stamp(self, signature: bytes, key: ImagePublicKey) -> Sequence[bytes]:
        del key
        return [] if self.version == 1 else [SIGSTORE.tsa.stamp(signature)]

    def add(self, envelope: Envelope, key: ImagePublicKey) -> Sequence[LogEntry]:
        self.seen.append(envelope.signature)
        entry = (logged_v1 if self.version == 1 else logged_v2)(SIGSTORE.log(self.version), envelope, key)
        return [LogEntry.parse(parsed(entry))]


@dataclass
class Replaying(Client):
    """A log that answers with an entry of another signature."""

    def add(self, envelope: Envelope, key: ImagePublicKey) -> Sequence[LogEntry]:
        del envelope, key
        return [LogEntry.parse(parsed(logged_v1(SIGSTORE.rekor1, envelope_of(b"{}"))))]


@dataclass
class Failing(Client):
    def add(self, envelope: Envelope, key: ImagePublicKey) -> Sequence[LogEntry]:
        raise RegistryError("the log is down")


def log(image: MemoryImage, folder: Path, client: Client, *keys: ImagePublicKey) -> Logged:
    layout = write_layout(image, folder / "in")
    return log_signatures(layout, folder / "out", keys or (PUBLIC_KEY,), LOGS, client)


def files_of(layout: Path) -> dict[str, bytes]:
    return {str(path.relative_to(layout)): path.read_bytes() for path in layout.rglob("*") if path.is_file()}


def stamps_of(layout: Path) -> list[bytes]:
    """The time stamps of all bundles in a layout."""
    attached = attached_bundles(read_image(Layout(layout)), [])
    return [stamp for one in attached for stamp in one.bundle.time_stamps]


def test_a_time_stamp_comes_with_an_entry_that_does_not_say_when_it_was_made(tmp_path: Path) -> None:
    image = make_image()
    attach_bundle(image)
    log(image, tmp_path, Client(2))
    (stamp,) = stamps_of(tmp_path / "out")
    signature = parse_bundle(bundle_blob(image)).envelope.signature
    assert proven_time(stamp, signature, LOGS.authorities) is not None


def test_what_was_logged_with_a_time_stamp_counts_after_the_shard_ended(tmp_path: Path) -> None:
    image = make_image()
    attach_bundle(image)
    log(image, tmp_path, Client(2))
    hour = timedelta(hours=1)

    def end(root: dict[str, Any]) -> None:
        root["tlogs"][1]["publicKey"]["validFor"]["end"] = timestamp(now() + hour)

    ended = trusted_logs(SIGSTORE, end, clock=lambda: now() + 2 * hour)
    again = log_signatures(tmp_path / "out", tmp_path / "again", (PUBLIC_KEY,), ended, Client(2))
    assert (again.added, again.kept) == (0, 1)
    trust = ImageTrust([PUBLIC_KEY], log=ended, log_required=True)
    verify_image_signatures(read_image(Layout(tmp_path / "again")), trust)
    with pytest.raises(VerificationError) as refused:
        verify_image_signatures(
            read_image(Layout(tmp_path / "again")), replace(trust, log=replace(ended, authorities=()))
        )
    assert refused.value.reason is Reason.NOT_LOGGED


def test_an_entry_that_does_not_say_when_it_was_made_gets_its_time_stamp_later(tmp_path: Path) -> None:
    """So a signature that was logged without one outlives the shard; nothing is signed or logged again."""

    class Timeless(Client):
        def stamp(self, signature: bytes, key: ImagePublicKey) -> Sequence[bytes]:
            del signature, key
            return []

    image = make_image()
    attach_bundle(image)
    log(image, tmp_path, Timeless(2))
    assert stamps_of(tmp_path / "out") == []
    client = Client(2)
    again = log_signatures(tmp_path / "out", tmp_path / "again", (PUBLIC_KEY,), LOGS, client)
    assert (again.added, again.kept, client.seen) == (0, 1, [])
    assert len(stamps_of(tmp_path / "again")) == 1
    log_signatures(tmp_path / "again", tmp_path / "third", (PUBLIC_KEY,), LOGS, client)
    assert files_of(tmp_path / "third") == files_of(tmp_path / "again")


def test_an_entry_that_says_when_it_was_made_needs_no_time_stamp(tmp_path: Path) -> None:
    log(fully_signed(), tmp_path, Client(1))
    log_signatures(tmp_path / "out", tmp_path / "again", (PUBLIC_KEY,), LOGS, Client(2))
    assert files_of(tmp_path / "again") == files_of(tmp_path / "out")


def test_time_stamps_that_are_there_stay() -> None:
    entry = LogEntry.parse(parsed(logged_v2(SIGSTORE.rekor2)))
    once = with_log_entries(bundle_blob(make_image()), [entry], [b"first"])
    assert parse_bundle(with_log_entries(once, [entry], [b"second"])).time_stamps == (b"first", b"second")
    assert with_log_entries(once, [entry]) == once


def test_nothing_is_logged_where_no_time_stamp_can_be_had(tmp_path: Path) -> None:
    @dataclass
    class Timeless(Client):
        def stamp(self, signature: bytes, key: ImagePublicKey) -> Sequence[bytes]:
            raise RegistryError("the authority is down")

    client = Timeless(2)
    with pytest.raises(RegistryError, match="the authority is down"):
        log(fully_signed(), tmp_path, client)
    assert client.seen == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("version", [1, 2])
def test_a_logged_signature_counts_where_an_entry_is_required(version: int, tmp_path: Path) -> None:
    image = fully_signed()
    logged = log(image, tmp_path, Client(version))
    assert (logged.subject.digest, logged.added, logged.kept, logged.warnings) == (image.image.digest, 1, 0, ())
    required = ImageTrust([PUBLIC_KEY], log=LOGS, log_required=True)
    with pytest.raises(VerificationError):
        verify_image_signatures(read_image(Layout(tmp_path / "in")), required)
    verified = verify_image_signatures(read_image(Layout(tmp_path / "out")), required)
    assert [one.format for one in verified.signatures] == [SignatureFormat.BUNDLE]


def test_the_old_bundle_is_replaced_and_all_else_stays(tmp_path: Path) -> None:
    image = fully_signed()
    (old,) = image.attached
    log(image, tmp_path, Client())
    before, after = Layout(tmp_path / "in"), Layout(tmp_path / "out")
    old_bundle = Manifest.parse(before.read_manifest(old)).layers[0]
    gone = set(before.blob_digests()) - set(after.blob_digests())
    assert gone == {old.digest, old_bundle.digest}
    (new,) = after.referrers(image.image.digest).descriptors
    was, now = (Manifest.parse(one.read_manifest(other)) for one, other in ((before, old), (after, new)))
    assert (now.config, now.annotations, now.subject, now.artifact_type) == (
        was.config,
        was.annotations,
        was.subject,
        was.artifact_type,
    )
    listed = [entry.digest for entry in before.index.manifests]
    assert [entry.digest for entry in after.index.manifests] == [
        new.digest if digest == old.digest else digest for digest in listed
    ]
    assert {entry.digest: entry for entry in after.index.manifests}[new.digest].artifact_type == was.artifact_type


def test_the_bundle_gets_its_entries_and_nothing_else() -> None:
    entry = LogEntry.parse(parsed(logged_v1(SIGSTORE.rekor1)))
    blob = bundle_blob(make_image())
    logged = json.loads(with_log_entries(blob, [entry]))
    assert logged["verificationMaterial"].pop("tlogEntries") == [entry.to_json()]
    assert dump(logged) == blob


def test_the_same_answer_gives_the_same_bytes() -> None:
    entry = LogEntry.parse(parsed(logged_v1(SIGSTORE.rekor1)))
    blob = bundle_blob(make_image())
    assert with_log_entries(blob, [entry]) == with_log_entries(blob, [entry])
    assert with_log_entries(with_log_entries(blob, [entry, entry]), [entry]) == with_log_entries(blob, [entry])


def test_a_bundle_with_too_many_entries_is_not_written() -> None:
    entry = LogEntry.parse(parsed(logged_v1(SIGSTORE.rekor1)))
    with pytest.raises(LimitError):
        with_log_entries(bundle_blob(make_image()), [entry] * (MAX_LOG_ENTRIES + 1))
    with pytest.raises(FormatError):
        with_log_entries(b"{}", [entry])


def test_logging_again_changes_nothing(tmp_path: Path) -> None:
    log(fully_signed(), tmp_path, Client())
    client = Client()
    again = log_signatures(tmp_path / "out", tmp_path / "again", (PUBLIC_KEY,), LOGS, client)
    assert (again.added, again.kept, client.seen) == (0, 1, [])
    assert files_of(tmp_path / "again") == files_of(tmp_path / "out")


def test_only_bundles_of_the_keys_given_are_logged(tmp_path: Path) -> None:
    image = make_image()
    attach_bundle(image)
    attach_bundle(image, OTHER_SIGNER)
    stranger = attach_bundle(image, STRANGER)
    client = Client()
    logged = log(image, tmp_path, client, PUBLIC_KEY, OTHER_PUBLIC_KEY)
    assert (logged.added, len(client.seen)) == (2, 2)
    assert stranger.digest in {one.digest for one in Layout(tmp_path / "out").index.manifests}
    trust = ImageTrust([PUBLIC_KEY, OTHER_PUBLIC_KEY], log=LOGS, log_required=True, threshold=2)
    verify_image_signatures(read_image(Layout(tmp_path / "out")), trust)


def test_an_attestation_by_the_key_is_logged_too(tmp_path: Path) -> None:
    image = make_image()
    attach_bundle(image, payload=b'{"predicateType":"https://example.com/attestation"}')
    assert log(image, tmp_path, Client()).added == 1


def test_a_referrer_that_the_index_does_not_list_is_listed(tmp_path: Path) -> None:
    image = make_image()
    attach_bundle(image)
    layout = write_layout(image, tmp_path / "in")
    index = json.loads((layout / "index.json").read_bytes())
    del index["manifests"][1:]
    (layout / "index.json").write_bytes(dump(index))
    log_signatures(layout, tmp_path / "out", (PUBLIC_KEY,), LOGS, Client())
    assert len(Layout(tmp_path / "out").index.manifests) == 2


def test_a_malformed_referrer_is_reported_and_kept(tmp_path: Path) -> None:
    image = make_image()
    attach_bundle(image)
    malformed = attach_blob(image, b"no bundle")
    logged = log(image, tmp_path, Client())
    (warning,) = logged.warnings
    assert str(malformed.digest) in warning
    assert blob_path(tmp_path / "out", malformed.digest).exists()


def test_a_keyless_bundle_is_left_alone(tmp_path: Path) -> None:
    image = make_image()
    attach_bundle(image)
    keyless = attach_blob(
        image,
        edited(bundle_blob(image), lambda top: top.update(verificationMaterial={"certificate": {"rawBytes": "AAAA"}})),
    )
    assert log(image, tmp_path, Client()).added == 1
    assert blob_path(tmp_path / "out", keyless.digest).exists()


def refused(layout: Path, client: Client | Replaying | Failing, logs: TrustedLogs = LOGS) -> VerificationError:
    output = layout.parent / "out"
    with pytest.raises(VerificationError) as error:
        log_signatures(layout, output, (PUBLIC_KEY,), logs, client)
    assert not output.exists()
    return error.value


def test_an_image_that_no_key_given_signed_is_refused(tmp_path: Path) -> None:
    image = make_image()
    attach_bundle(image, STRANGER)
    assert refused(write_layout(image, tmp_path / "in"), Client()).reason is Reason.UNSIGNED


def test_an_entry_of_another_signature_is_not_written(tmp_path: Path) -> None:
    assert refused(write_layout(fully_signed(), tmp_path / "in"), Replaying()).reason is Reason.NOT_LOGGED


def test_the_entry_of_a_log_that_is_not_trusted_is_not_written(tmp_path: Path) -> None:
    layout = write_layout(fully_signed(), tmp_path / "in")
    assert refused(layout, Client(), trusted_logs(Sigstore())).reason is Reason.NOT_LOGGED


def test_an_entry_that_is_there_and_does_not_hold_is_refused(tmp_path: Path) -> None:
    image = make_image()
    foreign = LogEntry.parse(parsed(logged_v1(SIGSTORE.rekor1, envelope_of(b"{}"))))
    attach_blob(image, with_log_entries(bundle_blob(image), [foreign]))
    assert refused(write_layout(image, tmp_path / "in"), Client()).reason is Reason.NOT_LOGGED


def test_a_log_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    layout = write_layout(fully_signed(), tmp_path / "in")
    with pytest.raises(RegistryError, match="the log is down"):
        log_signatures(layout, tmp_path / "out", (PUBLIC_KEY,), LOGS, Failing())
    assert not (tmp_path / "out").exists()


def test_without_keys_nothing_is_logged(tmp_path: Path) -> None:
    layout = write_layout(fully_signed(), tmp_path / "in")
    with pytest.raises(UsageError, match="no OCI key"):
        log_signatures(layout, tmp_path / "out", (), LOGS, Client())


def test_a_manifest_that_is_not_its_digest_is_refused(tmp_path: Path) -> None:
    image = fully_signed()
    layout = write_layout(image, tmp_path / "in")
    path = blob_path(layout, image.image.digest)
    path.write_bytes(path.read_bytes().replace(b"application/wasm", b"application/wasn"))
    assert refused(layout, Client()).reason is Reason.DIGEST_MISMATCH


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result.output


@pytest.mark.parametrize("rekor", [1, 2])
def test_the_command_logs_a_layout(rekor: int, tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    (tmp_path / "oci.pub").write_bytes(PUBLIC_KEY.pem())
    with SigstoreServer() as server:
        files = server.write(tmp_path)
        logs = ("--signing-config", files.signing_config(rekor), "--trusted-root", files.trusted_root)
        command = ("image", "log", layout, *logs, "--oci-key")
        own = (*command, tmp_path / "oci.pub", "--output")
        said = json.loads(run(*own, tmp_path / "logged", "--json"))
        digest = str(Layout(layout).subject().digest)
        assert said == {
            "result": "ok",
            "layout": str(tmp_path / "logged"),
            "image": digest,
            "added": 1,
            "kept": 0,
            "warnings": [],
        }
        assert run(*own, tmp_path / "text").splitlines()[0] == f"{tmp_path / 'text'}: {digest}"
        (tmp_path / "other.pub").write_bytes(STRANGER.public_key.pem())
        assert "UNSIGNED" in run(*command, tmp_path / "other.pub", "--output", tmp_path / "none", code=3)
    bundles = [one.digest for one in Layout(tmp_path / "logged").referrers(Digest.parse(digest)).descriptors]
    assert len(bundles) == 1
    assert len(stamps_of(tmp_path / "logged")) == (rekor == 2)


def test_the_command_wants_a_key(tmp_path: Path) -> None:
    run("image", "log", tmp_path, "--output", tmp_path / "out", code=2)


def test_a_bundle_that_is_logged_is_still_a_bundle() -> None:
    image = make_image()
    blob = bundle_blob(image)
    client = Client()
    logged = with_log_entries(blob, client.add(parse_bundle(blob).envelope, PUBLIC_KEY))
    assert parse_bundle(logged).envelope == parse_bundle(blob).envelope
    assert len(parse_bundle(logged).log_entries) == 1
