"""Providers: what is known of keys, components and images when the build is analyzed."""

visibility(["//wasm_oci/..."])

_KEY_FIELDS = {
    "libraries": "PyInfo and runfiles in a struct, or None: what a program needs to use the reference.",
    "placeholder": "File or None: a private key in the repository, which protects nothing.",
    "private_key_path": "string: absolute path of the private key; empty where the build setting is not set.",
    "password_path": "string: absolute path of the file with the private key's password; empty for none.",
    "public_key": "File: the public key.",
    "reference": "string: a key in a token, a service or the environment, which signs at `bazel run`; empty for none.",
    "setting": "Label or None: the build setting that names the private key.",
}

WasmComponentKeyInfo = provider(
    doc = "An Ed25519 key pair that signs components.",
    fields = _KEY_FIELDS,
)

# An image's signer is a key or an identity. `kind` says which, whoever makes the provider.

def _key(**fields):
    return fields | {"kind": "key"}

def _identity(**fields):
    return fields | {"kind": "identity"}

WasmOciKeyInfo, _new_oci_key = provider(
    doc = "A key pair that signs OCI manifests.",
    fields = _KEY_FIELDS | {"kind": "string: `key`."},
    init = _key,
)

WasmOciIdentityInfo, _new_oci_identity = provider(
    doc = "An identity that signs OCI manifests without a key of its own, and how it is recognized.",
    fields = {
        "identity": "string: the certificate's identity, exactly.",
        "identity_regexp": "string: a regular expression that matches the whole identity, in place of it.",
        "issuer": "string: the issuer of the identity, exactly.",
        "issuer_regexp": "string: a regular expression that matches the whole issuer, in place of it.",
        "kind": "string: `identity`.",
        "libraries": "PyInfo and runfiles in a struct: what a program needs to sign and verify with it.",
        "signing_config": "File or None: Sigstore's services, as cosign's --signing-config; by default the public ones.",
        "token_path": "string: absolute path of the file with the identity token; empty for the CI's own.",
        "trusted_root": "File or None: what is trusted, as cosign's --trusted-root; by default the public one.",
    },
    init = _identity,
)

WasmTransparencyLogInfo = provider(
    doc = "A transparency log for signatures that are made with keys.",
    fields = {
        "libraries": "PyInfo and runfiles in a struct: what a program needs to speak to it.",
        "signing_config": "File: the log's address, as cosign's --signing-config.",
        "trusted_root": "File: the log's keys, as cosign's --trusted-root.",
    },
)

WasmOciPolicyInfo = provider(
    doc = "A policy file: who must have signed what, what must be attested, and what a component may import.",
    fields = {
        "file": "File: the policy.",
        "files": "dict of string to File: the keys and the trusted root that it names, by its names for them.",
        "libraries": "PyInfo and runfiles in a struct: what a program needs to read it.",
        "tool": "FilesToRunProvider: the tool of actions that can read it.",
    },
)

def _signers(component = None, **fields):
    return fields | {"component": component}

WasmSignersInfo, _new_signers = provider(
    doc = """\
The public keys and identities that sign what is behind a target, in actions or at `bazel run`.

It says who was asked to sign. Only a verifier says whether the signatures are there and hold. Who was asked and did
not sign is in `unsigned`: what is behind the target is then not what was declared, and no target publishes it.
""",
    fields = {
        "component": "File or None: the component as it came in, before any of them signed it.",
        "component_keys": "depset of File: public keys of the component's signers.",
        "identities": "depset of WasmOciIdentityInfo: identities that sign the image.",
        "oci_keys": "depset of File: public keys of the image's signers.",
        "placeholders": "depset of File: those of the public keys whose private half is a placeholder.",
        "unsigned": "depset of struct: who was asked to sign and did not: `layer`, which is `component`, `manifest` or " +
                    "`attestation`; `signer`, a string, the label; `reason`, a string.",
    },
    init = _signers,
)

WasmRunTimeSigningInfo = provider(
    doc = "What is signed of a target at `bazel run`, because its signers do not sign in the build.",
    fields = {
        "annotations": "dict of string to string: what the image's signatures say besides the digest.",
        "attestations": "list of struct: `signer`, as in `oci_signers`, and `statement`, what it attests: a struct " +
                        "whose `kind` is `document` or `provenance`.",
        "component_detached": "bool: whether the component's signatures stay outside of it.",
        "component_keys": "list of WasmComponentKeyInfo, each with a reference.",
        "formats": "list of string: the formats of the image's signatures.",
        "oci_signers": "list of WasmOciKeyInfo with a reference, and of WasmOciIdentityInfo.",
    },
)

