"""Sign as an identity: a new key, a certificate of Fulcio for it, and an entry in Rekor, v1 or v2.

The OIDC token that proves the identity to Fulcio is a secret while it lasts; no error shows any of it.
"""

import base64
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign.bundle import MAX_BUNDLE_SIZE
from wasmoci.cosign.statement import MAX_SUBJECTS
from wasmoci.disk.files import read_bounded
from wasmoci.keyless.identity import Identity, TrustedIdentity
from wasmoci.keyless.trusted_root import KeylessRoot, embedded, trust_config
from wasmoci.keyless.verifying import verify_keyless
from wasmoci.transparency.signing_config import MAX_SERVICES, MAX_SIGNING_CONFIG_SIZE
from wasmoci.values.errors import Error, FormatError, Reason, UsageError, VerificationError
from wasmoci.values.strict_json import JsonObject, dump, parse_object
from wasmoci.values.text import excerpt, without_secrets

if TYPE_CHECKING:
    from sigstore.oidc import IdentityToken
    from sigstore.sign import SigningContext

MAX_TOKEN_SIZE = 64 * 1024

_ON_THIS_MACHINE = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/|$)")

# sigstore-python waits for Fulcio and Rekor without an end.
SECONDS_TO_SIGN = 120.0


class KeylessSigner:
    """Signs statements as the identity of a token; a StatementSigner, and of what it signed a CertificateVerifier."""

    bundles_only = True
    names = ("the identity of the token",)

    def __init__(
        self,
        *,
        token_file: Path | None = None,
        signing_config: Path | None = None,
        trusted_root: Path | None = None,
        seconds: float = SECONDS_TO_SIGN,
    ) -> None:
        """`signing_config` (v0.2, as `cosign signing-config create` writes it) says where; `trusted_root` checks it.

        Without both it is the public good Sigstore as the installed sigstore-python knows it. Without
        `token_file` the identity is that of the CI job. Raises UsageError for one file without the other,
        FormatError, Error where one cannot be read.
        """
        if (signing_config is None) != (trusted_root is None):
            raise UsageError("a signing configuration and a trusted root go together: give both or none of them")
        self._token_file = token_file
        self._seconds = seconds
        self._root = KeylessRoot.load(trusted_root)
        self._context = _context(self._root, signing_config)
        self._identity: str | None = None

    @property
    def fingerprint(self) -> str:
        """The certificate's identity; before the first signature nobody knows it."""
        return self._identity or "identity of a token"

    def sign_statement(self, statement: bytes) -> bytes:
        """As StatementSigner says, but for the names of subjects: one that has none gets an empty one.

        sigstore-python signs nothing else, and cosign reads both. Raises UsageError, FormatError for a
        token that cannot be used, Error where a service fails, VerificationError for a bundle that does
        not verify.
        """
        named = _with_names(statement)
        data = self._within_time(lambda: self._sign(named))
        identity, _ = verify_keyless(data, self._root)
        if cosign_bundle.parse_bundle(data).envelope.payload != named:
            raise VerificationError(Reason.WRONG_SUBJECT, "another statement was signed")
        self._identity = str(identity)
        return data

    def sign_payload(self, payload: bytes) -> bytes:
        del payload
        raise UsageError("an identity signs bundles only; the legacy format needs a key")

    def verify(self, bundle: bytes) -> TrustedIdentity:
        """The identity that signed the bundle, which must be that of the token, as `token_identities` tells it.

        Raises VerificationError, FormatError for another bundle, and what reading the token raises.
        """
        identity, signed_at = verify_keyless(bundle, self._root)
        if identity not in token_identities(str(_identity_token(self._token_file))):
            raise VerificationError(Reason.UNTRUSTED_KEY, f"{identity} signed it, who is not known to be the token's")
        return TrustedIdentity(identity, str(identity), signed_at)

    def _sign(self, statement: bytes) -> bytes:
        from sigstore.dsse import Statement
        from sigstore.errors import Error as SigstoreError

        try:
            checked = Statement(statement)
        except SigstoreError as error:
            raise FormatError(f"sigstore-python does not sign this statement: {_text(error)}") from None
        token = _identity_token(self._token_file)
        try:
            with self._context.signer(token) as signer:
                return signer.sign_dsse(checked).to_json().encode()
        except Exception as error:
            raise Error(f"Sigstore's services did not sign: {_text(error, str(token))}") from None

    def _within_time(self, work: Callable[[], bytes]) -> bytes:
        """The result of `work`; Error where it takes too long. It then goes on for nobody, until the program ends."""
        future: Future[bytes] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        if wait([future], self._seconds).not_done:
            raise Error(f"Sigstore's services did not answer within {self._seconds:g} seconds")
        return future.result()


