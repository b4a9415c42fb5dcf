"""The rule `wasm_sign`."""

load(":providers.bzl", "WasmComponentKeyInfo", "WasmSignersInfo", "signers", "with_signer")
load(":signing.bzl", "EXECUTION_REQUIREMENTS", "add_key")

visibility(["//wasm_oci/..."])

_DOC = """\
Signs a WebAssembly file with Ed25519, in the format of wasmsign2, as one `WasmSign` action.

The output is `<name>.wasm`. It is the same for the same input and key.
"""

_ATTRS = {
    "component": attr.label(
        allow_single_file = [".wasm"],
        doc = "The WebAssembly file: any target with one `.wasm` output.",
        mandatory = True,
    ),
    "key": attr.label(
        doc = "The key pair, a `wasm_component_key`.",
        mandatory = True,
        providers = [WasmComponentKeyInfo],
    ),
    "key_id": attr.bool(
        default = True,
        doc = "Whether the signature names its key, as `wasmsign2 sign -K` does.",
    ),
    "kind": attr.string(
        default = "component",
        doc = "What the file must be.",
        values = ["component", "module"],
    ),
    "_tool": attr.label(
        cfg = "exec",
        default = Label("//tools:component_sign"),
        executable = True,
    ),
}

def _implementation(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".wasm")
    key = ctx.attr.key[WasmComponentKeyInfo]

    args = ctx.actions.args()
    args.add("--quiet")
    args.add(ctx.file.component)
    args.add("--output", output)
    args.add("--kind", ctx.attr.kind)
    if ctx.attr.key_id:
        args.add("--key-id")
    key_files = add_key(args, key)

    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [args],
        inputs = [ctx.file.component] + key_files,
        outputs = [output],
        mnemonic = "WasmSign",
        progress_message = "Signing WebAssembly component %{label}",
        execution_requirements = EXECUTION_REQUIREMENTS,
    )
    return [
        DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output])),
        with_signer(signers(ctx.attr.component), key, "component_keys"),
    ]

wasm_sign = rule(
    implementation = _implementation,
    attrs = _ATTRS,
    doc = _DOC,
    provides = [WasmSignersInfo],
)
