"""Providers: what is known of keys, components and images when the build is analyzed."""

visibility(["//wasm_oci/..."])

_KEY_FIELDS = {
    "placeholder": "File or None: a private key in the repository, which protects nothing.",
    "private_key_path": "string: absolute path of the private key; empty where the build setting is not set.",
    "password_path": "string: absolute path of the file with the private key's password; empty for none.",
    "public_key": "File: the public key.",
    "setting": "Label or None: the build setting that names the private key.",
}

WasmComponentKeyInfo = provider(
    doc = "An Ed25519 key pair that signs components.",
    fields = _KEY_FIELDS,
)

WasmOciKeyInfo = provider(
    doc = "An ECDSA P-256 key pair that signs OCI manifests.",
    fields = _KEY_FIELDS,
)

WasmSignersInfo = provider(
    doc = """\
The public keys that belong to the signing actions behind a target.

It says what the actions were asked to do. That the signatures are there and hold is for a verifier to say.
""",
    fields = {
        "component_keys": "depset of File: public keys of the component signing actions.",
        "oci_keys": "depset of File: public keys of the image signing actions.",
        "placeholders": "depset of File: those of the public keys whose private half is a placeholder.",
    },
)

WasmDetachedSignatureInfo = provider(
    doc = "Signatures of the component in a target's default output that stay outside of it.",
    fields = {
        "signature": "File: wasmsign2's signature data.",
    },
)

WasmOciImageInfo = provider(
    doc = "An OCI image layout that holds one WebAssembly component.",
    fields = {
        "digest": "File: the manifest's digest on one line, `sha256:<hex>`.",
        "layout": "File (directory): the OCI image layout.",
        "repository": "string: `host[:port]/path` that the image is for.",
        "tag": "string: the tag that is proposed when the image is published.",
    },
)

def signers(target):
    """The WasmSignersInfo of a target, an empty one where it has none.

    Args:
        target: a Target.

    Returns:
        A WasmSignersInfo.
    """
    if WasmSignersInfo in target:
        return target[WasmSignersInfo]
    return WasmSignersInfo(component_keys = depset(), oci_keys = depset(), placeholders = depset())

def with_signer(info, key, field):
    """Adds a signing key to a WasmSignersInfo.

    Args:
        info: a WasmSignersInfo.
        key: a WasmComponentKeyInfo or WasmOciKeyInfo.
        field: `component_keys` or `oci_keys`, the list that the key joins.

    Returns:
        A new WasmSignersInfo.
    """
    public = [key.public_key]
    return WasmSignersInfo(
        component_keys = depset(public if field == "component_keys" else [], transitive = [info.component_keys]),
        oci_keys = depset(public if field == "oci_keys" else [], transitive = [info.oci_keys]),
        placeholders = depset(public if key.placeholder else [], transitive = [info.placeholders]),
    )
