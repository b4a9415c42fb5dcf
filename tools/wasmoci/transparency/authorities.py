"""The authorities of a trusted root, which issue certificates or time stamps: X.509 chains, and when each is trusted.

Source: `CertificateAuthority` of sigstore's protobuf-specs (trustroot/v1).
"""

from collections.abc import Collection
from dataclasses import dataclass

from cryptography import x509

from wasmoci.transparency.trusted_root import Validity
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.strict_json import JsonObject

MAX_CERTIFICATE_SIZE = 16 * 1024
MAX_CHAIN = 10


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority: its certificates, its own first and the root last, and when it is to be trusted."""

    chain: tuple[x509.Certificate, ...]
    validity: Validity

    @classmethod
    def parse(cls, value: JsonObject) -> "Authority":
        """Raises FormatError, LimitError above 10 certificates."""
        listed = value.object("certChain").objects("certificates", MAX_CHAIN)
        return cls(tuple(map(parse_certificate, listed)), Validity.parse(value.object("validFor")))

    def was_valid(self, times: Collection[float]) -> bool:
        """Whether it was to be trusted, and every certificate of its chain was valid, at all of `times`."""
        periods = [self.validity, *map(_validity, self.chain)]
        return all(period.includes(time) for period in periods for time in times)


def _validity(certificate: x509.Certificate) -> Validity:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Validity(int(start.timestamp()), int(end.timestamp()))


def parse_certificate(holder: JsonObject) -> x509.Certificate:
    """Read `{"rawBytes": base64 DER}`; FormatError for anything else, such as a bare public key, LimitError."""
    if holder.names() != {"rawBytes"}:
        raise FormatError(f"{holder.where} must have `rawBytes` and nothing else")
    data = holder.base64("rawBytes")
    if len(data) > MAX_CERTIFICATE_SIZE:
        raise LimitError(f"{holder.where} has {len(data)} bytes, the limit is {MAX_CERTIFICATE_SIZE}")
    try:
        certificate = x509.load_der_x509_certificate(data)
        # They are parsed when they are asked for.
        tuple(certificate.extensions)
    except Exception:
        raise FormatError(f"{holder.where} is no X.509 certificate that can be read") from None
    return certificate