WasmDetachedSignatureInfo = provider(
    doc = "Signatures of the component in a target's default output that stay outside of it.",
    fields = {
        "signature": "File: wasmsign2's signature data.",
    },
)

WasmOciImageInfo = provider(
    doc = "An OCI image layout that holds one WebAssembly component, or an index of several variants of it.",
    fields = {
        "digest": "File or None: the manifest's digest on one line, `sha256:<hex>`.",
        "layout": "File (directory): the OCI image layout.",
        "repository": "string: `host[:port]/path` that the image is for.",
        "tag": "string: the tag that is proposed when the image is published.",
    },
)

def _joined(infos, *, component = None, component_keys = [], identities = [], oci_keys = [], placeholders = [], unsigned = []):
    return WasmSignersInfo(
        component = component,
        component_keys = depset(component_keys, transitive = [info.component_keys for info in infos]),
        identities = depset(identities, transitive = [info.identities for info in infos]),
        oci_keys = depset(oci_keys, transitive = [info.oci_keys for info in infos]),
        placeholders = depset(placeholders, transitive = [info.placeholders for info in infos]),
        unsigned = depset(unsigned, transitive = [info.unsigned for info in infos]),
    )

def signers(target):
    """The WasmSignersInfo of a target, an empty one where it has none.

    Args:
        target: a Target.

    Returns:
        A WasmSignersInfo.
    """
    return target[WasmSignersInfo] if WasmSignersInfo in target else _joined([])

def all_signers(targets):
    """The signers of several targets.

    Args:
        targets: a list of Targets.

    Returns:
        A WasmSignersInfo.
    """
    return _joined([signers(target) for target in targets])

def deferred_signing(target):
    """The WasmRunTimeSigningInfo of a target, an empty one where it has none.

    Args:
        target: a Target or None.

    Returns:
        A WasmRunTimeSigningInfo.
    """
    if target and WasmRunTimeSigningInfo in target:
        return target[WasmRunTimeSigningInfo]
    return WasmRunTimeSigningInfo(
        annotations = {},
        attestations = [],
        component_detached = False,
        component_keys = [],
        formats = [],
        oci_signers = [],
    )

def with_signers(info, asked, field):
    """Adds those who were asked to sign a layer to a WasmSignersInfo.

    Args:
        info: a WasmSignersInfo.
        asked: a result of `sorted_out`.
        field: `component_keys` or `oci_keys`, the list that their keys join.

    Returns:
        A new WasmSignersInfo.
    """
    public = [key.public_key for key in asked.all_keys]
    return _joined(
        [info],
        component = info.component,
        component_keys = public if field == "component_keys" else [],
        identities = asked.all_identities,
        oci_keys = public if field == "oci_keys" else [],
        placeholders = [key.public_key for key in asked.all_keys if key.placeholder],
        unsigned = asked.unsigned,
    )

def with_unsigned(info, unsigned):
    """Adds those who were asked and did not sign to a WasmSignersInfo.

    Args:
        info: a WasmSignersInfo.
        unsigned: structs as in its field.

    Returns:
        A new WasmSignersInfo.
    """
    return _joined([info], component = info.component, unsigned = unsigned)

def with_component(info, component):
    """Adds the component to a WasmSignersInfo, unless one came in before it.

    Args:
        info: a WasmSignersInfo.
        component: a File.

    Returns:
        A new WasmSignersInfo.
    """
    return _joined([info], component = info.component or component)

def with_attestations(info, attestations):
    """Adds attestations to a WasmRunTimeSigningInfo.

    Args:
        info: a WasmRunTimeSigningInfo.
        attestations: structs as in its field.

    Returns:
        A new WasmRunTimeSigningInfo.
    """
    return WasmRunTimeSigningInfo(
        annotations = info.annotations,
        attestations = info.attestations + attestations,
        component_detached = info.component_detached,
        component_keys = info.component_keys,
        formats = info.formats,
        oci_signers = info.oci_signers,
    )
