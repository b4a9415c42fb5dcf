"""The macro `wasm_verify_test` and the rule behind it."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load("@rules_python//python:py_test.bzl", "py_test")
load(":checks.bzl", "ASKED_ATTRS", "COMPONENT", "check_trusted", "refuse")
load(":macros.bzl", "TEST_ATTRIBUTES", "check_attributes")
load(":program.bzl", "request_name", "request_test")
load(":providers.bzl", "WasmDetachedSignatureInfo")
load(":request.bzl", "declared", "request_object", "write_request")
load(":runfiles.bzl", "rlocation")
load(":skipping.bzl", "skipped_where_unsigned")

visibility(["//wasm_oci/..."])

_ATTRS = ASKED_ATTRS | {
    "component": attr.label(
        allow_single_file = [".wasm"],
        mandatory = True,
    ),
    "keys": attr.label_list(
        allow_files = True,
        mandatory = True,
    ),
    "kind": attr.string(
        mandatory = True,
        values = ["component", "module"],
    ),
    "parts": attr.string_list(),
    "signature": attr.label(allow_single_file = True),
    "threshold": attr.int(mandatory = True),
}

def _implementation(ctx):
    if not ctx.files.keys:
        refuse(ctx, "keys", "names no key: name a `wasm_component_key`, or the file of a public key")
    check_trusted(ctx, "keys", COMPONENT)
    signature = ctx.file.signature
    if not signature and WasmDetachedSignatureInfo in ctx.attr.component:
        signature = ctx.attr.component[WasmDetachedSignatureInfo].signature
    component = {
        "file": rlocation(ctx, ctx.file.component),
        "kind": ctx.attr.kind,
        "parts": ctx.attr.parts,
    }
    if signature:
        component["signature"] = rlocation(ctx, signature)
    return write_request(ctx, {
        "component": request_object(
            component,
            files = [ctx.file.component] + ([signature] if signature else []),
        ),
        "declared": declared(ctx),
        "trust": request_object(
            {
                "componentKeys": [rlocation(ctx, file) for file in ctx.files.keys],
                "componentThreshold": ctx.attr.threshold,
            },
            files = ctx.files.keys,
        ),
    })

_component_verify_request = rule(
    implementation = _implementation,
    attrs = _ATTRS,
    doc = "Writes what a test of a component is to verify.",
    provides = [PyInfo],
)

def wasm_verify_test(
        *,
        name,
        component,
        keys,
        signature = None,
        threshold = 1,
        parts = [],
        kind = "component",
        size = "small",
        tags = [],
        target_compatible_with = None,
        testonly = True,
        visibility = None,
        **kwargs):
    """Verifies the signature of a WebAssembly file, strictly and offline.

    Where the file was to be signed and is not, because the build has no key, Bazel skips the test.

    The test writes JUnit XML, and `report.json`, `.html`, `.md` and `.sarif` to its undeclared outputs, unless Bazel would
    have to zip those on a machine without `zip`. docs/reports.md says what they have.

    ```starlark
    wasm_verify_test(
        name = "verify_component",
        component = ":signed_greeting",
        keys = [":component_key"],
    )
    ```

    Args:
        name: name of the test.
        component: any target with one `.wasm` output; the detached signature of a `wasm_sign` is found.
        keys: trusted component keys, key targets or files.
        signature: a detached signature, where `component` does not bring its own.
        threshold: how many distinct keys must have signed.
        parts: globs of custom section names, where only those parts are to be verified.
        kind: what the file must be, `component` or `module`.
        size: the usual attribute of tests.
        tags: the usual Bazel attribute.
        target_compatible_with: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
        **kwargs: other attributes of the test, such as `timeout`.
    """
    check_attributes(name, "wasm_verify_test", kwargs, TEST_ATTRIBUTES)
    request = request_name(name)
    _component_verify_request(
        name = request,
        asked = {"name": name},
        component = component,
        keys = keys,
        kind = kind,
        parts = parts,
        signature = signature,
        tags = ["manual"],
        testonly = testonly,
        threshold = threshold,
        visibility = ["//visibility:private"],
    )
    request_test(
        py_test,
        name = name,
        size = size,
        program = "verify_component",
        tags = (tags or []) + ["block-network"],
        target_compatible_with = skipped_where_unsigned(
            name = name,
            level = "component-only",
            subject = component,
            target_compatible_with = target_compatible_with,
            testonly = testonly,
        ),
        testonly = testonly,
        visibility = visibility,
        **kwargs
    )
