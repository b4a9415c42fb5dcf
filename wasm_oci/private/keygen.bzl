"""The macro `wasm_keygen`: a `bazel run` target, because a secret key must not be a build output."""

load("@rules_python//python:py_binary.bzl", "py_binary")
load(":program.bzl", "named_program")

visibility(["//wasm_oci/..."])

def wasm_keygen(*, name, layer = "component", tags = [], testonly = None, visibility = None):
    """Makes a key pair: `bazel run :name -- --private-key FILE --public-key FILE`.

    Paths are relative to where the command is called. Only its owner can read the secret, which never enters the
    build. The command overwrites nothing. `--type` chooses an OCI key's type, `--form` the file's: `pem`, `compact` or
    `cosign`.

    ```starlark
    wasm_keygen(name = "new_component_key")
    ```

    Args:
        name: name of the target.
        layer: `component` (Ed25519) or `oci` (ECDSA P-256 by default).
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    if layer not in ("component", "oci"):
        fail("`layer` must be component or oci, got: {}".format(layer))
    named_program(
        py_binary,
        name = name,
        program = "keygen",
        args = [layer],
        tags = tags,
        testonly = testonly,
        visibility = visibility,
    )
