"""What the signing actions of both layers have in common: how the private key reaches them."""

load(":actions.bzl", "WORKER", "add_text")
load(":checks.bzl", "shown")
load(":providers.bzl", "WasmOciIdentityInfo")

visibility(["//wasm_oci/private/..."])

# A signing action reads its key on the machine that has it, and so runs nowhere else. A cache may have its output:
# signatures are public, and the public key is an input.
EXECUTION_REQUIREMENTS = WORKER | {"no-remote-exec": "1"}

def sorted_out(targets, info):
    """Separates keys that sign in actions from signers that sign at `bazel run`.

    Args:
        targets: Targets of keys and identities.
        info: the provider of keys.

    Returns:
        A list of keys with private files, and a list of those whose signing is deferred: keys with references, and
        identities.
    """
    keys, deferred = [], []
    for target in targets:
        if info not in target:
            deferred.append(target[WasmOciIdentityInfo])
        elif target[info].reference:
            deferred.append(target[info])
        else:
            keys.append(target[info])
    return keys, deferred

def add_key(args, key):
    """Adds the options that name both halves of a key.

    Args:
        args: the Args of a signing action.
        key: a WasmComponentKeyInfo or WasmOciKeyInfo.

    Returns:
        The Files that the action needs for it: the public key, and a placeholder if it is one.
    """
    args.add("--public-key", key.public_key)
    if key.placeholder:
        args.add("--key", key.placeholder)
        args.add("--allow-readable-key")
        return [key.public_key, key.placeholder]
    if not key.private_key_path:
        fail("signing needs a private key: set `--{}` to its absolute path".format(shown(key.setting)))
    add_text(args, "--key", key.private_key_path)
    if key.password_path:
        add_text(args, "--password-file", key.password_path)
    return [key.public_key]
