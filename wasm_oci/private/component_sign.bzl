"""The rule `wasm_sign`."""

load(":actions.bzl", "ACTION_TOOL", "add_text", "run_tool", "tool_args")
load(":checks.bzl", "ASKED_ATTRS", "COMPONENT", "check_signers", "refuse", "shown")
load(
    ":providers.bzl",
    "WasmComponentKeyInfo",
    "WasmDetachedSignatureInfo",
    "WasmRunTimeSigningInfo",
    "WasmSignersInfo",
    "deferred_signing",
    "signers",
    "with_component",
    "with_signers",
)
load(":signing.bzl", "EXECUTION_REQUIREMENTS", "SIGNS_ATTRS", "SIGN_ATTRS", "add_key", "signs", "sorted_out")

visibility(["//wasm_oci/..."])

_DOC = """\
Signs a WebAssembly file with Ed25519, in the format of wasmsign2: one `WasmSign` action a key.

The output is `<name>.wasm`, the same for the same input and keys. With `detached` the rule hands the file on as it
is, and `<name>.sig` (output group `signature`) has the signatures: packaging sends them along.

Keys with a `reference` sign at `bazel run`, not in the build. If there is no other key, or none that signs because of
`sign`, the rule hands the file on as it is.

```starlark
wasm_sign(
    name = "signed_greeting",
    component = "greeting.wasm",
    keys = [":component_key"],
)
```
"""

_ATTRS = SIGN_ATTRS | {
    "component": attr.label(
        allow_single_file = [".wasm"],
        doc = "The WebAssembly file: any target with one `.wasm` output.",
        mandatory = True,
    ),
    "detached": attr.bool(doc = "Whether the signatures stay outside of the file."),
    "key_id": attr.bool(
        default = True,
        doc = "Whether a signature names its key, as `wasmsign2 sign -K` does.",
    ),
    "keys": attr.label_list(
        allow_files = True,
        doc = "The key pairs, each a `wasm_component_key`.",
        mandatory = True,
    ),
    "kind": attr.string(
        default = "component",
        doc = "What the file must be.",
        values = ["component", "module"],
    ),
    "parts": attr.string_list(
        doc = "Globs of custom section names. If there are any, a `WasmSplit` action first puts delimiters between " +
              "these sections and the others, so that parts can be verified.",
    ),
}

def _split(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".split.wasm")

    args = tool_args(ctx)
    args.add(ctx.file.component)
    args.add("--output", output)
    for part in ctx.attr.parts:
        add_text(args, "--section", part)

    run_tool(
        ctx,
        "component_split",
        args,
        inputs = [ctx.file.component],
        outputs = [output],
        mnemonic = "WasmSplit",
        progress_message = "Splitting WebAssembly component %{label}",
    )
    return output

def _sign(ctx, component, key, output, previous_signature):
    args = tool_args(ctx)
    args.add(component)
    args.add("--detached" if ctx.attr.detached else "--output", output)
    args.add("--kind", ctx.attr.kind)
    if ctx.attr.key_id:
        args.add("--key-id")
    inputs = [component]
    if previous_signature:
        args.add("--add-to", previous_signature)
        inputs.append(previous_signature)
    key_files = add_key(args, key)

    run_tool(
        ctx,
        "component_sign",
        args,
        inputs = inputs + key_files,
        outputs = [output],
        mnemonic = "WasmSign",
        progress_message = "Signing WebAssembly component %{label}",
        execution_requirements = EXECUTION_REQUIREMENTS,
    )

def _implementation(ctx):
    if signs(ctx):
        check_signers(ctx, "keys", COMPONENT)
    component = _split(ctx) if ctx.attr.parts else ctx.file.component
    signature = None
    asked = sorted_out(ctx, WasmComponentKeyInfo, "component")
    known = with_signers(
        with_component(signers(ctx.attr.component), ctx.file.component),
        asked,
        "component_keys",
    )
    for index, key in enumerate(asked.keys):
        step = "" if index == len(asked.keys) - 1 else ".{}".format(index)
        output = ctx.actions.declare_file(ctx.label.name + step + (".sig" if ctx.attr.detached else ".wasm"))
        _sign(ctx, component, key, output, signature)
        if ctx.attr.detached:
            signature = output
        else:
            component = output

    previous = deferred_signing(ctx.attr.component)
    if previous.component_keys and previous.component_detached != ctx.attr.detached:
        refuse(ctx, "component", "signs at `bazel run` either embedded or detached: {} does otherwise".format(
            shown(ctx.attr.component.label),
        ))
    providers = [
        DefaultInfo(files = depset([component]), runfiles = ctx.runfiles([component])),
        OutputGroupInfo(_validation = depset(asked.checks), signature = depset([signature] if signature else [])),
        known,
        WasmRunTimeSigningInfo(
            annotations = {},
            attestations = [],
            component_detached = ctx.attr.detached,
            component_keys = previous.component_keys + asked.deferred,
            formats = [],
            oci_signers = [],
        ),
    ]
    if signature:
        providers.append(WasmDetachedSignatureInfo(signature = signature))
    return providers

_PROVIDES = [WasmRunTimeSigningInfo, WasmSignersInfo]

wasm_sign = rule(
    implementation = _implementation,
    attrs = ACTION_TOOL | _ATTRS,
    doc = _DOC,
    provides = _PROVIDES,
)

asked_component_sign = rule(
    implementation = _implementation,
    attrs = ACTION_TOOL | ASKED_ATTRS | SIGNS_ATTRS | _ATTRS,
    doc = "`wasm_sign` for macros.",
    provides = _PROVIDES,
)
