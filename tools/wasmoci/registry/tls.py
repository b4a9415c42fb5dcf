"""TLS to registries: whom to trust, and as whom to appear."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wasmoci.errors import UsageError
from wasmoci.registry.environment_credential import REGISTRY

CERTIFICATE = "WASM_OCI_CLIENT_CERTIFICATE"
KEY = "WASM_OCI_CLIENT_KEY"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the CA certificates that replace the system's, and a client's certificate with its private key."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def files_of(registry: str, environment: Mapping[str, str]) -> TlsFiles:
    """The client certificate of WASM_OCI_CLIENT_CERTIFICATE and WASM_OCI_CLIENT_KEY, for WASM_OCI_REGISTRY only.

    Raises UsageError for files without a registry that they are for.
    """
    certificate, key = (environment.get(name) for name in (CERTIFICATE, KEY))
    named = environment.get(REGISTRY)
    if (certificate or key) and not named:
        raise UsageError(f"{CERTIFICATE} or {KEY} is set: name the registry that it is for in {REGISTRY}")
    if named != registry:
        return TlsFiles()
    return TlsFiles(certificate=Path(certificate) if certificate else None, key=Path(key) if key else None)


def bundle_of(files: TlsFiles, environment: Mapping[str, str]) -> str | None:
    """`files.ca`, else the bundle of SSL_CERT_FILE or REQUESTS_CA_BUNDLE; None where the system's is meant."""
    named = environment.get("SSL_CERT_FILE") or environment.get("REQUESTS_CA_BUNDLE")
    return str(files.ca) if files.ca else named or None


def trusting(files: TlsFiles, environment: Mapping[str, str]) -> ssl.SSLContext:
    """A context that trusts `bundle_of` alone; raises UsageError for a bundle that cannot be read."""
    bundle = bundle_of(files, environment)
    try:
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise UsageError(f"the CA bundle {bundle} cannot be read: {error}") from None


def identified(files: TlsFiles, environment: Mapping[str, str]) -> ssl.SSLContext:
    """As `trusting`, and with the client certificate.

    Raises UsageError for one file without the other, for a private key that is encrypted, and for
    files that are not a pair.
    """
    if files.certificate is None or files.key is None:
        raise UsageError("a client certificate needs its private key, and the reverse: give both files")
    context = trusting(files, environment)
    try:
        context.load_cert_chain(files.certificate, files.key, password=_refuse_to_ask)
    except (OSError, _EncryptedKeyError) as error:
        said = str(error) or type(error).__name__
        raise UsageError(
            f"the client certificate {files.certificate} with key {files.key} cannot be used: {said}"
        ) from None
    return context


class _EncryptedKeyError(Exception):
    pass


def _refuse_to_ask() -> str:
    raise _EncryptedKeyError("the key is encrypted")
