"""The private halves of tests/build/keys: public test vectors that stand for secrets, and their forms in a log."""

import base64
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey

# wasmsign2's first key, and the key of RFC 6979, A.2.5.
COMPONENT_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OCI_KEY = ec.derive_private_key(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1())


def der(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _forms(secret: bytes) -> list[bytes]:
    """Raw, hex, base64."""
    return [secret, secret.hex().encode(), base64.b64encode(secret)]


SECRETS = [
    *_forms(bytes(range(32))),
    *_forms(OCI_KEY.private_numbers().private_value.to_bytes(32, "big")),
    *_forms(der(COMPONENT_KEY)),
    *_forms(der(OCI_KEY)),
    *pem(OCI_KEY).splitlines()[1:-1],
]


def private_key_flags(folder: Path) -> list[str]:
    """Write the private keys into a folder outside of the tree; the flags that name them."""
    for name, key in (("component.key", COMPONENT_KEY), ("oci.key", OCI_KEY)):
        (folder / name).write_bytes(pem(key))
        (folder / name).chmod(0o600)
    return [
        f"--//wasm_oci:component_private_key_path={folder / 'component.key'}",
        f"--//tests/build:own_setting={folder / 'oci.key'}",
    ]


def secrets_below(folder: Path) -> list[tuple[Path, bytes]]:
    """The files in a folder that hold a private key, and its form; not libraries, whose tables count as a key does."""
    contents = ((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file())
    files = ((path, content) for path, content in contents if not content.startswith(b"\x7fELF"))
    return [(path, secret) for path, content in files for secret in SECRETS if secret in content]
