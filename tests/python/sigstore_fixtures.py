"""A Sigstore for tests: certificates, logs and time stamps, in memory and behind one loopback HTTP server.

`Sigstore` makes bundles without any network, good ones and ones that must be refused.
`SigstoreServer` serves it to signing clients, ours and real ones:

    POST /api/v2/signingCert            Fulcio
    POST /api/v1/log/entries            Rekor v1
    POST /rekor2/api/v2/log/entries     Rekor v2
    POST /tsa                           RFC 3161
    GET  /token                         an identity token
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key

from sigstore_certificate_fixtures import ISSUER, SAN, YEAR, Authority, Leaf, issuer_extensions, now, spki
from sigstore_log_fixtures import Json, Log, proposed_dsse, request_v2, text, v1_answer
from sigstore_timestamp_fixtures import TimestampAuthority
from wasmoci.cosign_bundle import BUNDLE_MEDIA_TYPE, Envelope
from wasmoci.strict_json import dump

TOKEN_SECRET = "marked-identity-token-secret"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def identity_token(
    subject: str = SAN,
    issuer: str = ISSUER,
    lifetime: timedelta = timedelta(minutes=5),
    **claims: object,
) -> str:
    """A token that looks like one of RS256; its signature is TOKEN_SECRET and nobody checks it."""
    issued = int(now().timestamp())
    until = issued + int(lifetime.total_seconds())
    payload = {"aud": "sigstore", "sub": subject, "iss": issuer, "iat": issued, "exp": until, **claims}
    if "@" in subject and "://" not in subject:
        payload |= {"email": subject, "email_verified": True}
    parts = [base64.urlsafe_b64encode(dump(part)).rstrip(b"=") for part in ({"alg": "RS256", "typ": "JWT"}, payload)]
    return b".".join([*parts, TOKEN_SECRET.encode()]).decode()


@dataclass
class Sigstore:
    """All its services with keys of their own. `clock` is the time of certificates, logs and time stamps."""

    clock: Callable[[], datetime] = now
    authority: Authority = field(default_factory=Authority)
    tsa: TimestampAuthority = field(default_factory=TimestampAuthority)
    rekor1: Log = field(default_factory=lambda: Log(1, "rekor.example - 1"))
    rekor2: Log = field(default_factory=lambda: Log(2, "127.0.0.1"))

    def __post_init__(self) -> None:
        for service in (self.authority, self.tsa, self.rekor1, self.rekor2):
            service.clock = self.time

    def time(self) -> datetime:
        return self.clock()

    def log(self, version: int) -> Log:
        return self.rekor1 if version == 1 else self.rekor2

    def sign(self, payload: bytes, leaf: Leaf | None = None) -> "SignedEnvelope":
        """Sign a DSSE payload with a new key and a certificate for it."""
        key = ec.generate_private_key(ec.SECP256R1())
        envelope = Envelope(payload, key.sign(Envelope(payload, b"").signed_message, ec.ECDSA(hashes.SHA256())))
        return SignedEnvelope(envelope, self.authority.issue(key.public_key(), leaf))

    def bundle(self, payload: bytes, leaf: Leaf | None = None, rekor: int = 1) -> Json:
        """A keyless bundle that is good unless `leaf` or the clock are not; Rekor v2 comes with a time stamp."""
        signed = self.sign(payload, leaf)
        log = self.log(rekor)
        if rekor == 1:
            return signed.bundle(signed.logged_v1(log))
        return signed.bundle(signed.logged_v2(log), self.tsa.stamp(signed.envelope.signature))

    def trusted_root(self, url: str = "https://sigstore.example") -> Json:
        """The trusted root of all services, valid from a year ago."""
        valid = {"start": timestamp(now() - YEAR)}
        ca, tsa = self.authority, self.tsa
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [
                _log_instance(url, self.rekor1.key, valid),
                _log_instance(f"{url}/rekor2", self.rekor2.key, valid),
            ],
            "certificateAuthorities": [_authority(url, ca.chain, valid)],
            "ctlogs": [_log_instance(f"{url}/ct", ca.log_key, valid)],
            "timestampAuthorities": [_authority(f"{url}/tsa", [tsa.certificate, tsa.root], valid)],
        }


@dataclass(frozen=True)
class SignedEnvelope:
    """A signed DSSE payload with the signer's certificate."""

    envelope: Envelope
    certificate: x509.Certificate

    def logged_v1(self, log: Log) -> Json:
        pem = self.certificate.public_bytes(Encoding.PEM)
        return log.append_proposed(proposed_dsse(dump(envelope_json(self.envelope)), pem))

    def logged_v2(self, log: Log) -> Json:
        verifier = {"x509Certificate": {"rawBytes": text(self.certificate.public_bytes(Encoding.DER))}}
        return log.append_request(request_v2(self.envelope.signed_message, self.envelope.signature, verifier))

    def bundle(self, entry: Json, *stamps: bytes) -> Json:
        material: Json = {
            "certificate": {"rawBytes": text(self.certificate.public_bytes(Encoding.DER))},
            "tlogEntries": [entry],
        }
        if stamps:
            signed = [{"signedTimestamp": text(stamp)} for stamp in stamps]
            material["timestampVerificationData"] = {"rfc3161Timestamps": signed}
        envelope = envelope_json(self.envelope)
        return {"mediaType": BUNDLE_MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope}


def envelope_json(envelope: Envelope) -> Json:
    signature = {"sig": text(envelope.signature)}
    return {"payload": text(envelope.payload), "payloadType": PAYLOAD_TYPE, "signatures": [signature]}


def timestamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class Files:
    """A Sigstore's configuration in files, as clients read it."""

    trusted_root: Path
    # One for each version of Rekor; both name the same certificate authority.
    signing_config_v1: Path
    signing_config_v2: Path
    client_config_v1: Path
    client_config_v2: Path
    token: Path

    def signing_config(self, rekor: int) -> Path:
        return self.signing_config_v1 if rekor == 1 else self.signing_config_v2

    def client_config(self, rekor: int) -> Path:
        return self.client_config_v1 if rekor == 1 else self.client_config_v2


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    path: str
    authorization: str | None
    body: bytes


class SigstoreServer:
    """Serves a Sigstore on a free port of 127.0.0.1 while the block runs.

    `answers` by path replace what a service answers, by status and body. `leaf` is what certificates
    hold apart from the names, which come from the token.
    """

    def __init__(self, sigstore: Sigstore | None = None) -> None:
        self.sigstore = sigstore or Sigstore()
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.leaf_options: dict[str, Any] = {}
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.fake = self  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "SigstoreServer":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def signing_config(self, rekor: int) -> Json:
        """The signing configuration v0.2 with one version of Rekor; time stamps come with version 2 only."""
        log = {**self._service(self.url if rekor == 1 else f"{self.url}/rekor2"), "majorApiVersion": rekor}
        config: Json = {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [self._service(self.url)],
            "oidcUrls": [self._service(self.url)],
            "rekorTlogUrls": [log],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        }
        if rekor == 2:
            config["tsaUrls"] = [self._service(f"{self.url}/tsa")]
        return config

    def write(self, folder: Path, subject: str = SAN, issuer: str = ISSUER) -> Files:
        """Write the configuration and a fresh token for `subject`."""
        files = Files(
            folder / "trusted_root.json",
            folder / "signing_config_v1.json",
            folder / "signing_config_v2.json",
            folder / "client_config_v1.json",
            folder / "client_config_v2.json",
            folder / "identity.token",
        )
        root = self.sigstore.trusted_root(self.url)
        files.trusted_root.write_bytes(dump(root))
        for rekor in (1, 2):
            config = self.signing_config(rekor)
            files.signing_config(rekor).write_bytes(dump(config))
            media_type = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
            client = {"mediaType": media_type, "trustedRoot": root, "signingConfig": config}
            files.client_config(rekor).write_bytes(dump(client))
        files.token.write_text(identity_token(subject, issuer))
        files.token.chmod(0o600)
        return files

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Status and body for a request."""
        if request.path in self.answers:
            return self.answers[request.path]
        services: Mapping[str, Callable[[Request], tuple[int, bytes]]] = {
            "/token": lambda _: (200, dump({"value": identity_token()})),
            "/api/v2/signingCert": self._fulcio,
            "/api/v1/log/entries": self._rekor1,
            "/rekor2/api/v2/log/entries": self._rekor2,
            "/tsa": lambda request: (200, self.sigstore.tsa.answer(request.body)),
        }
        service = services.get(request.path)
        return service(request) if service else (404, b"nothing here")

    def _fulcio(self, request: Request) -> tuple[int, bytes]:
        asked = json.loads(request.body)
        credentials = asked.get("credentials", {})
        token = credentials.get("oidcIdentityToken") or str(request.authorization).removeprefix("Bearer ")
        if "certificateSigningRequest" in asked:
            key = x509.load_pem_x509_csr(base64.b64decode(asked["certificateSigningRequest"])).public_key()
        else:
            key = cast(Any, load_pem_public_key(asked["publicKeyRequest"]["publicKey"]["content"].encode()))
        claims = _claims(token)
        options = {"san": claims.get("email", claims["sub"]), "issuer": issuer_extensions(claims["iss"])}
        leaf = self.sigstore.authority.issue(key, Leaf(**{**options, **self.leaf_options}))
        chain = [one.public_bytes(Encoding.PEM).decode() for one in (leaf, *self.sigstore.authority.chain)]
        return 200, dump({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})

    def _rekor1(self, request: Request) -> tuple[int, bytes]:
        entry = self.sigstore.rekor1.append_proposed(json.loads(request.body))
        return 201, dump(v1_answer(entry))

    def _rekor2(self, request: Request) -> tuple[int, bytes]:
        return 201, dump(self.sigstore.rekor2.append_request(json.loads(request.body)))

    def _service(self, url: str) -> Json:
        valid = {"start": timestamp(now() - YEAR)}
        return {"url": url, "majorApiVersion": 1, "validFor": valid, "operator": "sigstore.example"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    disable_nagle_algorithm = True

    def handle_request(self) -> None:
        fake: SigstoreServer = cast(Any, self.server).fake
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.path.partition("?")[0], self.headers["Authorization"], body)
        fake.requests.append(request)
        status, answer = fake.answer(request)
        self.send_response(status)
        kind = "application/timestamp-reply" if request.path == "/tsa" else "application/json"
        if status == 201 and request.path == "/api/v1/log/entries":
            # Rekor v1 names the entry's key in the answer here, and cosign looks it up by that.
            self.send_header("ETag", next(iter(json.loads(answer))))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = handle_request  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


def _claims(token: str) -> Json:
    payload = token.split(".")[1]
    claims: Json = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _log_instance(url: str, key: ec.EllipticCurvePrivateKey, valid: Json) -> Json:
    public = {"rawBytes": text(spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid}
    identifier = hashes.Hash(hashes.SHA256())
    identifier.update(spki(key))
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": public,
        "logId": {"keyId": text(identifier.finalize())},
    }


def _authority(url: str, chain: list[x509.Certificate], valid: Json) -> Json:
    return {
        "subject": {"organization": "sigstore.example", "commonName": "sigstore"},
        "uri": url,
        "certChain": {"certificates": [{"rawBytes": text(one.public_bytes(Encoding.DER))} for one in chain]},
        "validFor": valid,
    }
