"""Public API of rules_wasm_oci: dual-layer signed WebAssembly component OCI images."""

load(
    "//wasm_oci/private:attest.bzl",
    _wasm_oci_attest = "wasm_oci_attest",
    _wasm_oci_attest_provenance = "wasm_oci_attest_provenance",
)
load("//wasm_oci/private:component_sign.bzl", _wasm_sign = "wasm_sign")
load("//wasm_oci/private:component_verify.bzl", _wasm_verify_test = "wasm_verify_test")
load("//wasm_oci/private:image_index.bzl", _wasm_component_oci_index = "wasm_component_oci_index")
load("//wasm_oci/private:image_package.bzl", _wasm_oci_package = "wasm_oci_package")
load("//wasm_oci/private:image_sign.bzl", _wasm_oci_sign = "wasm_oci_sign")
load(
    "//wasm_oci/private:images.bzl",
    _wasm_component_oci_image = "wasm_component_oci_image",
    _wasm_component_signed_oci_image = "wasm_component_signed_oci_image",
)
load("//wasm_oci/private:keygen.bzl", _wasm_keygen = "wasm_keygen")
load(
    "//wasm_oci/private:keys.bzl",
    _wasm_component_key = "wasm_component_key",
    _wasm_oci_identity = "wasm_oci_identity",
    _wasm_oci_key = "wasm_oci_key",
    _wasm_oci_transparency_log = "wasm_oci_transparency_log",
)
load("//wasm_oci/private:policy.bzl", _wasm_oci_policy = "wasm_oci_policy")
load(
    "//wasm_oci/private:providers.bzl",
    _WasmComponentKeyInfo = "WasmComponentKeyInfo",
    _WasmDetachedSignatureInfo = "WasmDetachedSignatureInfo",
    _WasmOciIdentityInfo = "WasmOciIdentityInfo",
    _WasmOciImageInfo = "WasmOciImageInfo",
    _WasmOciKeyInfo = "WasmOciKeyInfo",
    _WasmOciPolicyInfo = "WasmOciPolicyInfo",
    _WasmRunTimeSigningInfo = "WasmRunTimeSigningInfo",
    _WasmSignersInfo = "WasmSignersInfo",
    _WasmTransparencyLogInfo = "WasmTransparencyLogInfo",
)
load(
    "//wasm_oci/private:publish.bzl",
    _wasm_component_publish = "wasm_component_publish",
    _wasm_component_secure_publish = "wasm_component_secure_publish",
)
load("//wasm_oci/private:publish_all.bzl", _wasm_component_publish_all = "wasm_component_publish_all")
load("//wasm_oci/private:report.bzl", _wasm_oci_report = "wasm_oci_report")
load("//wasm_oci/private:signing_request.bzl", _wasm_oci_signing_request = "wasm_oci_signing_request")
load("//wasm_oci/private:verified_component.bzl", _wasm_oci_verified_component = "wasm_oci_verified_component")
load(
    "//wasm_oci/private:verify.bzl",
    _wasm_component_verify_signatures = "wasm_component_verify_signatures",
    _wasm_component_verify_test = "wasm_component_verify_test",
)

visibility("public")

# Who signs, where signatures are logged, and who is trusted.
wasm_keygen = _wasm_keygen
wasm_component_key = _wasm_component_key
wasm_oci_key = _wasm_oci_key
wasm_oci_identity = _wasm_oci_identity
wasm_oci_transparency_log = _wasm_oci_transparency_log
wasm_oci_policy = _wasm_oci_policy

# One rule, one action.
wasm_sign = _wasm_sign
wasm_oci_package = _wasm_oci_package
wasm_oci_sign = _wasm_oci_sign
wasm_oci_attest = _wasm_oci_attest
wasm_oci_attest_provenance = _wasm_oci_attest_provenance
wasm_oci_signing_request = _wasm_oci_signing_request
wasm_oci_verified_component = _wasm_oci_verified_component
wasm_oci_report = _wasm_oci_report

# One test.
wasm_verify_test = _wasm_verify_test

# Macros that wire them together.
wasm_component_oci_image = _wasm_component_oci_image
wasm_component_signed_oci_image = _wasm_component_signed_oci_image
wasm_component_oci_index = _wasm_component_oci_index
wasm_component_publish = _wasm_component_publish
wasm_component_publish_all = _wasm_component_publish_all
wasm_component_secure_publish = _wasm_component_secure_publish
wasm_component_verify_signatures = _wasm_component_verify_signatures
wasm_component_verify_test = _wasm_component_verify_test

# Providers.
WasmComponentKeyInfo = _WasmComponentKeyInfo
WasmDetachedSignatureInfo = _WasmDetachedSignatureInfo
WasmOciIdentityInfo = _WasmOciIdentityInfo
WasmOciImageInfo = _WasmOciImageInfo
WasmOciKeyInfo = _WasmOciKeyInfo
WasmOciPolicyInfo = _WasmOciPolicyInfo
WasmRunTimeSigningInfo = _WasmRunTimeSigningInfo
WasmSignersInfo = _WasmSignersInfo
WasmTransparencyLogInfo = _WasmTransparencyLogInfo
