"""Key pairs as targets: a public file, and where the private half is found."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("@rules_python//python:py_info.bzl", "PyInfo")
load(":libraries.bzl", "libraries", "service_of")
load(":providers.bzl", "WasmComponentKeyInfo", "WasmOciIdentityInfo", "WasmOciKeyInfo", "WasmTransparencyLogInfo")

visibility(["//wasm_oci/..."])

_DOC = """\
The private half never enters the build: a build setting names its absolute path, and only the signing
action, which runs on this machine, reads it there. `placeholder_private_key` is for examples and tests.

With `reference` the key is in a token, a service or the environment. It signs at `bazel run`, of the publishing
target or of the image's `.sign` target, not in the build.

```starlark
{rule}(
    name = "{layer}_key",
    public_key = "keys/{layer}.pub",
)
```
"""

def _attrs(setting, password_setting):
    return {
        "password_path": attr.label(
            default = password_setting,
            doc = "A string setting: the absolute path of the file with the private key's password.",
            providers = [BuildSettingInfo],
        ),
        "placeholder_private_key": attr.label(
            allow_single_file = True,
            doc = "A private key in the repository. Everybody has it, so it protects nothing, and publishing says so.",
        ),
        "private_key_path": attr.label(
            default = setting,
            doc = "A string setting: the absolute path of the private key.",
            providers = [BuildSettingInfo],
        ),
        "public_key": attr.label(
            allow_single_file = True,
            doc = "The public key.",
            mandatory = True,
        ),
        "reference": attr.string(
            doc = "A key in cosign's spelling that signs at `bazel run`: `env://`, `pkcs11:`, `awskms://`, " +
                  "`gcpkms://`, `azurekms://`, `hashivault://`, `openbao://`, or the scheme of a plugin.",
        ),
        "_libraries": attr.label_list(default = service_of, providers = [PyInfo]),
    }

def _absolute(target):
    path = target[BuildSettingInfo].value
    if path and not (path.startswith("/") or path[1:3] in (":/", ":\\")):
        fail("`{}` must be an absolute path, got: {}".format(target.label, path))
    return path

def _key(ctx, key_info):
    placeholder = ctx.file.placeholder_private_key
    reference = ctx.attr.reference
    if reference and placeholder:
        fail("a key has a `reference` or a `placeholder_private_key`, not both")
    if reference and ":" not in reference:
        fail("`reference` must be a key reference with a scheme, got: {}".format(reference))
    if "pin-value" in reference:
        fail("`reference` must have no `pin-value`, which everybody could read: use `pin-source`, or $COSIGN_PKCS11_PIN")
    is_set = not placeholder and not reference
    return [
        DefaultInfo(files = depset([ctx.file.public_key]), runfiles = ctx.runfiles([ctx.file.public_key])),
        key_info(
            libraries = libraries(ctx, ctx.attr._libraries) if reference else None,
            password_path = _absolute(ctx.attr.password_path) if is_set else "",
            placeholder = placeholder,
            private_key_path = _absolute(ctx.attr.private_key_path) if is_set else "",
            public_key = ctx.file.public_key,
            reference = reference,
            setting = ctx.attr.private_key_path.label if is_set else None,
        ),
    ]

def _component_key_implementation(ctx):
    return _key(ctx, WasmComponentKeyInfo)

def _oci_key_implementation(ctx):
    return _key(ctx, WasmOciKeyInfo)

wasm_component_key = rule(
    implementation = _component_key_implementation,
    attrs = _attrs(
        Label("//wasm_oci:component_private_key_path"),
        Label("//wasm_oci:component_password_path"),
    ),
    doc = "An Ed25519 key pair that signs components: compact, DER, PEM or OpenSSH files.\n\n" +
          _DOC.format(layer = "component", rule = "wasm_component_key"),
    provides = [WasmComponentKeyInfo],
)

wasm_oci_key = rule(
    implementation = _oci_key_implementation,
    attrs = _attrs(
        Label("//wasm_oci:oci_private_key_path"),
        Label("//wasm_oci:oci_password_path"),
    ),
    doc = "A key pair that signs OCI manifests, ECDSA, RSA or Ed25519: PKCS#8 PEM or cosign's files.\n\n" +
          _DOC.format(layer = "oci", rule = "wasm_oci_key"),
    provides = [WasmOciKeyInfo],
)

def _oci_identity_implementation(ctx):
    for name in ("identity", "issuer"):
        exact, pattern = getattr(ctx.attr, name), getattr(ctx.attr, name + "_regexp")
        if bool(exact) == bool(pattern):
            fail("give one of `{name}` and `{name}_regexp`".format(name = name))
    return [
        DefaultInfo(),
        WasmOciIdentityInfo(
            identity = ctx.attr.identity,
            identity_regexp = ctx.attr.identity_regexp,
            issuer = ctx.attr.issuer,
            issuer_regexp = ctx.attr.issuer_regexp,
            libraries = libraries(ctx, ctx.attr._libraries),
            signing_config = ctx.file.signing_config,
            token_path = _absolute(ctx.attr.identity_token_path),
            trusted_root = ctx.file.trusted_root,
        ),
    ]

_SIGNING_CONFIG = attr.label(
    allow_single_file = [".json"],
    doc = "Sigstore's services as cosign's `--signing-config` names them.",
)

_TRUSTED_ROOT = attr.label(
    allow_single_file = [".json"],
    doc = "Whose certificates and log entries are trusted, as cosign's `--trusted-root`.",
)

wasm_oci_identity = rule(
    implementation = _oci_identity_implementation,
    attrs = {
        "identity": attr.string(doc = "The identity in the certificate: an email address or a URI."),
        "identity_regexp": attr.string(doc = "A regular expression that must match the whole identity."),
        "identity_token_path": attr.label(
            default = Label("//wasm_oci:identity_token_path"),
            doc = "A string setting: the absolute path of a file with an OIDC token. By default the CI's own identity.",
            providers = [BuildSettingInfo],
        ),
        "issuer": attr.string(doc = "The issuer of the identity, a URL."),
        "issuer_regexp": attr.string(doc = "A regular expression that must match the whole issuer."),
        "signing_config": _SIGNING_CONFIG,
        "trusted_root": _TRUSTED_ROOT,
        "_libraries": attr.label_list(
            default = [Label("//tools/wasmoci/keyless")],
            providers = [PyInfo],
        ),
    },
    doc = """\
