"""Python libraries that only some keys need, for the programs that use those keys."""

load("@rules_python//python:py_info.bzl", "PyInfo")

visibility(["//wasm_oci/private/..."])

# The scheme of a key reference, and the library of its service.
_SERVICES = {
    "awskms": "aws",
    "azurekms": "azure",
    "gcpkms": "gcp",
    "hashivault": "vault",
    "openbao": "vault",
    "pkcs11": "pkcs11",
}

def service_of(reference):
    """The default of an attribute: the library that the attribute `reference` needs.

    Args:
        reference: a key reference.

    Returns:
        A list of Labels.
    """
    service = _SERVICES.get(reference.partition(":")[0])
    return [Label("//tools/wasmoci/keys/services:" + service)] if service else []

def libraries(ctx, targets):
    """What programs need of Python libraries.

    Args:
        ctx: the rule's context.
        targets: Targets with PyInfo.

    Returns:
        A struct: `py`, a PyInfo; `runfiles`.
    """
    infos = [target[PyInfo] for target in targets]
    return struct(
        py = _merged(infos),
        runfiles = ctx.runfiles().merge_all([target[DefaultInfo].default_runfiles for target in targets]),
    )

def merged(ctx, parts):
    """Several results of `libraries` as one.

    Args:
        ctx: the rule's context.
        parts: structs.

    Returns:
        A struct as of `libraries`.
    """
    return struct(
        py = _merged([part.py for part in parts]),
        runfiles = ctx.runfiles().merge_all([part.runfiles for part in parts]),
    )

def _merged(infos):
    return PyInfo(
        imports = depset(transitive = [info.imports for info in infos]),
        transitive_sources = depset(transitive = [info.transitive_sources for info in infos]),
    )
