"""The macros that publish: `bazel run` targets."""

load("@rules_python//python:py_binary.bzl", "py_binary")
load(":program.bzl", "request_name", "request_program")
load(":publish_request.bzl", "publish_request")

visibility(["//wasm_oci/..."])

def wasm_component_publish(
        *,
        name,
        oci_image,
        level = "none",
        registry_override = "",
        registries = [],
        namespace_override = "",
        tag_override = "",
        remote_tags = [],
        if_exists = "overwrite",
        component_keys = [],
        oci_keys = [],
        oci_threshold = 1,
        signed_annotations = {},
        transparency_log = None,
        insecure_registries = [],
        dry_run = False,
        tags = [],
        testonly = None,
        visibility = None):
    """Publishes an image with its signatures: `bazel run` the target.

    Keys with a `reference` and identities sign first. The command verifies the image before it sends anything, sends
    everything by digest, verifies the registry's copy, and only then sets the tags: a visible tag is a tag on a signed
    image.

    What is there already is not sent again. After `--` the command takes `--registry` and `--tag` (both
    repeatable), `--stamp-file`, `--if-exists`, `--insecure-registry HOST:PORT`, `--registry-cacert`,
    `--registry-client-cert` and `--registry-client-key` with PEM files, `--allow-placeholder-keys`, `--dry-run`,
    `--check` and `--json`.

    Args:
        name: name of the target.
        oci_image: an image of this rule set.
        level: what the image must have: `none`, `component-only`, `oci-only` or `dual-layer`.
        registry_override: `host[:port]` in place of the image's.
        registries: several of them. Where one fails, the command still publishes to the others.
        namespace_override: namespace in place of the image's.
        tag_override: one tag in place of the image's.
        remote_tags: tags in place of the image's. `{KEY}` stands for a value of the workspace status when the command
            runs, as in `v{BUILD_VERSION}`; a key without a value is an error, and nothing is sent.
        if_exists: where a tag exists: `overwrite` moves it, `skip` leaves it, `verify-same` refuses another image,
            `fail` refuses.
        component_keys: trusted component keys, key targets or files; by default those that the image was signed with.
        oci_keys: trusted OCI keys, likewise, and identities.
        oci_threshold: how many of them must have signed the manifest.
        signed_annotations: what a signature of the manifest must say, as `cosign verify -a`.
        transparency_log: a `wasm_oci_transparency_log`: signatures made with keys are added to it first.
        insecure_registries: `host:port` of registries that are spoken to in plain HTTP.
        dry_run: whether the command only shows what it would send.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    if tag_override and remote_tags:
        fail("`tag_override` and `remote_tags` say the same thing; give one of them")
    if registry_override and registries:
        fail("`registry_override` and `registries` say the same thing; give one of them")
    request = request_name(name)
    publish_request(
        name = request,
        dry_run = dry_run,
        if_exists = if_exists,
        image = oci_image,
        insecure_registries = insecure_registries,
        level = level,
        namespace_override = namespace_override,
        oci_threshold = oci_threshold,
        registries = [registry_override] if registry_override else registries,
        remote_tags = [tag_override] if tag_override else remote_tags,
        signed_annotations = signed_annotations,
        tags = ["manual"],
        testonly = testonly,
        transparency_log = transparency_log,
        trusted_component_keys = component_keys,
        trusted_oci_keys = oci_keys,
        visibility = visibility,
    )
    request_program(
        py_binary,
        name = name,
        program = "publish",
        tags = tags,
        testonly = testonly,
        visibility = visibility,
    )

def wasm_component_secure_publish(*, name, signed_oci_image, level = "dual-layer", **kwargs):
    """`wasm_component_publish` for an image that must be signed on both layers.

    Args:
        name: name of the target.
        signed_oci_image: an image of this rule set.
        level: what the image must have.
        **kwargs: the other arguments of `wasm_component_publish`.
    """
    if level == "none":
        fail("`level` must be a signed one; `wasm_component_publish` publishes unsigned images")
    wasm_component_publish(name = name, oci_image = signed_oci_image, level = level, **kwargs)