An identity that signs images at `bazel run` without a key of its own, through Fulcio and a transparency log.

It takes the place of a `wasm_oci_key` where an image is signed, published or verified. Without `trusted_root`
and `signing_config` it uses the public instance of Sigstore.

```starlark
wasm_oci_identity(
    name = "release_pipeline",
    identity = "https://github.com/acme/greeting/.github/workflows/release.yml@refs/heads/main",
    issuer = "https://token.actions.githubusercontent.com",
)
```
""",
    provides = [WasmOciIdentityInfo],
)

def _transparency_log_implementation(ctx):
    return [
        DefaultInfo(files = depset([ctx.file.signing_config, ctx.file.trusted_root])),
        WasmTransparencyLogInfo(
            libraries = libraries(ctx, ctx.attr._libraries),
            signing_config = ctx.file.signing_config,
            trusted_root = ctx.file.trusted_root,
        ),
    ]

wasm_oci_transparency_log = rule(
    implementation = _transparency_log_implementation,
    attrs = {
        "signing_config": attr.label(
            allow_single_file = [".json"],
            doc = "The log's address and version, and who gives time stamps, as cosign's `--signing-config` names them.",
            mandatory = True,
        ),
        "trusted_root": attr.label(
            allow_single_file = [".json"],
            doc = "The log's keys and the authorities of time stamps, as cosign's `--trusted-root`.",
            mandatory = True,
        ),
        "_libraries": attr.label_list(
            default = [
                Label("//tools/wasmoci/sign"),
                Label("//tools/wasmoci/transparency:rekor"),
            ],
            providers = [PyInfo],
        ),
    },
    doc = """\
A transparency log. Publishing adds signatures made with keys to it; a verifier asks for their entries.

```starlark
wasm_oci_transparency_log(
    name = "log",
    signing_config = "signing_config.json",
    trusted_root = "trusted_root.json",
)
```
""",
    provides = [WasmTransparencyLogInfo],
)
