"""TLS to registries: whom to trust, and as whom to appear."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wasmoci.disk.files import refuse_open_to_others
from wasmoci.disk.pipes import open_file
from wasmoci.registry.credentials import REGISTRY_VARIABLE
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.host import registry_key

CERTIFICATE = "WASM_OCI_CLIENT_CERTIFICATE"
KEY = "WASM_OCI_CLIENT_KEY"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the CA certificates that replace the system's, and a client's certificate with its private key."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def files_of(registry: str, environment: Mapping[str, str], given: TlsFiles | None = None) -> TlsFiles:
    """`given`; without a client certificate in it, that of WASM_OCI_CLIENT_CERTIFICATE and WASM_OCI_CLIENT_KEY.

    Where WASM_OCI_REGISTRY names a registry, no other gets to see a certificate. Raises UsageError for
    variables with files and none with the registry that they are for.
    """
    given = given or TlsFiles()
    named = environment.get(REGISTRY_VARIABLE)
    if not (given.certificate or given.key):
        certificate, key = (environment.get(name) for name in (CERTIFICATE, KEY))
        if (certificate or key) and not named:
            raise UsageError(f"{CERTIFICATE} or {KEY} is set: name the registry that it is for in {REGISTRY_VARIABLE}")
        given = TlsFiles(given.ca, Path(certificate) if certificate else None, Path(key) if key else None)
    return given if not named or registry_key(named) == registry_key(registry) else TlsFiles(given.ca)


def bundle_of(files: TlsFiles, environment: Mapping[str, str]) -> str | None:
    """`files.ca`, else the bundle of SSL_CERT_FILE or REQUESTS_CA_BUNDLE; None where the system's is meant."""
    named = environment.get("SSL_CERT_FILE") or environment.get("REQUESTS_CA_BUNDLE")
    return str(files.ca) if files.ca else named or None


def trusting(files: TlsFiles, environment: Mapping[str, str]) -> ssl.SSLContext:
    """A context that trusts `bundle_of` alone; raises Error for a bundle that cannot be read."""
    bundle = bundle_of(files, environment)
    try:
        if bundle is not None:
            open_file(Path(bundle)).close()
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise Error(f"cannot read the CA certificates {bundle}: {error.strerror or error}") from None


def identified(files: TlsFiles, environment: Mapping[str, str]) -> ssl.SSLContext:
    """As `trusting`, and with the client certificate.

    Raises UsageError for one file without the other; Error for files that cannot be read or are not a pair, and for a
    private key that is encrypted; KeyFileError for a private key that is open to others than its owner.
    """
    if files.certificate is None or files.key is None:
        raise UsageError("a client certificate needs its private key, and the reverse: give both files")
    context = trusting(files, environment)
    try:
        open_file(files.certificate).close()
        with open_file(files.key) as key:
            refuse_open_to_others(os.fstat(key.fileno()).st_mode, f"the client key {files.key}", files.key)
        context.load_cert_chain(files.certificate, files.key, password=_refuse_to_ask)
    except OSError as error:
        raise Error(
            f"cannot use the client certificate {files.certificate} with key {files.key}: {_said(error)}"
        ) from None
    return context


def _said(error: OSError) -> str:
    name = f"{error.filename}: " if error.filename else ""
    return f"{name}{error.strerror or error or type(error).__name__}"


def _refuse_to_ask() -> str:
    raise OSError("the key is encrypted")
