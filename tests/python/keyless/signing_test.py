"""Signing as an identity: what is signed verifies, and the token goes to the certificate authority only."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from sigstore.oidc import ExpiredIdentity
from sigstore.sign import SigningContext

from image_fixtures import PUBLIC_KEY, REPOSITORY, SIGNER, make_image, write_layout
from sigstore_certificate_fixtures import ISSUER, SAN
from sigstore_fixtures import TOKEN_SECRET, Files, SigstoreServer, identity_token
from sigstore_log_fixtures import Log
from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign.statement import attestation, signature_statement
from wasmoci.disk.layout import Layout
from wasmoci.keyless.identity import Identity, IdentityPattern
from wasmoci.keyless.signing import MAX_TOKEN_SIZE, KeylessSigner, token_identities
from wasmoci.keyless.verifying import IdentityVerifier
from wasmoci.oci.graph import read_image
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.transparency.signing_config import MAX_SIGNING_CONFIG_SIZE
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, LimitError, Reason, UsageError, VerificationError
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.values.strict_json import dump
from wasmoci.verify.signatures import verify_image_signatures
from wasmoci.verify.trust import CertificateVerifier, ImageTrust

STATEMENT = signature_statement(Digest.of(b"image"), {"env": "prod"})
OURS = IdentityPattern.of(identity=SAN, issuer=ISSUER)


@pytest.fixture(name="server")
def _server() -> Iterator[SigstoreServer]:
    with SigstoreServer() as server:
        yield server


@pytest.fixture(name="files")
def _files(server: SigstoreServer, tmp_path: Path) -> Files:
    return server.write(tmp_path)


def signer_of(files: Files, rekor: int = 1, seconds: float = 60) -> KeylessSigner:
    return KeylessSigner(
        token_file=files.token,
        signing_config=files.signing_config(rekor),
        trusted_root=files.trusted_root,
        seconds=seconds,
    )


def failure(files: Files, rekor: int = 1) -> Error:
    with pytest.raises(Error) as failed:
        signer_of(files, rekor).sign_statement(STATEMENT)
    assert str(failed.value).isprintable()
    return failed.value


@pytest.mark.parametrize("rekor", [1, 2])
def test_signed_statement_verifies(server: SigstoreServer, files: Files, rekor: int) -> None:
    signer = signer_of(files, rekor)
    bundle = signer.sign_statement(STATEMENT)
    verified = IdentityVerifier(files.trusted_root, [OURS]).verify(bundle)
    assert signer.fingerprint == verified.fingerprint == OURS.name
    (entry,) = cosign_bundle.parse_bundle(bundle).log_entries
    assert entry.object("kindVersion").string("version") == ("0.0.1" if rekor == 1 else "0.0.2")


def test_statement_is_signed_as_it_is_but_for_empty_names(files: Files) -> None:
    signer = signer_of(files)
    payload = cosign_bundle.parse_bundle(signer.sign_statement(STATEMENT)).envelope.payload
    signed = json.loads(payload)
    assert [one.pop("name") for one in signed["subject"]] == [""]
    assert dump(signed) == STATEMENT
    assert cosign_bundle.parse_bundle(signer.sign_statement(payload)).envelope.payload == payload
    named = STATEMENT.replace(b'{"digest"', b'{"name":"hello","digest"')
    assert cosign_bundle.parse_bundle(signer.sign_statement(named)).envelope.payload == named


def test_a_statement_with_names_is_signed_to_the_byte(files: Files) -> None:
    predicate = b'{"score":7.50,"text":"\\u0041"}'
    statement = attestation(Digest.of(b"image"), "_", "https://example.com/predicate", predicate)
    bundle = signer_of(files).sign_statement(statement)
    assert cosign_bundle.parse_bundle(bundle).envelope.payload == statement


def test_image_is_signed_by_an_identity_and_a_key(files: Files, tmp_path: Path) -> None:
    image = make_image()
    layout = write_layout(image, tmp_path / "layout")
    sign_image(SignRequest(layout, tmp_path / "signed", REPOSITORY), SIGNER, signer_of(files))
    trust = ImageTrust([PUBLIC_KEY], IdentityVerifier(files.trusted_root, [OURS]), threshold=2)
    verified = verify_image_signatures(read_image(Layout(tmp_path / "signed")), trust)
    assert {(one.signer.fingerprint, one.format) for one in verified.signatures} == {
        (PUBLIC_KEY.fingerprint, SignatureFormat.BUNDLE),
        (PUBLIC_KEY.fingerprint, SignatureFormat.LEGACY),
        (OURS.name, SignatureFormat.BUNDLE),
    }
    assert verified.warnings == ()


def test_only_the_certificate_authority_sees_the_token(server: SigstoreServer, files: Files) -> None:
    signer_of(files, 2).sign_statement(STATEMENT)
    assert [one.path for one in server.requests] == ["/api/v2/signingCert", "/tsa", "/rekor2/api/v2/log/entries"]
    for request in server.requests:
        sent = f"{request.authorization} {request.body!r}"
        assert (TOKEN_SECRET in sent) == (request.path == "/api/v2/signingCert")


def test_an_identity_signs_bundles_only(files: Files) -> None:
    signer = signer_of(files)
    assert signer.bundles_only
    with pytest.raises(UsageError, match="an identity signs bundles only"):
        signer.sign_payload(b"payload")


def test_before_it_signs_nobody_knows_the_identity(files: Files) -> None:
    assert signer_of(files).fingerprint == "identity of a token"


def test_signing_configuration_and_trusted_root_go_together(files: Files) -> None:
    with pytest.raises(UsageError, match="go together"):
        KeylessSigner(trusted_root=files.trusted_root)
    with pytest.raises(UsageError, match="go together"):
        KeylessSigner(signing_config=files.signing_config_v1)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{}",
        b'{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.1+json"}',
        b'{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}',
        b'{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","surprise":1}',
    ],
)
def test_signing_configuration_that_says_nothing_is_refused(files: Files, broken: bytes) -> None:
    files.signing_config_v1.write_bytes(broken)
    with pytest.raises(FormatError):
        signer_of(files)


def test_public_good_sigstore_needs_no_files() -> None:
    assert KeylessSigner().fingerprint


TOKENS = {
    "empty": "",
    "no_token": "marked-no-token",
    "expired": identity_token(lifetime=timedelta(minutes=-5)),
    "for_another_audience": identity_token(aud="somebody"),
    "without_subject": identity_token(sub=None),
    "not_ascii": "marked-\u00e4",
}


@pytest.mark.parametrize("name", TOKENS)
def test_token_that_cannot_be_used_is_refused_and_goes_nowhere(server: SigstoreServer, files: Files, name: str) -> None:
    files.token.write_text(TOKENS[name])
    refused = failure(files)
    assert isinstance(refused, FormatError)
    assert f"the identity token in {files.token} is no {'ASCII' if name == 'not_ascii' else 'OIDC'}" in str(refused)
    assert server.requests == []


def test_token_is_bounded(server: SigstoreServer, files: Files) -> None:
    files.token.write_text("marked-".ljust(MAX_TOKEN_SIZE, "a"))
    assert not isinstance(failure(files), LimitError)
    files.token.write_text("marked-".ljust(MAX_TOKEN_SIZE + 1, "a"))
    assert isinstance(failure(files), LimitError)
    assert server.requests == []


def test_signing_configuration_is_bounded(files: Files) -> None:
    config = files.signing_config_v1
    config.write_bytes(config.read_bytes().ljust(MAX_SIGNING_CONFIG_SIZE))
    assert signer_of(files)
    config.write_bytes(config.read_bytes() + b" ")
    with pytest.raises(LimitError, match=f"{MAX_SIGNING_CONFIG_SIZE}"):
        signer_of(files)


def test_missing_token_file_is_an_error(files: Files) -> None:
    files.token.unlink()
    assert "cannot read the identity token" in str(failure(files))


def test_token_may_end_with_a_newline(files: Files) -> None:
    files.token.write_text(f"{identity_token()}\n")
    assert signer_of(files).sign_statement(STATEMENT)


@pytest.mark.parametrize("path", ["/api/v2/signingCert", "/api/v1/log/entries"])
@pytest.mark.parametrize("status", [201, 403])
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"message":"TOKEN"}', b'{"a":{},"b":{}}', b"\x1b[2J\n"])
def test_failure_of_a_service_is_one_line_without_the_token(
    server: SigstoreServer, files: Files, path: str, status: int, body: bytes
) -> None:
    server.answers[path] = (status, body.replace(b"TOKEN", files.token.read_bytes()))
    failed = failure(files)
    assert str(failed).startswith("Sigstore's services did not sign: ")
    assert failed.exit_code == 1


def test_token_that_a_service_echoes_is_not_shown(server: SigstoreServer, files: Files) -> None:
    token = files.token.read_text()
    answer = {"code": 400, "message": f"got {token} signed {token.split('.')[2]}"}
    server.answers["/api/v1/log/entries"] = (400, dump(answer))
    assert str(failure(files)).endswith("got [secret] signed [secret]")


def test_refusal_of_fulcio_says_its_status(server: SigstoreServer, files: Files) -> None:
    server.answers["/api/v2/signingCert"] = (403, b'{"message":"no"}')
    assert "403" in str(failure(files))


def test_failure_without_a_text_is_named(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ExpiredIdentity

    monkeypatch.setattr(SigningContext, "signer", fail)
    assert str(failure(files)) == "Sigstore's services did not sign: ExpiredIdentity: "


def test_without_a_time_stamp_rekor_v2_is_not_enough(
    server: SigstoreServer, files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers["/tsa"] = (500, b"")
    assert "signed timestamp" in str(failure(files, 2))
    assert "Unable to use" in caplog.text


def test_certificate_without_sct_is_not_used(server: SigstoreServer, files: Files) -> None:
    server.leaf_options = {"sct": None}
    assert "timestamp" in str(failure(files))
    assert [one.path for one in server.requests] == ["/api/v2/signingCert"]


@pytest.mark.parametrize(
    "options",
    [{"ca": True}, {"extended_usage": [ExtendedKeyUsageOID.SERVER_AUTH]}, {"san": f"{SAN}\0"}, {"issuer": []}],
)
def test_bundle_that_would_not_verify_is_not_returned(
    server: SigstoreServer, files: Files, options: dict[str, object]
) -> None:
    server.leaf_options = options
    assert isinstance(failure(files), (FormatError, VerificationError))


def test_entry_of_a_log_that_is_not_trusted_is_not_returned(server: SigstoreServer, files: Files) -> None:
    server.sigstore.rekor1 = Log(1, "rekor.example - 1")
    failed = failure(files)
    assert isinstance(failed, VerificationError)
    assert failed.reason is Reason.BAD_SIGNATURE


def test_statement_that_was_not_asked_for_is_not_returned(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    other = signature_statement(Digest.of(b"other")).replace(b'{"digest"', b'{"name":"","digest"')
    sign = KeylessSigner._sign
    monkeypatch.setattr(KeylessSigner, "_sign", lambda self, _: sign(self, other))
    assert "another statement" in str(failure(files))


@pytest.mark.parametrize(
    "broken", [b"", b"{}", b'{"subject":[]}', STATEMENT.replace(b"Statement/v1", b"Statement/v0.1")]
)
def test_what_is_no_statement_is_not_signed(server: SigstoreServer, files: Files, broken: bytes) -> None:
    with pytest.raises(FormatError):
        signer_of(files).sign_statement(broken)
    assert server.requests == []


def test_service_that_never_answers_is_given_up(files: Files) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        config = json.loads(files.signing_config_v1.read_bytes())
        config["caUrls"][0]["url"] = url
        files.signing_config_v1.write_bytes(dump(config))
        with pytest.raises(Error, match=r"did not answer within 0\.5 seconds"):
            signer_of(files, seconds=0.5).sign_statement(STATEMENT)


def ambient(files: Files) -> KeylessSigner:
    return KeylessSigner(signing_config=files.signing_config_v1, trusted_root=files.trusted_root)


@pytest.fixture(name="no_ci")
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "GOOGLE_SERVICE_ACCOUNT_NAME"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_identity_of_the_ci_job_signs(files: Files, no_ci: pytest.MonkeyPatch) -> None:
    no_ci.setenv("GITLAB_CI", "true")
    no_ci.setenv("SIGSTORE_ID_TOKEN", identity_token("ci@example.com"))
    signer = ambient(files)
    signer.sign_statement(STATEMENT)
    assert signer.fingerprint == str(Identity("ci@example.com", ISSUER))


def test_token_of_ci_that_cannot_be_used_is_refused(files: Files, no_ci: pytest.MonkeyPatch) -> None:
    no_ci.setenv("GITLAB_CI", "true")
    no_ci.setenv("SIGSTORE_ID_TOKEN", TOKENS["expired"])
    with pytest.raises(FormatError, match="the identity token of CI is no OIDC token"):
        ambient(files).sign_statement(STATEMENT)


def test_ci_that_gives_no_token_is_an_error(files: Files, no_ci: pytest.MonkeyPatch) -> None:
    no_ci.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(Error, match="did not give its token") as failed:
        ambient(files).sign_statement(STATEMENT)
    assert not isinstance(failed.value, UsageError)


def test_no_identity_at_all_is_a_usage_error(files: Files, no_ci: pytest.MonkeyPatch) -> None:
    no_ci.setattr("id.detect_credential", lambda _: None)
    with pytest.raises(UsageError, match="no identity signs: give a file"):
        ambient(files).sign_statement(STATEMENT)


def test_text_forms_of_a_signer_show_no_token(files: Files) -> None:
    signer = signer_of(files)
    signer.sign_statement(STATEMENT)
    assert TOKEN_SECRET not in f"{signer!r} {vars(signer)}"


@pytest.mark.parametrize(
    "url",
    [
        "http://fulcio.example",
        "http://localhost.example",
        "http://127.0.0.1.example/",
        "http://127.0.0.1@fulcio.example/",
        "ftp://127.0.0.1",
        "fulcio.example",
    ],
)
def test_a_token_goes_through_no_network_in_clear_text(url: str, files: Files) -> None:
    config = json.loads(files.signing_config_v1.read_bytes())
    config["caUrls"][0]["url"] = url
    files.signing_config_v1.write_bytes(dump(config))
    with pytest.raises(FormatError, match="needs https"):
        signer_of(files)


@pytest.mark.parametrize(
    ("claims", "san"),
    [
        ({}, "somebody"),
        ({"email": "release@example.com"}, "release@example.com"),
        ({"job_workflow_ref": "acme/app/.github/workflows/w.yml@refs/heads/main"}, "https://github.com/acme/app/.github/workflows/w.yml@refs/heads/main"),
        ({"ci_config_ref_uri": "gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main"}, "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main"),
        ({"organization_slug": "acme", "pipeline_slug": "app"}, "https://buildkite.com/acme/app"),
    ],
)  # fmt: skip
def test_the_identities_of_a_token_are_those_that_certificates_name(claims: dict[str, str], san: str) -> None:
    said: dict[str, Any] = {**claims}
    found = token_identities(identity_token("somebody", **said))
    assert Identity(san, ISSUER) in found
    assert len(found) == 1 + len(claims) - ("pipeline_slug" in claims)


def test_a_federated_token_has_the_issuer_behind_it_too() -> None:
    found = token_identities(identity_token("somebody", federated_claims={"connector_id": "https://idp.example"}))
    assert found == [Identity("somebody", ISSUER), Identity("somebody", "https://idp.example")]


@pytest.mark.parametrize("token", ["", "no-token", "a.!.c", "a.e30", f"{identity_token()[:40]}"])
def test_what_is_no_token_has_no_identity(token: str) -> None:
    if token == "a.e30":
        assert token_identities(token) == []
    else:
        with pytest.raises(FormatError):
            token_identities(token)


def test_another_identity_of_the_same_issuer_is_not_ours(server: SigstoreServer, files: Files, tmp_path: Path) -> None:
    bundle = signer_of(files).sign_statement(STATEMENT)
    assert signer_of(files).verify(bundle).fingerprint == f"identity:{SAN} ({ISSUER})"
    trust = ImageTrust(certificates=signer_of(files))
    assert isinstance(trust.certificates, CertificateVerifier)
    server.write(tmp_path, subject="other@example.com")
    with pytest.raises(VerificationError, match="who is not known to be the token's"):
        signer_of(files).verify(bundle)
