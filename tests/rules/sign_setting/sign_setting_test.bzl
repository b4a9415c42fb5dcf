"""Tests of what images and components say of themselves in each value of `//wasm_oci:sign`."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//wasm_oci:defs.bzl", "WasmRunTimeSigningInfo", "WasmSignersInfo")

_SETTING = str(Label("//wasm_oci:sign"))

_SIGNING = ["OciAttest", "OciSign", "WasmOciKeyCheck", "WasmSign"]

def _implementation(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    said = ["{} {}: {}".format(each.layer, each.signer, each.reason) for each in target[WasmSignersInfo].unsigned.to_list()]
    asserts.equals(env, ctx.attr.unsigned, said)
    actions = [action.mnemonic for action in analysistest.target_actions(env) if action.mnemonic in _SIGNING]
    asserts.equals(env, ctx.attr.actions, actions)
    late = target[WasmRunTimeSigningInfo]
    asserts.equals(env, ctx.attr.late, len(late.component_keys + late.oci_signers + late.attestations))

    # Whoever is asked to sign stays known: publishing asks for what they were to sign.
    known = target[WasmSignersInfo]
    asserts.equals(env, ctx.attr.known, sorted([
        file.basename
        for file in (known.component_keys.to_list() + known.oci_keys.to_list())
    ]))
    return analysistest.end(env)

_ATTRS = {
    "actions": attr.string_list(doc = "Signing actions of the target itself."),
    "known": attr.string_list(doc = "Base names of the keys that were asked to sign."),
    "late": attr.int(doc = "How many sign at `bazel run`."),
    "unsigned": attr.string_list(doc = "Who does not sign, and why."),
}

_auto_test = analysistest.make(_implementation, attrs = _ATTRS, config_settings = {_SETTING: "auto"})
_disabled_test = analysistest.make(_implementation, attrs = _ATTRS, config_settings = {_SETTING: "disabled"})
_enabled_test = analysistest.make(_implementation, attrs = _ATTRS, config_settings = {_SETTING: "enabled"})

def _refused_implementation(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.message)
    return analysistest.end(env)

_disabled_with_paths_test = analysistest.make(
    _implementation,
    attrs = _ATTRS,
    config_settings = {
        _SETTING: "disabled",
        str(Label("//wasm_oci:component_private_key_path")): "/keys/component.key",
        str(Label("//wasm_oci:oci_private_key_path")): "/keys/oci.key",
    },
)

_refused_test = analysistest.make(
    _refused_implementation,
    attrs = {"message": attr.string(mandatory = True)},
    config_settings = {_SETTING: "enabled"},
    expect_failure = True,
)

_TESTS = {
    "auto": _auto_test,
    "disabled": _disabled_test,
    "disabled_with_paths": _disabled_with_paths_test,
    "enabled": _enabled_test,
}

def sign_setting_tests(*, name, said, refused):
    """Declares a test for each target and value of the setting.

    Args:
        name: name of the test suite.
        said: a dict from `(target, value)` to what the target then says, attributes of the test.
        refused: a dict from targets to the message of the failure where the setting is `enabled`.
    """
    tests = []
    for (target, value), attributes in said.items():
        tests.append("{}_{}_test".format(target, value))
        _TESTS[value](name = tests[-1], target_under_test = target, **attributes)
    for target, message in refused.items():
        tests.append("{}_refused_test".format(target))
        _refused_test(name = tests[-1], message = message, target_under_test = target)
    native.test_suite(name = name, tests = tests)
