"""The client of transparency logs: what it sends, what it takes, and that a log cannot lead it astray."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from image_fixtures import PUBLIC_KEY, Edit, edited, envelope_of
from log_entry_fixtures import ENVELOPE, URL, logged_v1, logged_v2, parsed, trusted_logs
from sigstore_fixtures import Sigstore, SigstoreServer
from sigstore_log_fixtures import Json, Log, v1_answer
from wasmoci.keys.image import FileKey, ImageSigner
from wasmoci.transparency.log_entry import LogEntry
from wasmoci.transparency.rekor import RekorLogs, parse_answer_v1
from wasmoci.transparency.signing_config import Service, Services
from wasmoci.transparency.stamping import MAX_ANSWER_SIZE
from wasmoci.transparency.time_stamps import proven_time
from wasmoci.transparency.trusted_root import Validity, parse_trusted_root
from wasmoci.transparency.verifying import TrustedLogs
from wasmoci.values.errors import Error, FormatError, LimitError, RegistryError, UsageError, VerificationError
from wasmoci.values.strict_json import dump

SIGSTORE = Sigstore()
ENTRY = logged_v1(SIGSTORE.rekor1)
ANSWER = dump(v1_answer(ENTRY))
ENTRIES = "/api/v1/log/entries"


def verify(logs: TrustedLogs, entries: list[LogEntry], signer: ImageSigner | None = None) -> None:
    key = PUBLIC_KEY if signer is None else signer.public_key
    envelope = ENVELOPE if signer is None else envelope_of(b"{}", signer)
    logs.verify([parsed(entry.to_json()) for entry in entries], envelope, key)


@pytest.mark.parametrize("rekor", [1, 2])
def test_what_the_log_answers_holds(rekor: int, tmp_path: Path) -> None:
    with SigstoreServer() as server:
        files = server.write(tmp_path)
        trusted = TrustedLogs.from_file(files.trusted_root)
        verify(trusted, RekorLogs.from_file(files.signing_config(rekor), trusted).add(ENVELOPE, PUBLIC_KEY))
    (request,) = server.requests
    assert request.path == (ENTRIES if rekor == 1 else "/rekor2/api/v2/log/entries")
    assert request.authorization is None


def test_what_is_sent_is_what_rekor_takes() -> None:
    with SigstoreServer() as server:
        for rekor in (1, 2):
            url = server.url if rekor == 1 else f"{server.url}/rekor2/"
            logs_at(url, rekor).add(ENVELOPE, PUBLIC_KEY)
    first, second = (json.loads(request.body) for request in server.requests)
    content = first["spec"].pop("proposedContent")
    assert first == {"apiVersion": "0.0.1", "kind": "dsse", "spec": {}}
    assert json.loads(content["envelope"]) == {
        "payload": base64.b64encode(ENVELOPE.payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": base64.b64encode(ENVELOPE.signature).decode()}],
    }
    assert [base64.b64decode(one) for one in content["verifiers"]] == [PUBLIC_KEY.pem()]
    asked = second["hashedRekordRequestV002"]["signature"]
    assert asked["content"] == base64.b64encode(ENVELOPE.signature).decode()
    assert asked["verifier"] == {
        "publicKey": {"rawBytes": base64.b64encode(PUBLIC_KEY.spki).decode()},
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
    }


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-p384"])
def test_keys_that_rekor_v2_does_not_take_go_to_version_1(kind: str) -> None:
    signer = ImageSigner(FileKey.generate(kind))
    envelope = envelope_of(b"{}", signer)
    with SigstoreServer() as server:
        both = Services([service(server.url, 1), service(f"{server.url}/rekor2", 2)], 1)
        entries = RekorLogs(both).add(envelope, signer.public_key)
        root = parse_trusted_root(dump(server.sigstore.trusted_root(server.url)))
        verify(TrustedLogs(root), entries, signer)
        assert [request.path for request in server.requests] == [ENTRIES]
        with pytest.raises(UsageError, match=r"of major version 1$"):
            logs_at(f"{server.url}/rekor2", 2).add(envelope, signer.public_key)


def test_the_ca_bundle_of_the_environment_is_used(tmp_path: Path) -> None:
    with SigstoreServer() as server:
        config = edited(server.write(tmp_path).signing_config(1).read_bytes(), https)
        (tmp_path / "https.json").write_bytes(config)
        environment = {"SSL_CERT_FILE": str(tmp_path / "missing")}
        logs = RekorLogs.from_file(tmp_path / "https.json", trusted_logs(SIGSTORE), environment)
        with pytest.raises(Error, match=r"cannot read the CA certificates .*missing: No such file"):
            logs.add(ENVELOPE, PUBLIC_KEY)


def https(config: Json) -> None:
    log = config["rekorTlogUrls"][0]
    log["url"] = log["url"].replace("http:", "https:")


def test_all_logs_of_a_configuration_get_the_entry() -> None:
    with SigstoreServer() as server:
        two = Services([service(server.url, 1, "a"), service(server.url, 1, "b")], None)
        assert len(RekorLogs(two).add(ENVELOPE, PUBLIC_KEY)) == 2
    assert len(server.requests) == 2


def stamped(server: SigstoreServer, folder: Path, rekor: int = 2, edit: Edit | None = None) -> list[bytes]:
    """The time stamps of a signature that the logs of `server` take, where `edit` changed its configuration."""
    files = server.write(folder)
    trusted = TrustedLogs.from_file(files.trusted_root)
    config = folder / "edited.json"
    config.write_bytes(edited(files.signing_config(rekor).read_bytes(), edit))
    return RekorLogs.from_file(config, trusted).stamp(ENVELOPE.signature, PUBLIC_KEY)


def with_authority(config: Json) -> None:
    service = config["rekorTlogUrls"][0]
    config["tsaUrls"] = [{**service, "majorApiVersion": 1, "url": f"{service['url']}/tsa"}]


def test_a_signature_for_a_log_of_version_2_gets_a_time_stamp_that_holds(tmp_path: Path) -> None:
    with SigstoreServer() as server:
        (stamp,) = stamped(server, tmp_path)
        trusted = trusted_logs(server.sigstore)
    assert proven_time(stamp, ENVELOPE.signature, trusted.authorities) == pytest.approx(time.time(), abs=60)
    assert proven_time(stamp, b"another signature", trusted.authorities) is None
    (request,) = server.requests
    assert (request.path, request.authorization) == ("/tsa", None)
    assert hashlib.sha256(ENVELOPE.signature).digest() in request.body


@pytest.mark.parametrize("status", [200, 201])
def test_both_statuses_of_a_time_stamping_authority(status: int, tmp_path: Path) -> None:
    with SigstoreServer() as server:
        server.answers["/tsa"] = (status, server.sigstore.tsa.stamp(ENVELOPE.signature))
        assert len(stamped(server, tmp_path)) == 1


@pytest.mark.parametrize(
    ("rekor", "edit"),
    [
        pytest.param(1, with_authority, id="version_1_says_when"),
        pytest.param(2, lambda config: config.pop("tsaUrls"), id="no_authority"),
        pytest.param(2, lambda config: config.update(tsaUrls=[], tsaConfig={}), id="empty_list_of_authorities"),
    ],
)
def test_no_time_stamp_is_asked_for(rekor: int, edit: Edit, tmp_path: Path) -> None:
    with SigstoreServer() as server:
        assert stamped(server, tmp_path, rekor, edit) == []
    assert server.requests == []


def test_authorities_that_ended_are_a_usage_error(tmp_path: Path) -> None:
    def end(config: Json) -> None:
        config["tsaUrls"][0]["validFor"]["end"] = config["tsaUrls"][0]["validFor"]["start"]

    with (
        SigstoreServer() as server,
        pytest.raises(UsageError, match="wants 1 time stamping authorities, and it has 0"),
    ):
        stamped(server, tmp_path, edit=end)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(500, b"down", "answered 500: down", id="failure"),
        pytest.param(302, b"", "answered 302", id="redirect"),
        pytest.param(200, b"no stamp", "is by no authority of the trusted root", id="no_stamp"),
        pytest.param(200, SIGSTORE.tsa.stamp(ENVELOPE.signature), "is by no authority", id="another_authority"),
        pytest.param(200, b" " * (MAX_ANSWER_SIZE + 1), "is larger than the limit", id="too_large"),
    ],
)
def test_a_time_stamp_that_does_not_hold_is_an_error(
    status: int, body: bytes, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with SigstoreServer() as server:
        server.answers["/tsa"] = (status, body)
        with pytest.raises(Error, match=error):
            stamped(server, tmp_path)


def test_a_time_stamp_of_another_signature_is_an_error(tmp_path: Path) -> None:
    with SigstoreServer() as server:
        server.answers["/tsa"] = (200, server.sigstore.tsa.stamp(b"another signature"))
        with pytest.raises(Error, match="is by no authority"):
            stamped(server, tmp_path)


def service(url: str, version: int, operator: str = "") -> Service:
    return Service(url, version, Validity(None, None), operator)


def logs_at(url: str, version: int = 1) -> RekorLogs:
    return RekorLogs(Services([service(url, version)], 1))


@dataclass
class FakeLog:
    """Answers each request by method and path with a status, headers and a body, and remembers it."""

    answers: dict[tuple[str, str], list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def next(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        self.seen.append((method, path))
        waiting = self.answers.get((method, path), [(404, {}, b"nothing here")])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@contextmanager
def fake_log() -> Iterator[FakeLog]:
    fake = FakeLog()

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = fake.next(self.command, self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = handle_request  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()


EXISTING = f"{ENTRIES}/24296fb24b8ad77a"


def test_an_entry_that_the_log_has_already_is_fetched() -> None:
    with fake_log() as fake:
        fake.answers["POST", ENTRIES] = [(409, {"Location": EXISTING}, b"")]
        fake.answers["GET", EXISTING] = [(200, {}, ANSWER)]
        (entry,) = logs_at(fake.url).add(ENVELOPE, PUBLIC_KEY)
        assert fake.seen == [("POST", ENTRIES), ("GET", EXISTING)]
    assert entry == LogEntry.parse(parsed(ENTRY))


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("http://127.0.0.1:1/entry", id="another_port"),
        pytest.param("https://log.example/entry", id="another_host"),
        pytest.param("//log.example/entry", id="another_host_without_scheme"),
        pytest.param(None, id="none"),
    ],
)
def test_a_log_cannot_send_us_elsewhere(location: str | None) -> None:
    with fake_log() as fake:
        fake.answers["POST", ENTRIES] = [(409, {} if location is None else {"Location": location}, b"")]
        with pytest.raises(RegistryError, match="does not say where"):
            logs_at(fake.url).add(ENVELOPE, PUBLIC_KEY)


def test_an_existing_entry_that_is_not_there_is_an_error() -> None:
    with fake_log() as fake:
        fake.answers["POST", ENTRIES] = [(409, {"Location": EXISTING}, b"")]
        with pytest.raises(RegistryError, match="answered 404: nothing here"):
            logs_at(fake.url).add(ENVELOPE, PUBLIC_KEY)


V2_ENTRIES = "/api/v2/log/entries"


def serve_tiles(fake: FakeLog, log: Log) -> None:
    """What a log of Rekor v2 serves of its tree: its checkpoint, and its lowest tiles."""
    fake.answers["GET", "/api/v2/checkpoint"] = [(200, {}, log.checkpoint().encode())]
    width = len(log.leaves)
    assert width < 256
    fake.answers["GET", f"/api/v2/tile/0/000.p/{width}"] = [(200, {}, b"".join(log.leaves))]


def conflicting(fake: FakeLog, index: str) -> None:
    fake.answers["POST", V2_ENTRIES] = [(409, {"X-Log-Index": index}, b"")]


def trusting(fake: FakeLog) -> RekorLogs:
    """A client that trusts both logs of SIGSTORE."""
    services = Services([service(fake.url, 2)], 1)
    return RekorLogs(services, trusted=parse_trusted_root(dump(SIGSTORE.trusted_root(URL))))


def test_an_entry_that_a_log_of_version_2_has_already_is_proved_from_its_tiles() -> None:
    entry = logged_v2(SIGSTORE.rekor2)
    for number in range(5):
        SIGSTORE.rekor2.append(b"%d" % number, "hashedrekord", "0.0.2")
    with fake_log() as fake:
        conflicting(fake, entry["logIndex"])
        serve_tiles(fake, SIGSTORE.rekor2)
        entries = trusting(fake).add(ENVELOPE, PUBLIC_KEY)
    verify(trusted_logs(SIGSTORE), entries)
    assert entries[0].to_json()["logIndex"] == entry["logIndex"]


def test_an_existing_entry_of_another_index_does_not_hold() -> None:
    entry = logged_v2(SIGSTORE.rekor2)
    with fake_log() as fake:
        conflicting(fake, str(int(entry["logIndex"]) - 1))
        serve_tiles(fake, SIGSTORE.rekor2)
        entries = trusting(fake).add(ENVELOPE, PUBLIC_KEY)
    with pytest.raises(VerificationError, match="not in the tree"):
        verify(trusted_logs(SIGSTORE), entries)


@pytest.mark.parametrize("index", ["", "x", "-1", "1" * 16])
def test_a_log_of_version_2_must_say_where_the_entry_is(index: str) -> None:
    with fake_log() as fake:
        conflicting(fake, index)
        with pytest.raises(RegistryError, match="does not say where"):
            trusting(fake).add(ENVELOPE, PUBLIC_KEY)


def test_the_checkpoint_of_a_log_that_is_not_trusted_is_refused() -> None:
    with fake_log() as fake:
        conflicting(fake, "1")
        serve_tiles(fake, Log(2, "127.0.0.1"))
        with pytest.raises(VerificationError, match="not by a log of the trusted root"):
            trusting(fake).add(ENVELOPE, PUBLIC_KEY)


def test_an_entry_that_is_not_in_the_checkpoint_yet_is_an_error() -> None:
    with fake_log() as fake:
        conflicting(fake, str(len(SIGSTORE.rekor2.leaves)))
        serve_tiles(fake, SIGSTORE.rekor2)
        with pytest.raises(RegistryError, match="try again"):
            trusting(fake).add(ENVELOPE, PUBLIC_KEY)


@pytest.mark.parametrize(
    ("path", "status", "body", "error"),
    [
        pytest.param("/api/v2/checkpoint", 404, b"", "answered 404", id="no_checkpoint"),
        pytest.param("/api/v2/checkpoint", 200, b"\xff", "is not UTF-8", id="checkpoint_is_not_text"),
        pytest.param("/api/v2/checkpoint", 200, b"x", "has an empty line", id="checkpoint_is_none"),
        pytest.param("tile", 404, b"", "answered 404", id="no_tile"),
        pytest.param("tile", 200, b"x" * 33, "must have", id="tile_of_another_size"),
    ],
)
def test_a_log_that_serves_something_else_is_an_error(path: str, status: int, body: bytes, error: str) -> None:
    with fake_log() as fake:
        conflicting(fake, "1")
        serve_tiles(fake, SIGSTORE.rekor2)
        (path,) = (served for method, served in fake.answers if method == "GET" and path in served)
        fake.answers["GET", path] = [(status, {}, body)]
        with pytest.raises(Error, match=error):
            trusting(fake).add(ENVELOPE, PUBLIC_KEY)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("version", [1, 2])
def test_redirects_are_not_followed(version: int, status: int) -> None:
    path = f"/api/v{version}/log/entries"
    with fake_log() as fake:
        fake.answers["POST", path] = [(status, {"Location": "/elsewhere"}, b"")]
        with pytest.raises(RegistryError, match=f"answered {status}"):
            logs_at(fake.url, version).add(ENVELOPE, PUBLIC_KEY)
        assert fake.seen == [("POST", path)]


def test_a_passing_failure_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with fake_log() as fake:
        fake.answers["POST", ENTRIES] = [(503, {"Retry-After": "0"}, b""), (201, {}, ANSWER)]
        logs_at(fake.url).add(ENVELOPE, PUBLIC_KEY)
        assert len(fake.seen) == 2


def test_a_lasting_failure_ends() -> None:
    with fake_log() as fake:
        fake.answers["POST", ENTRIES] = [(503, {"Retry-After": "0"}, b"down")]
        with pytest.raises(RegistryError, match="answered 503: down"):
            logs_at(fake.url).add(ENVELOPE, PUBLIC_KEY)
        assert len(fake.seen) == 4


def test_what_a_log_says_of_a_refusal_is_fit_to_print() -> None:
    with fake_log() as fake:
        fake.answers["POST", ENTRIES] = [(400, {}, b"no\x1b[2J\xff" + b"x" * 1000)]
        with pytest.raises(RegistryError) as refused:
            logs_at(fake.url).add(ENVELOPE, PUBLIC_KEY)
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("status", [201, 400])
def test_an_answer_is_bounded(status: int) -> None:
    with fake_log() as fake:
        fake.answers["POST", ENTRIES] = [(status, {}, b" " * (MAX_ANSWER_SIZE + 1))]
        with pytest.raises(LimitError, match="is larger than the limit"):
            logs_at(fake.url).add(ENVELOPE, PUBLIC_KEY)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"a":{}}'])
def test_an_answer_that_is_no_entry_is_refused(version: int, body: bytes) -> None:
    with fake_log() as fake:
        fake.answers["POST", f"/api/v{version}/log/entries"] = [(201, {}, body)]
        with pytest.raises(FormatError, match="the answer of http://127"):
            logs_at(fake.url, version).add(ENVELOPE, PUBLIC_KEY)


def test_a_log_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_log() as fake:
        url = fake.url
    monkeypatch.setattr("wasmoci.registry.deadline.FIRST_PAUSE_SECONDS", 0.0)
    with pytest.raises(RegistryError, match="POST http://127"):
        logs_at(url).add(ENVELOPE, PUBLIC_KEY)


@pytest.mark.parametrize("url", ["ftp://log.example", "log.example", "http://user@log.example", ""])
def test_a_url_that_is_none_is_an_error(url: str) -> None:
    with pytest.raises(Error, match="not an http or https URL"):
        logs_at(url).add(ENVELOPE, PUBLIC_KEY)


def in_answer(edit: Edit) -> Edit:
    return lambda top: edit(next(iter(top.values())))


def in_proof(**changes: object) -> Edit:
    return in_answer(lambda entry: entry["verification"]["inclusionProof"].update(changes))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(lambda top: top.update(b={}), "has 2 log entries", id="two_entries"),
        pytest.param(in_answer(lambda entry: entry.pop("verification")), "is missing", id="no_verification"),
        pytest.param(in_answer(lambda entry: entry.update(body="x")), "is not base64", id="body"),
        pytest.param(in_answer(lambda entry: entry.update(body="W10=")), "must be a JSON object", id="body_is_a_list"),
        pytest.param(in_answer(lambda entry: entry.update(logIndex=-1)), "whole number", id="negative_index"),
        pytest.param(in_answer(lambda entry: entry.update(integratedTime="1")), "whole number", id="time_is_text"),
        pytest.param(in_answer(lambda entry: entry.update(logID="AB")), "is not lower-case hex", id="upper_case"),
        pytest.param(in_answer(lambda entry: entry.update(logID="abc")), "is not lower-case hex", id="odd_hex"),
        pytest.param(in_proof(rootHash="x"), "is not lower-case hex", id="root"),
        pytest.param(in_proof(hashes=["x"]), "is not lower-case hex", id="hash"),
        pytest.param(in_proof(hashes=["ab"] * 65), "the limit is 64", id="65_hashes"),
        pytest.param(in_proof(checkpoint=None), "must be a string", id="no_checkpoint"),
    ],
)
def test_a_defective_answer_of_version_1_is_refused(edit: Edit, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_answer_v1(edited(ANSWER, edit), "the answer")
