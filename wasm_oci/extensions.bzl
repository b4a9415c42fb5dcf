"""Module extensions of rules_wasm_oci."""

load("//wasm_oci/private:pull_extension.bzl", _wasm_oci = "wasm_oci")

visibility("public")

wasm_oci = _wasm_oci
