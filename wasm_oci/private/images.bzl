"""The macros that make images: they only wire the small rules together."""

load(":component_sign.bzl", "asked_component_sign")
load(":deferred_signing.bzl", "deferred_signing_target")
load(":image_package.bzl", "described_image")
load(":image_sign.bzl", "asked_image_sign")
load(":macros.bzl", "check_not_select", "declared", "label_list", "spelled")

visibility(["//wasm_oci/..."])

def wasm_component_oci_image(
        *,
        name,
        component,
        package_name = None,
        package = None,
        registry = "localhost:5000",
        namespace = None,
        tag = None,
        description = "",
        authors = [],
        license = "",
        annotations = [],
        sign = None,
        sign_component = None,
        component_signing_keys = None,
        signing_keys = None,
        signature_type = "embedded",
        tags = [],
        testonly = None,
        visibility = None):
    """An OCI image of a component, whose manifest is not signed.

    Outputs: the OCI image layout `<name>`, and `<name>.digest`.

    ```starlark
    wasm_component_oci_image(
        name = "unsigned_image",
        package_name = "greeting",
        component = "greeting.wasm",
        namespace = "acme",
        registry = "registry.example.com",
    )
    ```

    Args:
        name: name of the target.
        component: any target with one `.wasm` output, a component.
        package_name: last part of the repository's path; may contain slashes. By default the target's name, in lower
            case; what is no letter, digit, `.`, `_` or `-` is `-` there, other separators than `.`, `_`, `__` and a row
            of `-` are one `-`, and there are none at the ends.
        package: `ns:name@version` in place of it, to package as `wkg publish` does: the path ends in `ns/name`, the
            tag is the version, and annotations come from the component's own metadata too.
        registry: `host[:port]` that the image is for.
        namespace: first part of the repository's path, by default `library`, and nothing with `package`; may be empty.
        tag: the tag that is proposed when the image is published, by default `latest`, or the package's version.
            `{KEY}` stands for a value of the workspace status when a publishing target runs, as in `v{BUILD_VERSION}`.
        description: annotation `org.opencontainers.image.description`.
        authors: annotation `org.opencontainers.image.authors`, a list.
        license: annotation `org.opencontainers.image.licenses`, an SPDX expression.
        annotations: more annotations, as `key=value` strings.
        sign: whether what is to be signed is signed in this build: `enabled`, where a missing private key is an error;
            `disabled`; or `auto`, as the build setting `//wasm_oci:sign` says.
        sign_component: whether the component is to be signed, by default whether there are keys.
        component_signing_keys: the component's key pair, a `wasm_component_key`, or a list of them.
        signing_keys: the same, as rules_wasm_component spells it.
        signature_type: `embedded`, a section of the component, or `detached`, a referrer of the image. Not
            configurable.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    keys, keys_attribute = spelled(name, component_signing_keys = component_signing_keys, signing_keys = signing_keys)
    _image(
        name = name,
        annotations = annotations,
        authors = authors,
        component = component,
        component_keys = keys,
        component_keys_attribute = keys_attribute,
        description = description,
        license = license,
        namespace = namespace,
        package = package,
        package_name = package_name,
        registry = registry,
        sign = sign,
        sign_component = sign_component,
        signature_type = signature_type,
        tag = tag,
        tags = tags,
        testonly = testonly,
        visibility = visibility,
    )

def wasm_component_signed_oci_image(
        *,
        name,
        component,
        package_name = None,
        package = None,
        registry = "localhost:5000",
        namespace = None,
        tag = None,
        sign_component = True,
        component_signing_keys = None,
        signature_type = "embedded",
        sign_oci_image = True,
        oci_signing_key = None,
        oci_signing_method = "cosign",
        oci_signature_annotations = {},
        description = "",
        authors = [],
        license = "",
        annotations = [],
        sign = None,
        tags = [],
        testonly = None,
        visibility = None):
    """An OCI image of a component, signed on one or both layers.

    Three separate actions: `WasmSign` signs the component, `WasmOciPackage` packages it, `OciSign` signs
    the manifest. Outputs: the OCI image layout `<name>`, and `<name>.digest`.

    Keys with a `reference` and identities sign at `bazel run`: of a publishing target, or of `<name>.sign`,
    which writes the signed layout to the folder of `-- --output FOLDER` and sends nothing.

    ```starlark
    wasm_component_signed_oci_image(
        name = "image",
        package_name = "greeting",
        component = "greeting.wasm",
        component_signing_keys = ":component_key",
        namespace = "acme",
        oci_signing_key = ":oci_key",
        registry = "registry.example.com",
        tag = "v1.0.0",
    )
    ```

    Args:
        name: name of the target.
        component: any target with one `.wasm` output, a component.
        package_name: last part of the repository's path; may contain slashes. By default the target's name, in lower
            case; what is no letter, digit, `.`, `_` or `-` is `-` there, other separators than `.`, `_`, `__` and a row
            of `-` are one `-`, and there are none at the ends.
        package: `ns:name@version` in place of it, to package as `wkg publish` does: the path ends in `ns/name`, the
            tag is the version, and annotations come from the component's own metadata too.
        registry: `host[:port]` that the image is for.
        namespace: first part of the repository's path, by default `library`, and nothing with `package`; may be empty.
        tag: the tag that is proposed when the image is published, by default `latest`, or the package's version.
            `{KEY}` stands for a value of the workspace status when a publishing target runs, as in `v{BUILD_VERSION}`.
        sign_component: whether the component is to be signed.
        component_signing_keys: the component's key pair, a `wasm_component_key`, or a list of them.
        signature_type: `embedded`, a section of the component, or `detached`, a referrer of the image. Not
            configurable.
        sign_oci_image: whether the manifest is to be signed.
        oci_signing_key: who signs the manifest, a `wasm_oci_key` or a `wasm_oci_identity`, or a list of them.
        oci_signing_method: `cosign`. Not configurable.
        oci_signature_annotations: what the manifest's signatures say besides its digest, as `cosign sign -a`.
        description: annotation `org.opencontainers.image.description`.
        authors: annotation `org.opencontainers.image.authors`, a list.
        license: annotation `org.opencontainers.image.licenses`, an SPDX expression.
        annotations: more annotations, as `key=value` strings.
        sign: whether what is to be signed is signed in this build: `enabled`, where a missing private key is an error;
            `disabled`; or `auto`, as the build setting `//wasm_oci:sign` says.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    check_not_select(name, oci_signing_method = oci_signing_method)
    if oci_signing_method != "cosign":
        fail("{}: `oci_signing_method` must be cosign, got: {}".format(declared(name), oci_signing_method))
    _image(
        name = name,
        annotations = annotations,
        authors = authors,
        component = component,
        component_keys = component_signing_keys,
        component_keys_attribute = "component_signing_keys",
        description = description,
        license = license,
        namespace = namespace,
        oci_keys = oci_signing_key,
        oci_signature_annotations = oci_signature_annotations,
        package = package,
        package_name = package_name,
        registry = registry,
        sign = sign,
        sign_component = sign_component,
        sign_oci_image = sign_oci_image,
        signature_type = signature_type,
        tag = tag,
        tags = tags,
        testonly = testonly,
        visibility = visibility,
    )

