"""The macros that verify: `bazel test` targets."""

load("@rules_python//python:py_test.bzl", "py_test")
load(":macros.bzl", "TEST_ATTRIBUTES", "check_attributes")
load(":program.bzl", "request_name", "request_test")
load(":skipping.bzl", "skipped_where_unsigned")
load(":verify_request.bzl", "live_verify_request", "verify_request")

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
        signed_name = "",
        transparency_log = None,
        size = "small",
        tags = [],
        target_compatible_with = None,
        testonly = True,
        visibility = None,
        **kwargs):
    """Verifies the layers of a built image, offline, on exactly the bytes that would be published.

    Where a layer that `level` asks for was to be signed and is not, because the build has no key, Bazel skips the test.

    The test writes JUnit XML, and `report.json`, `.html`, `.md` and `.sarif` to its undeclared outputs, unless Bazel would
    have to zip those on a machine without `zip`. docs/reports.md says what they have.

    ```starlark
    wasm_component_verify_test(
        name = "verify_image",
        component_keys = [":component_key"],
        image = ":image",
        oci_keys = [":oci_key"],
    )
    ```

    Args:
        name: name of the test.
        image: a target with one OCI image layout.
        level: what the image must have: `component-only`, `oci-only` or `dual-layer`; `none` checks digests only.
        component_keys: trusted component keys, key targets or files: one of them must have signed.
        oci_keys: trusted OCI keys, key targets or files, and identities.
        oci_threshold: how many of them must have signed the manifest.
        signed_annotations: what a signature of the manifest must say, as `cosign verify -a`.
        signed_name: `host[:port]/path`, the repository that a signature of the manifest must be for: of an image that was
            copied, the one that it was made for.
        transparency_log: a `wasm_oci_transparency_log` that must have the manifest's signatures.
        size: the usual attribute of tests.
        tags: the usual Bazel attribute.
        target_compatible_with: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
        **kwargs: other attributes of the test, such as `timeout`.
    """
    check_attributes(name, "wasm_component_verify_test", kwargs, TEST_ATTRIBUTES)
    verify_request(
        name = request_name(name),
        asked = {"name": name, "trusted_component_keys": "component_keys", "trusted_oci_keys": "oci_keys"},
        image = image,
        level = level,
        oci_threshold = oci_threshold,
        signed_annotations = signed_annotations,
        signed_name = signed_name,
        tags = ["manual"],
        testonly = testonly,
        transparency_log = transparency_log,
        trusted_component_keys = component_keys,
        trusted_oci_keys = oci_keys,
        visibility = ["//visibility:private"],
    )
    request_test(
        py_test,
        name = name,
        program = "verify_image",
        size = size,
        tags = (tags or []) + ["block-network"],
        target_compatible_with = skipped_where_unsigned(
            name = name,
            level = level,
            subject = image,
            target_compatible_with = target_compatible_with,
            testonly = testonly,
        ),
        testonly = testonly,
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
        signed_name = "",
        transparency_log = None,
        insecure_registries = [],
        size = "medium",
        tags = [],
        testonly = True,
        visibility = None,
        **kwargs):
    """Verifies an image in a live registry. Bazel never caches the verdict.

    ```starlark
    wasm_component_verify_signatures(
        name = "verify_published",
        component_public_key = ":component_key",
        oci_image_ref = "registry.example.com/acme/greeting:v1.0.0",
        oci_public_key = ":oci_key",
    )
    ```

    Args:
        name: name of the test.
        oci_image_ref: `host[:port]/path:tag` or `host[:port]/path@sha256:…`.
        component_public_key: the trusted component key, a key target or a file.
        oci_public_key: the trusted OCI key, likewise, or a trusted identity.
        signed_annotations: what a signature of the manifest must say, as `cosign verify -a`.
        signed_name: `host[:port]/path`, the repository that a signature of the manifest must be for: of an image that was
            copied, the one that it was made for.
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
    check_attributes(name, "wasm_component_verify_signatures", kwargs, TEST_ATTRIBUTES)
    live_verify_request(
        name = request_name(name),
        asked = {"name": name},
        component_public_key = component_public_key,
        component_verify = component_verify,
        cosign_verify = cosign_verify,
        insecure_registries = insecure_registries,
        oci_image_ref = oci_image_ref,
        oci_public_key = oci_public_key,
        signed_annotations = signed_annotations,
        signed_name = signed_name,
        tags = ["manual"],
        testonly = testonly,
        transparency_log = transparency_log,
        visibility = ["//visibility:private"],
    )
    request_test(
        py_test,
        name = name,
        program = "verify_image",
        size = size,
        tags = (tags or []) + ["external", "no-remote", "requires-network"],
        testonly = testonly,
        visibility = visibility,
        **kwargs
    )
