"""TrustRoot of sigstore's policy-controller: the authorities and logs of a trusted root, as that program reads them.

Source: policy.sigstore.dev/v1alpha1 of policy-controller v0.15.1. It has no times, so that what has an end is left
out, and of logs those of ECDSA keys alone.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from wasmoci.disk.files import read_bounded
from wasmoci.keys.image import ImagePublicKey, parse_public_key
from wasmoci.transparency.authorities import Authority
from wasmoci.transparency.trusted_root import MAX_LOGS, MAX_TRUSTED_ROOT_SIZE, Validity
from wasmoci.values.base64_strict import encode
from wasmoci.values.errors import KeyFileError
from wasmoci.values.strict_json import JsonObject, parse_object

NAME = "wasm-oci"

# The log at this URL is asked about signatures that bring no entry along: such do not count, and so nobody is asked.
NOBODY = "https://nobody.invalid"

_Member = dict[str, object]


def trust_root(path: Path) -> _Member | None:
    """The object for a trusted root, None where it would lack an authority, a log or a log of certificates.

    Raises Error, FormatError, LimitError where the file cannot be read.
    """
    top = parse_object(
        read_bounded(path, MAX_TRUSTED_ROOT_SIZE, "the trusted root"), "the trusted root", MAX_TRUSTED_ROOT_SIZE
    )
    keys = {
        "certificateAuthorities": [*_authorities(_listed(top, "certificateAuthorities"))],
        "tLogs": [*_logs(_listed(top, "tlogs"))],
        "ctLogs": [*_logs(_listed(top, "ctlogs"))],
    }
    if not all(keys.values()):
        return None
    return {
        "apiVersion": "policy.sigstore.dev/v1alpha1",
        "kind": "TrustRoot",
        "metadata": {"name": NAME},
        "spec": {"sigstoreKeys": keys},
    }


def _listed(top: JsonObject, name: str) -> Sequence[JsonObject]:
    return top.objects(name, MAX_LOGS) if name in top else ()


def _authorities(listed: Sequence[JsonObject]) -> Iterator[_Member]:
    for value in listed:
        authority = Authority.parse(value)
        if authority.validity.end is None:
            chain = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in authority.chain)
            # Nobody reads these names, and all must be there.
            names = {"subject": {"organization": NAME, "commonName": NAME}, "uri": NOBODY}
            yield {**names, "certChain": encode(chain)}


def _logs(listed: Sequence[JsonObject]) -> Iterator[_Member]:
    for log in listed:
        public_key = log.object("publicKey")
        key = _key(public_key)
        if key is not None and Validity.parse(public_key.object("validFor")).end is None:
            yield {"baseURL": NOBODY, "hashAlgorithm": "sha-256", "publicKey": encode(key.pem())}


def _key(public_key: JsonObject) -> ImagePublicKey | None:
    """One of ECDSA, None for others."""
    try:
        key = parse_public_key(public_key.base64("rawBytes"))
    except KeyFileError:
        return None
    return key if key.algorithm.startswith("ecdsa") else None
