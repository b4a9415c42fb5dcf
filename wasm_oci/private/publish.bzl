"""The macros that publish: `bazel run` targets."""

load("@rules_python//python:py_binary.bzl", "py_binary")
load(":macros.bzl", "check_attributes", "declared", "spelled")
load(":program.bzl", "request_name", "request_program")
load(":publish_request.bzl", "publish_request")

visibility(["//wasm_oci/..."])

# The arguments of wasm_component_publish but those that wasm_component_secure_publish has itself.
_OTHERS = [
    "component_keys",
    "dry_run",
    "if_exists",
    "insecure_registries",
    "namespace_override",
    "oci_keys",
    "oci_threshold",
    "policy",
    "policy_repository",
    "registries",
    "registry_override",
    "remote_tags",
    "signed_annotations",
    "signed_name",
    "tag_override",
    "tags",
    "testonly",
    "transparency_log",
    "visibility",
]

def wasm_component_publish(
        *,
        name,
        image = None,
        oci_image = None,
        level = None,
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
        signed_name = "",
        transparency_log = None,
        policy = None,
        policy_repository = "",
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

    ```starlark
    wasm_component_publish(
        name = "publish_unsigned",
        image = ":unsigned_image",
    )
    ```

    Args:
        name: name of the target.
        image: an image of this rule set.
        oci_image: the same, as rules_wasm_component spells it.
        level: what the image must have: `component-only`, `oci-only`, `dual-layer` or, by default, `none`.
        registry_override: `host[:port]` in place of the image's.
        registries: several of them. Where one fails, the command still publishes to the others.
        namespace_override: in place of the path of the image's repository up to its last part.
        tag_override: one tag in place of the image's.
        remote_tags: tags in place of the image's. `{KEY}` stands for a value of the workspace status when the command
            runs, as in `v{BUILD_VERSION}`; a key without a value is an error, and nothing is sent.
        if_exists: where a tag exists: `overwrite` moves it, `skip` leaves it, `verify-same` refuses another image,
            `fail` refuses.
        component_keys: trusted component keys, key targets or files; by default those that the image was signed with.
        oci_keys: trusted OCI keys, likewise, and identities.
        oci_threshold: how many of them must have signed the manifest.
        signed_annotations: what a signature of the manifest must say, as `cosign verify -a`.
        signed_name: `host[:port]/path`, the repository that it must be for, and that signatures which are made first
            name: by default the image's own where the build says who signs the manifest, wherever it is published.
        transparency_log: a `wasm_oci_transparency_log`: signatures made with keys are added to it first.
        policy: a `wasm_oci_policy`, in place of all attributes that say who is trusted and what is required. The rule of
            the repository that is published to counts.
        policy_repository: `host[:port]/path`, the repository whose rule counts instead.
        insecure_registries: `host:port` of registries that are spoken to in plain HTTP.
        dry_run: whether the command only shows what it would send.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    image, image_attribute = spelled(name, image = image, oci_image = oci_image)
    _publish(
        name = name,
        component_keys = component_keys,
        dry_run = dry_run,
        if_exists = if_exists,
        image = image,
        image_attribute = image_attribute,
        insecure_registries = insecure_registries,
        level = level,
        namespace_override = namespace_override,
        oci_keys = oci_keys,
        oci_threshold = oci_threshold,
        policy = policy,
        policy_repository = policy_repository,
        registries = registries,
        registry_override = registry_override,
        remote_tags = remote_tags,
        secure = False,
        signed_annotations = signed_annotations,
        signed_name = signed_name,
        tag_override = tag_override,
        tags = tags,
        testonly = testonly,
        transparency_log = transparency_log,
        visibility = visibility,
    )

def wasm_component_secure_publish(*, name, image = None, signed_oci_image = None, level = None, **kwargs):
    """`wasm_component_publish` for an image that must be signed on both layers, or as a policy says.

    ```starlark
    wasm_component_secure_publish(
        name = "publish",
        if_exists = "verify-same",
        image = ":image",
    )
    ```

    Args:
        name: name of the target.
        image: an image of this rule set.
        signed_oci_image: the same, as rules_wasm_component spells it.
        level: what the image must have, by default `dual-layer`; not with a `policy`.
        **kwargs: the other arguments of `wasm_component_publish`.
    """
    check_attributes(name, "wasm_component_secure_publish", kwargs, _OTHERS)
    image, image_attribute = spelled(name, image = image, signed_oci_image = signed_oci_image)
    _publish(name = name, image = image, image_attribute = image_attribute, level = level, secure = True, **kwargs)

def _publish(
        *,
        name,
        image,
        image_attribute,
        component_keys = [],
        oci_keys = [],
        tags = [],
        testonly = None,
        visibility = None,
        **kwargs):
    if image == None:
        fail("{}: `image` is missing: name an image of this rule set".format(declared(name)))
    request = request_name(name)
    publish_request(
        name = request,
        asked = {
            "image": image_attribute,
            "name": name,
            "trusted_component_keys": "component_keys",
            "trusted_oci_keys": "oci_keys",
        },
        image = image,
        tags = ["manual"],
        testonly = testonly,
        trusted_component_keys = component_keys,
        trusted_oci_keys = oci_keys,
        visibility = visibility,
        **kwargs
    )
    request_program(
        py_binary,
        name = name,
        program = "publish",
        tags = tags,
        testonly = testonly,
        visibility = visibility,
    )
