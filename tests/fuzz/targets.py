"""What is fuzzed: every reader of bytes that others made, with seeds that our own writers make.

A target gets arbitrary bytes and may raise wasmoci.values.errors.Error only. Where a reader promises more,
its target asserts that too.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from unittest import mock

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import ssh

import attestation_targets
from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign import simple_signing
from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.signing_request import ManifestAsked, SigningRequest, parse_asked
from wasmoci.cosign.statement import signature_statement, signed_annotations
from wasmoci.keys import component, component_files, cosign_file, image
from wasmoci.keys.component_files import load_component_keys
from wasmoci.keys.reference import KeyReference
from wasmoci.oci.manifest import Descriptor, Index, Manifest
from wasmoci.oci.platform import Platform
from wasmoci.oci.referrers import ReferrerList
from wasmoci.oci.wasm_artifact import WasmConfig, parse_origin
from wasmoci.registry.challenges import parse_challenges
from wasmoci.sign.component import sign_detached, sign_embedded
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error
from wasmoci.values.image_reference import Reference
from wasmoci.values.package_name import PackageName
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.values.strict_json import parse_object
from wasmoci.verify.component import verify_component
from wasmoci.wasm.interface import Interface, read_interface
from wasmoci.wasm.message import ComponentAsked
from wasmoci.wasm.metadata import read_annotations
from wasmoci.wasm.parts import read_parts
from wasmoci.wasm.sections import Kind, custom_section
from wasmoci.wasm.signature import DELIMITER_NAME, SignatureData
from wasmoci.wasm.summary import summarize
from wasmoci.wasm.typed_interface import read_typed_interface

PASSWORD = b"password"
SEED = bytes(range(32))
SECRET_KEY = component.SecretKey(SEED)
SIGNER = component.ComponentSigner(SECRET_KEY)
OTHER_SIGNER = component.ComponentSigner(component.SecretKey(bytes(range(32, 64))))
KEY = SIGNER.public_key

MODULE = bytes.fromhex("0061736d01000000")
COMPONENT = bytes.fromhex("0061736d0d000100")
TYPED = bytes.fromhex("010401600000")
DELIMITER = custom_section(DELIMITER_NAME, bytes(16))
WASM = {
    COMPONENT: Kind.COMPONENT,
    MODULE: Kind.MODULE,
    MODULE + TYPED + custom_section("name", b"x" * 200): Kind.MODULE,
    COMPONENT + custom_section("producers", b"\0") + DELIMITER + b"\x07\x01\x00" + DELIMITER: Kind.COMPONENT,
    # An import and an export of an instance.
    COMPONENT + b"\x0a\x08\x01\x00\x03a:b\x05\x00" + b"\x0b\x09\x01\x00\x03c:d\x05\x00\x00": Kind.COMPONENT,
}

# A WIT package: the type of a component that exports an instance, or a component that exports a function.
_INTERFACE = b"\x41\x02\x01\x42\x00\x04\x00\x05a:b/c\x05\x00"
_WORLD = b"\x41\x02\x01\x41\x02\x01\x40\x00\x01\x00\x04\x00\x01f\x01\x00\x04\x00\x05a:b/w\x04\x00"
WIT_PACKAGES = [
    COMPONENT + bytes([7, len(one) + 1, 1]) + one + b"\x0b\x07\x01\x00\x01c\x03\x00\x00" for one in (_INTERFACE, _WORLD)
]
METADATA = [
    COMPONENT + custom_section("description", b"Says \xc3\xa9"),
    COMPONENT + custom_section("licenses", b"(MIT OR ISC) AND Apache-2.0+ WITH LLVM-exception"),
    COMPONENT
    + custom_section("homepage", b"HTTPS://a@Example.com:443/a/../b%2e?q='x'#f")
    + custom_section("source", b"git://h"),
]

_PEM = serialization.Encoding.PEM
_PKCS8, _OPENSSH = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.OpenSSH
_PLAIN, _ENCRYPTED = serialization.NoEncryption(), serialization.BestAvailableEncryption(PASSWORD)
_ED25519 = Ed25519PrivateKey.from_private_bytes(SEED)
_P256 = ec.derive_private_key(7, ec.SECP256R1())
_P256_PUBLIC = image.ImagePublicKey.of(_P256.public_key())
_IMAGE_KEYS = [image.FileKey.generate(kind) for kind in ("ecdsa-p256", "ecdsa-p384", "rsa-2048", "ed25519")]
_OPENSSH_FILES = [_ED25519.private_bytes(_PEM, _OPENSSH, how) for how in (_PLAIN, _ENCRYPTED)]
_OPENSSH_LINE = _ED25519.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
_COSIGN_FILE = cosign_file.encrypt(b"0" * 138, PASSWORD)

_SUBJECT = Descriptor.of("application/vnd.oci.image.manifest.v1+json", b"manifest")
_LAYER = Descriptor.of("application/wasm", b"component", {"title": "a.wasm"})
_ENTRY = _SUBJECT._replace(platform=Platform("arm", "linux", "1", ("a",), "v7"))
_MANIFEST = Manifest(config=_LAYER, layers=(_LAYER,), annotations={"a": "b"}, subject=_SUBJECT)
_STATEMENT = signature_statement(_SUBJECT.digest)
_BUNDLE = cosign_bundle.bundle(Envelope(_STATEMENT, bytes(70)), "hint")
_PAYLOAD = simple_signing.payload(_SUBJECT.digest, "localhost:5000/a")
_COMPONENT_ASKED = ComponentAsked(Placement.DETACHED, Kind.COMPONENT, with_key_id=True)
_MANIFEST_ASKED = ManifestAsked("localhost:5000/a", list(SignatureFormat), {"a": "b"})


@dataclass(frozen=True)
class Target:
    """`check` takes any bytes; `seeds` are where the fuzzer starts."""

    check: Callable[[bytes], object]
    seeds: list[bytes]


def _signed(data: bytes, kind: Kind) -> bytes:
    target = io.BytesIO()
    sign_embedded(io.BytesIO(data), target, SIGNER, kind)
    return target.getvalue()


def _twice_signed(data: bytes, kind: Kind) -> bytes:
    target = io.BytesIO()
    sign_embedded(io.BytesIO(_signed(data, kind)), target, OTHER_SIGNER, kind, with_key_id=True)
    return target.getvalue()


def _content(data: bytes) -> bytes:
    return data[read_parts(io.BytesIO(data)).content :]


_SIGNED = [_signed(data, kind) for data, kind in WASM.items()]
_TWICE_SIGNED = [_twice_signed(data, kind) for data, kind in WASM.items()]
_SIGNED_CONTENTS = {data[len(MODULE) :] for data in WASM}
_SIGNATURES = [sign_detached(io.BytesIO(data), SIGNER, kind, with_key_id=True) for data, kind in WASM.items()]


def _sections(data: bytes) -> None:
    summary = summarize(io.BytesIO(data))
    summary.lines()
    summary.to_json()


def _embedded(data: bytes) -> None:
    """Nothing but what was signed ever verifies."""
    for kind in Kind:
        try:
            verify_component(io.BytesIO(data), [KEY], kind)
        except Error:
            continue
        assert _content(data) in _SIGNED_CONTENTS


def _signature_data(data: bytes) -> None:
    """What is read strictly is written the same."""
    parsed = SignatureData.parse(data)
    assert parsed.to_bytes() == data


@contextmanager
def _file_with(module: ModuleType, data: bytes) -> Iterator[Path]:
    """A path at which the key readers of `module` find `data`."""
    with (
        mock.patch.object(module, "read_bounded", lambda *_: data),
        mock.patch.object(module, "read_secret", lambda *_, **__: data),
    ):
        yield Path("key")


def _cheap_kdf(password: bytes, salt: bytes, size: int, *_: object, **__: object) -> bytes:
    return hashlib.shake_128(password + salt).digest(size)


def _component_public(data: bytes) -> None:
    with _file_with(component_files, data) as path:
        keys = load_component_keys(path)
    assert keys
    assert len(set(keys)) == len(keys)


def _component_secret(data: bytes) -> None:
    with _file_with(component_files, data) as path:
        signer = KeyReference.parse(str(path)).open_component_signer()
    signer.public_key.verify(signer.sign(data), data)


def _openssh_secret(blob: bytes) -> None:
    """`openssh-key-v1` inside its base64, with a cheap key derivation."""
    data = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.b64encode(blob) + b"\n-----END OPENSSH PRIVATE KEY-----\n"
    with _file_with(component_files, data) as path, mock.patch.object(ssh, "_bcrypt_kdf", _cheap_kdf):
        KeyReference.parse(str(path)).open_component_signer(lambda: PASSWORD)


def _image_public(data: bytes) -> None:
    """What is read is written so that it is read again."""
    key = image.parse_public_key(data)
    assert image.parse_public_key(key.pem()) == key


def _image_private(data: bytes) -> None:
    """A key that is read signs."""
    with mock.patch.object(cosign_file, "_derive", lambda *_: bytes(32)):
        key = image.parse_private_key(data)
    image.ImageSigner(key).sign(data)


def _image_signature(data: bytes) -> None:
    for key in _IMAGE_KEYS:
        try:
            image.ImagePublicKey.of(key.public_key).verify(data, b"message")
        except Error:
            continue


def _cosign_file(data: bytes) -> None:
    """A PEM file, or the JSON inside one; the key derivation is cheap, its limits are not touched."""
    kind = b"ENCRYPTED SIGSTORE PRIVATE KEY-----"
    pem = data if data.startswith(b"--") else b"-----BEGIN %s\n%s\n-----END %s" % (kind, base64.b64encode(data), kind)
    with mock.patch.object(cosign_file, "_derive", lambda *_: bytes(32)):
        cosign_file.decrypt(pem, PASSWORD)


def _bundle(data: bytes) -> None:
    bundle = cosign_bundle.parse_bundle(data)
    signed_annotations(bundle.envelope.payload, _SUBJECT.digest)


def _simple_signing(data: bytes) -> None:
    simple_signing.check_payload(data, _SUBJECT.digest)


def _oci(data: bytes) -> None:
    for parse in (Manifest.parse, Index.parse, lambda data: ReferrerList.parse(data, "the list")):
        try:
            parse(data)
        except Error:
            continue


def _signing_request(data: bytes) -> None:
    """What is read is written so that the same is read again."""
    component_asked, manifest_asked = parse_asked(data)
    again = SigningRequest(_SUBJECT.digest, component_asked, manifest_asked, []).to_bytes()
    assert parse_asked(again) == (component_asked, manifest_asked)


def _text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: parse(data.decode("utf-8", "surrogateescape"))


TARGETS = {
    "sections": Target(_sections, [*WASM, *_SIGNED, *_TWICE_SIGNED]),
    "interface": Target(lambda data: read_interface(io.BytesIO(data)), [*WASM, *WIT_PACKAGES]),
    "typed_interface": Target(lambda data: read_typed_interface(io.BytesIO(data)), [*WASM, *WIT_PACKAGES]),
    "metadata": Target(lambda data: read_annotations(io.BytesIO(data)), [*WASM, *METADATA]),
    "embedded_signature": Target(_embedded, [*WASM, *_SIGNED, *_TWICE_SIGNED]),
    "detached_signature": Target(
        lambda data: verify_component(io.BytesIO(COMPONENT), [KEY], Kind.COMPONENT, data), _SIGNATURES
    ),
    "signature_data": Target(_signature_data, _SIGNATURES),
    "component_public_key": Target(
        _component_public,
        [
            component.compact_public(KEY),
            component.pem_public(KEY),
            bytes.fromhex("302a300506032b6570032100") + KEY.raw,
            _OPENSSH_LINE,
            b'# mine\ncommand="a b",no-pty ' + _OPENSSH_LINE + b" me\nssh-rsa AAAA\ncert-authority " + _OPENSSH_LINE,
        ],
    ),
    "component_secret_key": Target(
        _component_secret,
        [
            SECRET_KEY.compact(),
            SECRET_KEY.pem(),
            bytes.fromhex("302e020100300506032b657004220420") + SEED,
            _ED25519.private_bytes(_PEM, _PKCS8, _ENCRYPTED),
            *_OPENSSH_FILES,
        ],
    ),
    "openssh_secret_key": Target(
        _openssh_secret, [base64.b64decode(b"".join(one.splitlines()[1:-1])) for one in _OPENSSH_FILES]
    ),
    "image_public_key": Target(
        _image_public,
        [
            _P256_PUBLIC.pem(),
            _P256_PUBLIC.spki,
            *(image.ImagePublicKey.of(key.public_key).pem() for key in _IMAGE_KEYS),
            *(image.ImagePublicKey.of(key.public_key).spki for key in _IMAGE_KEYS),
            component.pem_public(KEY),
        ],
    ),
    "image_private_key": Target(
        _image_private,
        [
            image.FileKey(_P256).pem(),
            *(key.pem() for key in _IMAGE_KEYS),
            *(base64.b64decode(b"".join(key.pem().splitlines()[1:-1])) for key in _IMAGE_KEYS),
            _P256.private_bytes(_PEM, _PKCS8, _ENCRYPTED),
            _P256.private_bytes(_PEM, serialization.PrivateFormat.TraditionalOpenSSL, _PLAIN),
            _COSIGN_FILE,
            SECRET_KEY.pem(),
        ],
    ),
    "image_signature": Target(_image_signature, [key.sign(b"message") for key in _IMAGE_KEYS]),
    "cosign_file": Target(_cosign_file, [_COSIGN_FILE, base64.b64decode(b"".join(_COSIGN_FILE.splitlines()[1:-1]))]),
    "strict_json": Target(
        lambda data: parse_object(data, "the text", 65536), [b'{"a":[1,null,{"b":"\\u00e9"}]}', _BUNDLE]
    ),
    "bundle": Target(_bundle, [_BUNDLE]),
    "statement": Target(lambda data: signed_annotations(data, _SUBJECT.digest), [_STATEMENT]),
    "attestation": Target(attestation_targets.attested, [attestation_targets.ATTESTATION]),
    "predicate": Target(attestation_targets.predicate, attestation_targets.PREDICATES),
    "provenance_request": Target(attestation_targets.provenance_request, [attestation_targets.REQUEST]),
    "workspace_status": Target(attestation_targets.workspace_status, [attestation_targets.STATUS]),
    "simple_signing": Target(_simple_signing, [_PAYLOAD]),
    "oci": Target(_oci, [_MANIFEST.to_bytes(), Index((_ENTRY, _LAYER), subject=_SUBJECT).to_bytes()]),
    "signing_request": Target(
        _signing_request, [SigningRequest(_SUBJECT.digest, _COMPONENT_ASKED, _MANIFEST_ASKED, []).to_bytes()]
    ),
    "wasm_config": Target(parse_origin, [WasmConfig(_SUBJECT.digest, Interface(("a:b/c",), ()), 1).to_bytes()]),
    "digest": Target(_text(Digest.parse), [str(_SUBJECT.digest).encode()]),
    "reference": Target(_text(Reference.parse), [b"localhost:5000/a/b:v1", f"[::1]:5000/a@{_SUBJECT.digest}".encode()]),
    "package_name": Target(
        _text(lambda text: PackageName.parse(text).repository("localhost:5000")), [b"acme:greet-er@1.2.3-rc.1"]
    ),
    "challenge": Target(
        _text(parse_challenges), [b'Basic realm="a b", Bearer realm="https://a/t",service="a",scope="b"']
    ),
}


def check(name: str, data: bytes) -> None:
    """Give `data` to a target; anything but an Error comes out."""
    try:
        TARGETS[name].check(data)
    except Error as error:
        assert str(error).strip(), "an error has a text"