def _image(
        *,
        name,
        component,
        component_keys,
        component_keys_attribute,
        sign,
        sign_component,
        signature_type,
        tags,
        testonly,
        visibility,
        oci_keys = None,
        oci_signature_annotations = {},
        sign_oci_image = False,
        **described):
    check_not_select(name, signature_type = signature_type)
    if signature_type not in ("embedded", "detached"):
        fail("{}: `signature_type` must be embedded or detached, got: {}".format(declared(name), signature_type))
    component_signs = _signs(
        name,
        "sign_component",
        sign_component,
        component_keys_attribute,
        component_keys,
        "a `wasm_component_key`",
    )
    manifest_signs = _signs(
        name,
        "sign_oci_image",
        sign_oci_image,
        "oci_signing_key",
        oci_keys,
        "a `wasm_oci_key` or a `wasm_oci_identity`",
    )

    internal = {
        "tags": (tags or []) + ["manual"],
        "testonly": testonly,
        "visibility": ["//visibility:private"],
    }
    public = {
        "tags": tags,
        "testonly": testonly,
        "visibility": visibility,
    }

    if component_signs:
        asked_component_sign(
            name = name + ".component",
            asked = {"keys": component_keys_attribute, "name": name},
            component = component,
            detached = signature_type == "detached",
            keys = label_list(component_keys, name = name, attribute = component_keys_attribute, **internal),
            sign = sign,
            signs = component_signs,
            **internal
        )

    described_image(
        name = name + ".unsigned" if manifest_signs else name,
        asked = {"name": name},
        component = name + ".component" if component_signs else component,
        **(described | (internal if manifest_signs else public))
    )

    if manifest_signs:
        asked_image_sign(
            name = name,
            annotations = oci_signature_annotations,
            asked = {"keys": "oci_signing_key"},
            image = name + ".unsigned",
            keys = label_list(oci_keys, name = name, attribute = "oci_signing_key", **internal),
            sign = sign,
            signs = manifest_signs,
            **public
        )

    if component_signs or manifest_signs:
        deferred_signing_target(
            name = name,
            tags = tags,
            testonly = testonly,
            visibility = visibility,
        )

def _signs(name, switch, signs, attribute, keys, signer):
    """Whether a layer is to be signed, which a select may choose where keys are given; they mean so by themselves."""
    given = keys != None and keys != []
    if signs and not given:
        fail("{target}: `{attribute}` is missing: name {signer}, or say `{switch} = False`".format(
            attribute = attribute,
            signer = signer,
            switch = switch,
            target = declared(name),
        ))
    if signs == False and given:
        fail("{target}: `{attribute}` names who signs, but `{switch}` is False: leave out one of them".format(
            attribute = attribute,
            switch = switch,
            target = declared(name),
        ))
    return signs if type(signs) == "select" else given
