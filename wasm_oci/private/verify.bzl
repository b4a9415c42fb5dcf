"""The macros that verify: `bazel test` targets."""

load("@rules_python//python:py_test.bzl", "py_test")
load(":program.bzl", "request_name", "request_program")
load(":verify_request.bzl", "verify_request")

visibility(["//wasm_oci/..."])

def wasm_component_verify_test(
        *,
        name,
        image,
        level = "dual-layer",
        component_keys = [],
        oci_keys = [],
        oci_threshold = 1,
        signed_annotations = {},
        transparency_log = None,
        size = "small",
        tags = [],
        testonly = True,
        visibility = None,
        **kwargs):
    """Verifies the layers of a built image, offline, on exactly the bytes that would be published.

    The test writes JUnit XML, and `report.json` to its undeclared outputs.

    Args:
        name: name of the test.
        image: a target with one OCI image layout.
        level: what the image must have: `component-only`, `oci-only` or `dual-layer`; `none` checks digests only.
        component_keys: trusted component keys, key targets or files: one of them must have signed.
        oci_keys: trusted OCI keys, key targets or files, and identities.
        oci_threshold: how many of them must have signed the manifest.
        signed_annotations: what a signature of the manifest must say, as `cosign verify -a`.
        transparency_log: a `wasm_oci_transparency_log` that must have the manifest's signatures.
        size: the usual attribute of tests.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
        **kwargs: other attributes of the test, such as `timeout`.
    """
    _verify_test(
        name = name,
        component_keys = component_keys,
        image = image,
        level = level,
        oci_keys = oci_keys,
        oci_threshold = oci_threshold,
        reference = "",
        signed_annotations = signed_annotations,
        size = size,
        tags = tags + ["block-network"],
        testonly = testonly,
        transparency_log = transparency_log,
        visibility = visibility,
        **kwargs
    )

def wasm_component_verify_signatures(
        *,
        name,
        oci_image_ref,
        component_public_key = None,
        oci_public_key = None,
        cosign_verify = True,
        component_verify = True,
        signed_annotations = {},
        transparency_log = None,
        insecure_registries = [],
        size = "medium",
        tags = [],
        testonly = True,
        visibility = None,
        **kwargs):
    """Verifies an image in a live registry. Bazel never caches the verdict.

    Args:
        name: name of the test.
        oci_image_ref: `host[:port]/path:tag` or `host[:port]/path@sha256:…`.
        component_public_key: the trusted component key, a key target or a file.
        oci_public_key: the trusted OCI key, likewise, or a trusted identity.
        signed_annotations: what a signature of the manifest must say, as `cosign verify -a`.
        transparency_log: a `wasm_oci_transparency_log` that must have the manifest's signature.
        cosign_verify: whether the OCI layer must hold.
        component_verify: whether the component layer must hold.
        insecure_registries: `host:port` of registries that are spoken to in plain HTTP.
        size: the usual attribute of tests.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
        **kwargs: other attributes of the test, such as `timeout`.
    """
    if not cosign_verify and not component_verify:
        fail("one of `cosign_verify` and `component_verify` must be True, or there is nothing to verify")
    if cosign_verify and not oci_public_key:
        fail("`cosign_verify` needs `oci_public_key`")
    if component_verify and not component_public_key:
        fail("`component_verify` needs `component_public_key`")
    _verify_test(
        name = name,
        component_keys = [component_public_key] if component_verify else [],
        image = None,
        insecure_registries = insecure_registries,
        level = "dual-layer" if cosign_verify and component_verify else "oci-only" if cosign_verify else "component-only",
        oci_keys = [oci_public_key] if cosign_verify else [],
        reference = oci_image_ref,
        signed_annotations = signed_annotations,
        size = size,
        tags = tags + ["external", "no-remote", "requires-network"],
        testonly = testonly,
        transparency_log = transparency_log,
        visibility = visibility,
        **kwargs
    )

def _verify_test(
        *,
        name,
        image,
        reference,
        level,
        component_keys,
        oci_keys,
        testonly,
        signed_annotations,
        transparency_log,
        oci_threshold = 1,
        insecure_registries = [],
        **kwargs):
    request = request_name(name)
    verify_request(
        name = request,
        image = image,
        insecure_registries = insecure_registries,
        level = level,
        oci_threshold = oci_threshold,
        reference = reference,
        signed_annotations = signed_annotations,
        tags = ["manual"],
        testonly = testonly,
        transparency_log = transparency_log,
        trusted_component_keys = component_keys,
        trusted_oci_keys = oci_keys,
        visibility = ["//visibility:private"],
    )
    request_program(
        py_test,
        name = name,
        program = "verify_image",
        testonly = testonly,
        **kwargs
    )
