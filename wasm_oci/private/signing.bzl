"""What the signing actions of both layers have in common: who signs, and how the private key reaches them."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load(":actions.bzl", "WORKER", "add_line", "add_text", "run_tool", "tool_args")
load(":checks.bzl", "refuse", "shown")
load(":providers.bzl", "WasmComponentKeyInfo", "WasmOciIdentityInfo")

visibility(["//wasm_oci/private/..."])

# A signing action reads its key on the machine that has it, and so runs nowhere else. A cache may have its output:
# signatures are public, and the public key is an input.
EXECUTION_REQUIREMENTS = WORKER | {"no-remote-exec": "1"}

_SETTING = Label("//wasm_oci:sign")

SIGN_ATTRS = {
    "sign": attr.string(
        default = "auto",
        doc = "Whether `keys` sign: `enabled`, where a missing private key is an error; `disabled`; `auto`, as the build " +
              "setting `//wasm_oci:sign` says, but for placeholders, which sign.",
        values = ["auto", "enabled", "disabled"],
    ),
    "_sign": attr.label(
        default = _SETTING,
        providers = [BuildSettingInfo],
    ),
}

# Of rules behind macros.
SIGNS_ATTRS = {
    "signs": attr.bool(
        default = True,
        doc = "Whether the layer is to be signed at all.",
    ),
}

def signs(ctx):
    """Whether a rule that signs a layer is to do so.

    Args:
        ctx: the context of a rule that may have `SIGNS_ATTRS`.

    Returns:
        bool.
    """
    return getattr(ctx.attr, "signs", True)

def sorted_out(ctx, info, layer, unsigned = ""):
    """Separates keys that sign in actions from signers that sign at `bazel run`, and from those that do not sign.

    Args:
        ctx: the context of a rule with `SIGN_ATTRS` and the attribute `keys`.
        info: the provider of keys.
        layer: what is signed, as in the field `unsigned` of WasmSignersInfo.
        unsigned: why nobody can sign, a clause; empty where they can.

    Returns:
        A struct: `keys`, with private files; `deferred`, keys with references and identities; `unsigned`, structs as in
        WasmSignersInfo; `all_keys` and `all_identities`, of all of them; `checks`, Files of `_validation`.
    """
    keys, deferred, missing, checks = [], [], [], []
    targets = ctx.attr.keys if signs(ctx) else []
    for target in targets:
        key = target[info] if info in target else None
        reason = _reason(ctx, key) or unsigned
        if reason:
            if _is_enabled(ctx):
                refuse(ctx, "keys", _problem(ctx, target, key, reason))
            missing.append(struct(layer = layer, reason = reason, signer = shown(target.label)))
            if key and key.private_key_path:
                checks.append(_check(ctx, key, info, len(checks)))
        elif not key or key.reference:
            deferred.append(key or target[WasmOciIdentityInfo])
        else:
            keys.append(key)
    return struct(
        all_identities = [target[WasmOciIdentityInfo] for target in targets if info not in target],
        all_keys = [target[info] for target in targets if info in target],
        checks = checks,
        deferred = deferred,
        keys = keys,
        unsigned = missing,
    )

def _is_enabled(ctx):
    own = ctx.attr.sign
    return (ctx.attr._sign[BuildSettingInfo].value if own == "auto" else own) == "enabled"

def _reason(ctx, key):
    """Why a signer does not sign, a clause; empty where it does. None stands for an identity."""
    if ctx.attr.sign == "disabled":
        return "`sign` is disabled"
    if key and key.placeholder:
        return ""
    if ctx.attr.sign == "auto" and ctx.attr._sign[BuildSettingInfo].value == "disabled":
        return "`--{}` is disabled".format(shown(_SETTING))
    if key and not key.reference and not key.private_key_path:
        return "`--{}` is not set".format(shown(key.setting))
    return ""

def _problem(ctx, target, key, reason):
    signer = shown(target.label)
    if not key or key.private_key_path or key.reference or key.placeholder:
        return "names {}, which cannot sign, because {}".format(signer, reason)
    return "names {}, whose private key is missing: set `--{}` to its absolute path, the private half of {}{}".format(
        signer,
        shown(key.setting),
        key.public_key.short_path,
        ", or build without its signature by `{}`".format(
            "--{}=auto".format(shown(_SETTING)) if ctx.attr.sign == "auto" else "sign = \"auto\"",
        ),
    )

def _check(ctx, key, info, index):
    """A file that is made only if the private key can be read, where it is not used."""
    output = ctx.actions.declare_file("{}.{}.checked".format(ctx.label.name, index))
    args = tool_args(ctx)
    add_text(args, "--layer", "component" if info == WasmComponentKeyInfo else "oci")
    args.add("--output", output)
    if key.password_path:
        add_text(args, "--password-file", key.password_path)
    add_line(args, key.private_key_path)
    run_tool(
        ctx,
        "key_public",
        args,
        outputs = [output],
        mnemonic = "WasmOciKeyCheck",
        progress_message = "Checking the private key of %{label}",
        execution_requirements = EXECUTION_REQUIREMENTS,
    )
    return output

def add_key(args, key):
    """Adds the options that name both halves of a key.

    Args:
        args: the Args of a signing action.
        key: a WasmComponentKeyInfo or WasmOciKeyInfo that has a private half.

    Returns:
        The Files that the action needs for it: the public key, and a placeholder if it is one.
    """
    args.add("--public-key", key.public_key)
    if key.placeholder:
        args.add("--key", key.placeholder)
        args.add("--allow-readable-key")
        return [key.public_key, key.placeholder]
    add_text(args, "--key", key.private_key_path)
    if key.password_path:
        add_text(args, "--password-file", key.password_path)
    return [key.public_key]
