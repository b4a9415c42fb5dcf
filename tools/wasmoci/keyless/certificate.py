"""Who a signing certificate of Fulcio names.

Source: Fulcio's certificate specification (subject alternative name; OIDs below 1.3.6.1.4.1.57264.1).
"""

from collections.abc import Iterator, Mapping

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from wasmoci.keyless.identity import Identity
from wasmoci.values.errors import FormatError

_FULCIO = "1.3.6.1.4.1.57264.1"
_ISSUER_V1 = ObjectIdentifier(f"{_FULCIO}.1")
_ISSUER_V2 = ObjectIdentifier(f"{_FULCIO}.8")
_USER_NAME = ObjectIdentifier(f"{_FULCIO}.7")
_UTF8_STRING = 0x0C
_FIRST_OF_DER = 8

# What a certificate says of the token beyond name and issuer, by Fulcio's numbers: up to 6 bare text, from 8 on DER.
CLAIMS: Mapping[str, tuple[int, ...]] = {
    "sourceRepository": (12,),
    "sourceRepositoryId": (15,),
    "sourceOwner": (16,),
    "sourceOwnerId": (17,),
    "sourceRef": (14, 6),
    "sourceDigest": (13, 3),
    "sourceVisibility": (22,),
    "buildSigner": (9,),
    "buildSignerDigest": (10,),
    "buildConfig": (18,),
    "buildConfigDigest": (19,),
    "buildTrigger": (20, 2),
    "runnerEnvironment": (11,),
    "runInvocation": (21,),
    "deploymentEnvironment": (23,),
    "tokenSubject": (24,),
    "workflowName": (4,),
    "workflowRepository": (5,),
}


def identity_of(certificate: x509.Certificate) -> Identity:
    """The one name, the issuer and the claims of a certificate; FormatError where it has not one name and issuer."""
    return Identity.of(_san(certificate), _issuer(certificate), _claims(certificate))


def _claims(certificate: x509.Certificate) -> dict[str, tuple[str | None, ...]]:
    """What it says under each number of a claim, None for what cannot be read."""
    claims = {name: tuple(_texts(certificate, numbers)) for name, numbers in CLAIMS.items()}
    return {name: texts for name, texts in claims.items() if texts}


def _texts(certificate: x509.Certificate, numbers: tuple[int, ...]) -> Iterator[str | None]:
    for number in numbers:
        data = _extension(certificate, ObjectIdentifier(f"{_FULCIO}.{number}"))
        if data is not None:
            try:
                yield _text(data) if number < _FIRST_OF_DER else _utf8_string(data)
            except FormatError:
                yield None


def _san(certificate: x509.Certificate) -> str:
    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    if len(names) != 1:
        raise FormatError(f"the certificate must name exactly one identity, it names {len(names)}")
    (name,) = names
    if isinstance(name, (x509.RFC822Name, x509.UniformResourceIdentifier)):
        return name.value
    if isinstance(name, x509.OtherName) and name.type_id == _USER_NAME:
        return _utf8_string(name.value)
    raise FormatError("the certificate's identity is no e-mail address, URI or user name")


def _issuer(certificate: x509.Certificate) -> str:
    """From the newer extension, with which the older one must agree where both are there."""
    older, newer = _extension(certificate, _ISSUER_V1), _extension(certificate, _ISSUER_V2)
    stated = [] if newer is None else [_utf8_string(newer)]
    if older is not None:
        stated.append(_text(older))
    if not stated:
        raise FormatError("the certificate does not say who issued the identity's token")
    if len(set(stated)) != 1:
        raise FormatError("the certificate names two issuers of the identity's token")
    return stated[0]


def _extension(certificate: x509.Certificate, oid: ObjectIdentifier) -> bytes | None:
    return next((found.value.public_bytes() for found in certificate.extensions if found.oid == oid), None)


def _utf8_string(der: bytes) -> str:
    """The text of a DER UTF8String of at most 65,535 bytes."""
    for size in (2, 3, 4):
        if len(der) >= size and der[:size] == _head(len(der) - size):
            return _text(der[size:])
    raise FormatError("a name in the certificate is no DER UTF8String")


def _head(length: int) -> bytes:
    """Tag and length of a UTF8String."""
    if length < 0x80:
        return bytes([_UTF8_STRING, length])
    octets = (length.bit_length() + 7) // 8
    return bytes([_UTF8_STRING, 0x80 | octets]) + length.to_bytes(octets, "big")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise FormatError("a name in the certificate is no UTF-8 text") from None
