"""A plugin program of the protocol that cosign's `sigstore-kms-NAME` programs speak, for the scheme `test://`."""

import sys
from pathlib import Path

from key_service_fixtures import ED25519, P256, RSA, PrivateKey, private_pem

KEYS: dict[str, PrivateKey] = {"p256": P256, "rsa": RSA, "ed25519": ED25519}

_PROGRAM = """import sys
sys.path[:] = {path!r}
import base64, json
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
KEYS = {keys!r}
version, arguments = sys.argv[1], json.loads(sys.argv[2])
options, method = arguments["initOptions"], arguments["methodName"]
assert (version, options["protocolVersion"], options["hashFunc"]) == ("v1", "v1", 5)
key = serialization.load_pem_private_key(KEYS[options["keyResourceID"]], None)
if method == "publicKey":
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, form)
    value = {{"publicKeyPEM": base64.b64encode(pem).decode()}}
else:
    assert method == "signMessage"
    digest = arguments[method]["signOptions"]["messageOptions"].get("digest")
    message = sys.stdin.buffer.read()
    if digest:
        signature = key.sign(base64.b64decode(digest), ec.ECDSA(Prehashed(hashes.SHA256())))
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        signature = key.sign(message, ec.ECDSA(hashes.SHA256()))
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(message)
    else:
        signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    value = {{"signature": base64.b64encode(signature).decode()}}
print(json.dumps({{method: value}}))
"""


def install(folder: Path, program: str | None = None, name: str = "test") -> Path:
    """Write the plugin, or another Python program as one, to a folder that is to be on PATH; returns the folder."""
    keys = {one: private_pem(key) for one, key in KEYS.items()}
    text = _PROGRAM.format(path=sys.path, keys=keys) if program is None else program
    file = folder / f"sigstore-kms-{name}"
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(0o755)
    return folder