def _identity_token(file: Path | None) -> "IdentityToken":
    """The token in `file`, else the one that the CI system gives this job; nobody is asked interactively.

    CI systems are those of the library `id`: GitHub, GitLab, Buildkite, CircleCI and Google Cloud. Raises
    UsageError where there is no token, FormatError for one that is none, is for another audience than
    `sigstore`, or is not valid now, Error where it cannot be read.
    """
    from sigstore.oidc import IdentityError, IdentityToken

    text = _ambient_token() if file is None else _read_token(file)
    try:
        return IdentityToken(text)
    except IdentityError:
        raise FormatError(
            f"{'the identity token of CI' if file is None else f'the identity token in {file}'} is no OIDC token "
            "for the audience `sigstore` that is valid now"
        ) from None


def token_identities(token: str) -> list[Identity]:
    """The identities that a certificate for an OIDC token may have; it is not verified. FormatError for no token.

    What Fulcio writes: the address or the subject, the workflow of GitHub and GitLab, the pipeline of Buildkite.
    Source: sigstore/fulcio, config/identity/config.yaml.
    """
    claims = parse_object(_claims(token), "the identity token", MAX_TOKEN_SIZE, fractions=True)
    said = {name: value for name, value in claims.members().items() if isinstance(value, str)}
    names = [said.get("email"), said.get("sub")]
    forms = ("https://github.com/{job_workflow_ref}", "https://{ci_config_ref_uri}")
    for form in (*forms, "https://buildkite.com/{organization_slug}/{pipeline_slug}"):
        with suppress(KeyError):
            names.append(form.format_map(said))
    federated = claims.optional_object("federated_claims")
    issuers = [said.get("iss"), federated and federated.optional_string("connector_id")]
    return [Identity.of(name, issuer) for name in names if name for issuer in issuers if issuer]


def _claims(token: str) -> bytes:
    try:
        payload = token.split(".")[1]
        return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    except (IndexError, ValueError):
        raise FormatError("the identity token is no JSON web token") from None


def _read_token(file: Path) -> str:
    try:
        return read_bounded(file, MAX_TOKEN_SIZE, "the identity token").decode("ascii").strip()
    except UnicodeDecodeError:
        raise FormatError(f"the identity token in {file} is no ASCII text") from None


def _ambient_token() -> str:
    from sigstore.oidc import IdentityError, detect_credential

    try:
        token = detect_credential()
    except IdentityError:
        raise Error(
            "the CI system has an identity for this job and did not give its token "
            "(GitHub wants `permissions: id-token: write`)"
        ) from None
    if token is None:
        raise UsageError("no identity signs: give a file with an identity token, or run in a CI system that has one")
    return token


def _context(root: KeylessRoot, signing_config: Path | None) -> "SigningContext":
    from sigstore.sign import SigningContext

    what = "the signing configuration"
    if signing_config is None:
        data = embedded("signing_config.v0.2.json")
    else:
        data = read_bounded(signing_config, MAX_SIGNING_CONFIG_SIZE, what)
    services = parse_object(data, what, MAX_SIGNING_CONFIG_SIZE)
    _check_authorities(services)
    config = trust_config(root.members(), services.members())
    try:
        return SigningContext.from_trust_config(config)
    except Exception as error:
        raise FormatError(f"{what} does not say where to sign: {_text(error)}") from None


def _check_authorities(services: JsonObject) -> None:
    """Raise FormatError where the identity token would go through a network in clear text."""
    for authority in services.objects("caUrls", MAX_SERVICES) if "caUrls" in services else ():
        url = authority.string("url")
        if not url.startswith("https://") and not _ON_THIS_MACHINE.match(url):
            raise FormatError(f"a certificate authority gets the token, so it needs https, got: {excerpt(url)}")


def _with_names(statement: bytes) -> bytes:
    """The very same bytes where every subject has a name already."""
    top = parse_object(statement, "the statement", MAX_BUNDLE_SIZE, fractions=True)
    subjects = top.objects("subject", MAX_SUBJECTS)
    if all("name" in subject for subject in subjects):
        return statement
    return dump({**top.members(), "subject": [{"name": "", **subject.members()} for subject in subjects]})


def _text(error: Exception, token: str = "") -> str:
    """The kind of a failure and its text or its cause's, without the token, which a service may echo."""
    text = " ".join(str(error).split()) or str(error.__cause__ or "")
    return f"{type(error).__name__}: {excerpt(without_secrets(text, filter(None, [token, *token.split('.')])))}"
