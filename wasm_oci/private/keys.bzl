"""Key pairs as targets: a public file, and where the private half is found."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load(":providers.bzl", "WasmComponentKeyInfo", "WasmOciKeyInfo")

visibility(["//wasm_oci/..."])

_DOC = """\
The private half never enters the build: a build setting names its absolute path, and only the signing
action, which runs on this machine, reads it there. `placeholder_private_key` is for examples and tests.
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
    }

def _absolute(target):
    path = target[BuildSettingInfo].value
    if path and not (path.startswith("/") or path[1:3] in (":/", ":\\")):
        fail("`{}` must be an absolute path, got: {}".format(target.label, path))
    return path

def _key(ctx, key_info):
    placeholder = ctx.file.placeholder_private_key
    return [
        DefaultInfo(files = depset([ctx.file.public_key]), runfiles = ctx.runfiles([ctx.file.public_key])),
        key_info(
            password_path = "" if placeholder else _absolute(ctx.attr.password_path),
            placeholder = placeholder,
            private_key_path = "" if placeholder else _absolute(ctx.attr.private_key_path),
            public_key = ctx.file.public_key,
            setting = None if placeholder else ctx.attr.private_key_path.label,
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
    doc = "An Ed25519 key pair that signs components: compact, DER, PEM or OpenSSH files.\n\n" + _DOC,
    provides = [WasmComponentKeyInfo],
)

wasm_oci_key = rule(
    implementation = _oci_key_implementation,
    attrs = _attrs(
        Label("//wasm_oci:oci_private_key_path"),
        Label("//wasm_oci:oci_password_path"),
    ),
    doc = "An ECDSA P-256 key pair that signs OCI manifests: PKCS#8 PEM or cosign's files.\n\n" + _DOC,
    provides = [WasmOciKeyInfo],
)
