"""A time stamping authority (RFC 3161) in Python: its answers hold the signer's certificate and no chain."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from sigstore_certificate_fixtures import now, self_signed

_SEQUENCE, _SET, _INTEGER, _OCTETS, _OID, _TIME, _CONTEXT_0 = 0x30, 0x31, 0x02, 0x04, 0x06, 0x18, 0xA0

_POLICY = "1.3.6.1.4.1.57264.2"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.47"
_SHA256 = "2.16.840.1.101.3.4.2.1"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"


@dataclass
class TimestampAuthority:
    """Signs with a certificate that a root of its own issued; `clock` is what it believes the time is."""

    clock: Callable[[], datetime] = now

    def __post_init__(self) -> None:
        root_key, self.key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.root = self_signed("tsa root", root_key, now())
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tsa")]))
            .issuer_name(self.root.subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - timedelta(days=365))
            .not_valid_after(now() + timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(root_key, hashes.SHA256())
        )

    def answer(self, request: bytes) -> bytes:
        """The TimeStampResp to a TimeStampReq."""
        fields = list(_children(next(_children(request))[1]))
        imprint = _der(*fields[1])
        nonces = [_der(tag, content) for tag, content in fields[2:] if tag == _INTEGER]
        return self._granted(imprint, *nonces)

    def stamp(self, data: bytes) -> bytes:
        """The TimeStampResp for the SHA-256 of `data`, without a nonce."""
        return self._granted(_der(_SEQUENCE, _algorithm(_SHA256), _der(_OCTETS, hashlib.sha256(data).digest())))

    def _granted(self, imprint: bytes, *nonces: bytes) -> bytes:
        time = _der(_TIME, f"{self.clock():%Y%m%d%H%M%SZ}".encode())
        serial = _integer(x509.random_serial_number())
        info = _der(_SEQUENCE, _integer(1), _oid(_POLICY), imprint, serial, time, *nonces)
        status = _der(_SEQUENCE, _integer(0))
        return _der(_SEQUENCE, status, _der(_SEQUENCE, _oid(_SIGNED_DATA), _der(_CONTEXT_0, self._signed_data(info))))

    def _signed_data(self, info: bytes) -> bytes:
        certificate = self.certificate.public_bytes(Encoding.DER)
        reference = _der(_SEQUENCE, _der(_SEQUENCE, _der(_SEQUENCE, _octets(hashlib.sha256(certificate).digest()))))
        attributes = b"".join(
            sorted(
                [
                    _attribute(_CONTENT_TYPE, _oid(_TST_INFO)),
                    _attribute(_MESSAGE_DIGEST, _octets(hashlib.sha256(info).digest())),
                    _attribute(_SIGNING_CERTIFICATE, reference),
                ]
            )
        )
        signer = _der(
            _SEQUENCE,
            _integer(1),
            _der(_SEQUENCE, self.certificate.issuer.public_bytes(), _integer(self.certificate.serial_number)),
            _algorithm(_SHA256),
            _der(_CONTEXT_0, attributes),
            _der(_SEQUENCE, _oid(_ECDSA_SHA256)),
            _octets(self.key.sign(_der(_SET, attributes), ec.ECDSA(hashes.SHA256()))),
        )
        return _der(
            _SEQUENCE,
            _integer(3),
            _der(_SET, _algorithm(_SHA256)),
            _der(_SEQUENCE, _oid(_TST_INFO), _der(_CONTEXT_0, _octets(info))),
            _der(_CONTEXT_0, certificate),
            _der(_SET, signer),
        )


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def _octets(data: bytes) -> bytes:
    return _der(_OCTETS, data)


def _integer(value: int) -> bytes:
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    return _der(_OID, bytes([first * 40 + second]), *map(_base128, rest))


def _base128(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.insert(0, number & 0x7F | 0x80)
    return bytes(groups)


def _algorithm(dotted: str) -> bytes:
    return _der(_SEQUENCE, _oid(dotted), bytes([5, 0]))


def _attribute(dotted: str, value: bytes) -> bytes:
    return _der(_SEQUENCE, _oid(dotted), _der(_SET, value))


def _children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of DER `data`: tag and content of each."""
    while data:
        tag, length, start = data[0], data[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        yield tag, data[start : start + length]
        data = data[start + length :]
