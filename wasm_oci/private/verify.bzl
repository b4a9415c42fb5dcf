"""The macros that verify: `bazel test` targets."""

load("@rules_python//python:py_test.bzl", "py_test")
load(":macros.bzl", "TEST_ATTRIBUTES", "check_attributes", "check_not_select", "declared", "label_list", "spelled")
load(":program.bzl", "request_name", "request_test")
load(":skipping.bzl", "skipped_where_unsigned")
load(":verify_request.bzl", "live_verify_request", "verify_request")

visibility(["//wasm_oci/..."])

def wasm_component_verify_test(
        *,
        name,
        image,
        level = None,
        component_keys = [],
        oci_keys = [],
        oci_threshold = 1,
        signed_annotations = {},
        signed_name = "",
        transparency_log = None,
        policy = None,
        policy_repository = "",
        uses_clock = False,
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
        level: what the image must have: `component-only`, `oci-only` or, by default, `dual-layer`; `none` checks digests
            only.
        component_keys: trusted component keys, key targets or files: one of them must have signed.
        oci_keys: trusted OCI keys, key targets or files, and identities.
        oci_threshold: how many of them must have signed the manifest.
        signed_annotations: what a signature of the manifest must say, as `cosign verify -a`.
        signed_name: `host[:port]/path`, the repository that a signature of the manifest must be for: of an image that was
            copied, the one that it was made for.
        transparency_log: a `wasm_oci_transparency_log` that must have the manifest's signatures.
        policy: a `wasm_oci_policy`, in place of all of these attributes that say who is trusted and what is required.
        policy_repository: `host[:port]/path`, the repository that the image counts as for the policy's rules, by default
            its own.
        uses_clock: whether the test reads the clock, which it needs where keys of the policy end on a day. Bazel then never
            caches its verdict. Not configurable.
        size: the usual attribute of tests.
        tags: the usual Bazel attribute.
        target_compatible_with: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
        **kwargs: other attributes of the test, such as `timeout`.
    """
    check_attributes(name, "wasm_component_verify_test", kwargs, TEST_ATTRIBUTES)
    check_not_select(name, uses_clock = uses_clock)
    verify_request(
        name = request_name(name),
        asked = {"name": name, "trusted_component_keys": "component_keys", "trusted_oci_keys": "oci_keys"},
        image = image,
        level = level,
        oci_threshold = oci_threshold,
        policy = policy,
        policy_repository = policy_repository,
        signed_annotations = signed_annotations,
        signed_name = signed_name,
        tags = ["manual"],
        testonly = testonly,
        transparency_log = transparency_log,
        trusted_component_keys = component_keys,
        trusted_oci_keys = oci_keys,
        uses_clock = uses_clock,
        visibility = ["//visibility:private"],
    )
    request_test(
        py_test,
        name = name,
        program = "verify_image",
        size = size,
        tags = (tags or []) + ["block-network"] + (["external"] if uses_clock else []),
        target_compatible_with = skipped_where_unsigned(
            name = name,
            # A policy asks of the layers what nobody knows here.
            level = level or "dual-layer",
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
        reference = None,
        oci_image_ref = None,
        level = None,
        component_keys = None,
        component_public_key = None,
        oci_keys = None,
        oci_public_key = None,
        oci_threshold = 1,
        cosign_verify = True,
        component_verify = True,
        signed_annotations = {},
        signed_name = "",
        transparency_log = None,
        policy = None,
        policy_repository = "",
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
        component_keys = [":component_key"],
        oci_keys = [":oci_key"],
        reference = "registry.example.com/acme/greeting:v1.0.0",
    )
    ```

    Args:
        name: name of the test.
        reference: `host[:port]/path:tag` or `host[:port]/path@sha256:…`.
        oci_image_ref: the same, as rules_wasm_component spells it.
        level: what the image must have: `component-only`, `oci-only` or, by default, `dual-layer`; `none` checks digests
            only.
        component_keys: trusted component keys, key targets or files: one of them must have signed.
        component_public_key: one of these, as rules_wasm_component spells it.
        oci_keys: trusted OCI keys, key targets or files, and identities.
        oci_public_key: one of these, as rules_wasm_component spells it.
        oci_threshold: how many of them must have signed the manifest.
        cosign_verify: whether the OCI layer must hold, as rules_wasm_component spells `level`.
        component_verify: whether the component layer must hold, likewise.
        signed_annotations: what a signature of the manifest must say, as `cosign verify -a`.
        signed_name: `host[:port]/path`, the repository that a signature of the manifest must be for: of an image that was
            copied, the one that it was made for.
        transparency_log: a `wasm_oci_transparency_log` that must have the manifest's signature.
        policy: a `wasm_oci_policy`, in place of all of these attributes that say who is trusted and what is required.
        policy_repository: `host[:port]/path`, the repository that the image counts as for the policy's rules: of a mirrored
            image the one whose name its signatures have.
        insecure_registries: `host:port` of registries that are spoken to in plain HTTP.
        size: the usual attribute of tests.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
        **kwargs: other attributes of the test, such as `timeout`.
    """
    check_attributes(name, "wasm_component_verify_signatures", kwargs, TEST_ATTRIBUTES)
    reference, _ = spelled(name, reference = reference, oci_image_ref = oci_image_ref)
    if reference == None:
        fail("{}: `reference` is missing: name the image, `host[:port]/path:tag`".format(declared(name)))
    component_keys, component_attribute = spelled(
        name,
        component_keys = component_keys,
        component_public_key = component_public_key,
    )
    oci_keys, oci_attribute = spelled(name, oci_keys = oci_keys, oci_public_key = oci_public_key)
    internal = {"tags": ["manual"], "testonly": testonly, "visibility": ["//visibility:private"]}
    live_verify_request(
        name = request_name(name),
        asked = {
            "name": name,
            "trusted_component_keys": component_attribute,
            "trusted_oci_keys": oci_attribute,
        },
        component_verify = component_verify,
        cosign_verify = cosign_verify,
        insecure_registries = insecure_registries,
        level = level,
        oci_threshold = oci_threshold,
        policy = policy,
        policy_repository = policy_repository,
        reference = reference,
        signed_annotations = signed_annotations,
        signed_name = signed_name,
        transparency_log = transparency_log,
        trusted_component_keys = _labels(component_keys, name = name, attribute = component_attribute, **internal),
        trusted_oci_keys = _labels(oci_keys, name = name, attribute = oci_attribute, **internal),
        **internal
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

def _labels(value, **kwargs):
    return [] if value == None else label_list(value, **kwargs)
