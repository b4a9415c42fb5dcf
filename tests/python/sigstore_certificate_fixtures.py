"""A certificate authority as Fulcio is one, with its certificate transparency log."""

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

SAN = "https://ci.example.com/acme/hello/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.example.com"

ISSUER_V1_OID = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
ISSUER_V2_OID = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
SCT_OID = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")

YEAR = timedelta(days=365)


def now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def spki(key: object) -> bytes:
    """The DER SubjectPublicKeyInfo of a public or private key, or of a certificate's key."""
    if isinstance(key, (ec.EllipticCurvePrivateKey, x509.Certificate)):
        return spki(key.public_key())
    data: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return data


def general_name(san: str | x509.GeneralName) -> x509.GeneralName:
    """An e-mail address or a URI, whichever the text is."""
    if isinstance(san, x509.GeneralName):
        return san
    return x509.RFC822Name(san) if "@" in san and "://" not in san else x509.UniformResourceIdentifier(san)


def utf8_string(text: str) -> bytes:
    """The DER of a UTF8String."""
    data = text.encode()
    if len(data) < 0x80:
        return bytes([0x0C, len(data)]) + data
    length = len(data).to_bytes((len(data).bit_length() + 7) // 8, "big")
    return bytes([0x0C, 0x80 | len(length)]) + length + data


def issuer_extensions(issuer: str) -> list[x509.UnrecognizedExtension]:
    """Both extensions with which Fulcio names the token's issuer."""
    return [
        x509.UnrecognizedExtension(ISSUER_V1_OID, issuer.encode()),
        x509.UnrecognizedExtension(ISSUER_V2_OID, utf8_string(issuer)),
    ]


def key_usage(*, certificates: bool) -> x509.KeyUsage:
    """For signing certificates, or for signing anything else."""
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def self_signed(
    name: str, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime | None = None
) -> x509.Certificate:
    """A root certificate, valid from a year before `start` for ten years or until `end`."""
    return ca_certificate(name, key.public_key(), None, key, start - YEAR, end or start + 9 * YEAR)


def ca_certificate(
    name: str,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
) -> x509.Certificate:
    """A root where `issuer` is None, else an intermediate that may issue leaves only."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else 1), critical=True)
        .add_extension(key_usage(certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if issuer:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@dataclass(frozen=True)
class Leaf:
    """What stands in a signing certificate; a test changes what must be refused.

    `start` defaults to the authority's clock; `sct` None leaves the transparency extension out.
    """

    san: str | x509.GeneralName | Sequence[x509.GeneralName] = SAN
    issuer: Sequence[x509.UnrecognizedExtension] = field(default_factory=lambda: issuer_extensions(ISSUER))
    start: datetime | None = None
    lifetime: timedelta = timedelta(minutes=10)
    ca: bool = False
    usage: x509.KeyUsage | None = field(default_factory=lambda: key_usage(certificates=False))
    extended_usage: Sequence[ObjectIdentifier] = (ExtendedKeyUsageOID.CODE_SIGNING,)
    sct: ec.EllipticCurvePrivateKey | str | None = "own"

    @property
    def names(self) -> list[x509.GeneralName]:
        return [general_name(self.san)] if isinstance(self.san, (str, x509.GeneralName)) else list(self.san)


@dataclass
class Authority:
    """Root, intermediate and transparency log; the lifetimes are of the certificates, as times."""

    clock: Callable[[], datetime] = now
    root_end: datetime | None = None
    intermediate_end: datetime | None = None

    def __post_init__(self) -> None:
        self.log_key = ec.generate_private_key(ec.SECP256R1())
        root_key, self.key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.root = self_signed("sigstore root", root_key, now(), self.root_end)
        start, end = now() - YEAR, self.intermediate_end or now() + 9 * YEAR
        name = "sigstore intermediate"
        self.intermediate = ca_certificate(name, self.key.public_key(), self.root, root_key, start, end)

    @property
    def chain(self) -> list[x509.Certificate]:
        return [self.intermediate, self.root]

    def issue(self, key: CertificatePublicKeyTypes, leaf: Leaf | None = None) -> x509.Certificate:
        leaf = leaf or Leaf()
        start = leaf.start or self.clock()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.intermediate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + leaf.lifetime)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.SubjectAlternativeName(leaf.names), critical=True)
        )
        if leaf.usage:
            builder = builder.add_extension(leaf.usage, critical=True)
        if leaf.ca:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if leaf.extended_usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage(leaf.extended_usage), critical=False)
        for extension in leaf.issuer:
            builder = builder.add_extension(extension, critical=False)
        if leaf.sct is not None:
            log_key = self.log_key if isinstance(leaf.sct, str) else leaf.sct
            body = builder.sign(self.key, hashes.SHA256()).tbs_certificate_bytes
            scts = x509.UnrecognizedExtension(SCT_OID, self._timestamp_list(body, log_key, start))
            builder = builder.add_extension(scts, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _timestamp_list(self, body: bytes, key: ec.EllipticCurvePrivateKey, time: datetime) -> bytes:
        """The extension with one signed certificate timestamp, RFC 6962 3.2 and 3.3."""
        milliseconds = int(time.timestamp() * 1000)
        issuer = hashlib.sha256(spki(self.key)).digest()
        length = len(body).to_bytes(3, "big")
        signed = struct.pack(">BBQH", 0, 0, milliseconds, 1) + issuer + length + body + b"\0\0"
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        sct = struct.pack(">B32sQH", 0, hashlib.sha256(spki(key)).digest(), milliseconds, 0)
        sct += b"\x04\x03" + struct.pack(">H", len(signature)) + signature
        content = struct.pack(">HH", len(sct) + 2, len(sct)) + sct
        assert len(content) < 0x80
        return bytes([4, len(content)]) + content
