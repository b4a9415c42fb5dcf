"""The macros that make images: they only wire the small rules together."""

load(":component_sign.bzl", "wasm_sign")
load(":deferred_signing.bzl", "deferred_signing_target")
load(":image_package.bzl", "wasm_oci_package")
load(":image_sign.bzl", "wasm_oci_sign")

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
        sign_component = False,
        signing_keys = None,
        signature_type = "embedded",
        tags = [],
        testonly = None,
        visibility = None):
    """An OCI image of a component, whose manifest is not signed.

    Outputs: the OCI image layout `<name>`, and `<name>.digest`.

    Args:
        name: name of the target.
        component: any target with one `.wasm` output, a component.
        package_name: last part of the repository's path; may contain slashes.
        package: `ns:name@version` in place of it, to package as `wkg publish` does: the path ends in `ns/name`, the
            tag is the version, and annotations come from the component's own metadata too.
        registry: `host[:port]` that the image is for.
        namespace: first part of the repository's path, by default `library`, and nothing with `package`; may be empty.
        tag: the tag that is proposed when the image is published, by default `latest`, or the package's version.
        description: annotation `org.opencontainers.image.description`.
        authors: annotation `org.opencontainers.image.authors`, a list.
        license: annotation `org.opencontainers.image.licenses`, an SPDX expression.
        annotations: more annotations, as `key=value` strings.
        sign_component: whether the component is signed. Not configurable.
        signing_keys: the component's key pair, a `wasm_component_key`, or a list of them.
        signature_type: `embedded`, a section of the component, or `detached`, a referrer of the image.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    wasm_component_signed_oci_image(
        name = name,
        annotations = annotations,
        authors = authors,
        component = component,
        component_signing_keys = signing_keys,
        description = description,
        license = license,
        namespace = namespace,
        package = package,
        package_name = package_name,
        registry = registry,
        sign_component = sign_component,
        sign_oci_image = False,
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
        tags = [],
        testonly = None,
        visibility = None):
    """An OCI image of a component, signed on one or both layers.

    Three separate actions: `WasmSign` signs the component, `WasmOciPackage` packages it, `OciSign` signs
    the manifest. Outputs: the OCI image layout `<name>`, and `<name>.digest`.

    Keys with a `reference` and identities sign at `bazel run`: of a publishing target, or of `<name>.sign`,
    which writes the signed layout to the folder of `-- --output FOLDER` and sends nothing.

    Args:
        name: name of the target.
        component: any target with one `.wasm` output, a component.
        package_name: last part of the repository's path; may contain slashes.
        package: `ns:name@version` in place of it, to package as `wkg publish` does: the path ends in `ns/name`, the
            tag is the version, and annotations come from the component's own metadata too.
        registry: `host[:port]` that the image is for.
        namespace: first part of the repository's path, by default `library`, and nothing with `package`; may be empty.
        tag: the tag that is proposed when the image is published, by default `latest`, or the package's version.
        sign_component: whether the component is signed. Not configurable.
        component_signing_keys: the component's key pair, a `wasm_component_key`, or a list of them.
        signature_type: `embedded`, a section of the component, or `detached`, a referrer of the image.
        sign_oci_image: whether the manifest is signed. Not configurable.
        oci_signing_key: who signs the manifest, a `wasm_oci_key` or a `wasm_oci_identity`, or a list of them.
        oci_signing_method: `cosign`.
        oci_signature_annotations: what the manifest's signatures say besides its digest, as `cosign sign -a`.
        description: annotation `org.opencontainers.image.description`.
        authors: annotation `org.opencontainers.image.authors`, a list.
        license: annotation `org.opencontainers.image.licenses`, an SPDX expression.
        annotations: more annotations, as `key=value` strings.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    if signature_type not in ("embedded", "detached"):
        fail("`signature_type` must be embedded or detached, got: {}".format(signature_type))
    if oci_signing_method != "cosign":
        fail("`oci_signing_method` must be cosign, got: {}".format(oci_signing_method))
    if sign_component != (component_signing_keys != None):
        fail("`sign_component` and `component_signing_keys` go together: give both or neither")
    if sign_oci_image != (oci_signing_key != None):
        fail("`sign_oci_image` and `oci_signing_key` go together: give both or neither")

    internal = {
        "tags": tags + ["manual"],
        "testonly": testonly,
        "visibility": ["//visibility:private"],
    }
    public = {
        "tags": tags,
        "testonly": testonly,
        "visibility": visibility,
    }
    named = _named(package, package_name, namespace, tag)

    if sign_component:
        wasm_sign(
            name = name + ".component",
            component = component,
            detached = signature_type == "detached",
            keys = _list(component_signing_keys),
            **internal
        )

    wasm_oci_package(
        name = name + ".unsigned" if sign_oci_image else name,
        annotations = _annotations(description, authors, license, annotations),
        component = name + ".component" if sign_component else component,
        package = package,
        repository = registry + "/" + named.path,
        tag = named.tag,
        title = named.path.split("/")[-1] + ".wasm",
        **(internal if sign_oci_image else public)
    )

    if sign_oci_image:
        wasm_oci_sign(
            name = name,
            annotations = oci_signature_annotations,
            image = name + ".unsigned",
            keys = _list(oci_signing_key),
            **public
        )

    if sign_component or sign_oci_image:
        deferred_signing_target(
            name = name,
            tags = tags,
            testonly = testonly,
            visibility = visibility,
        )

def _named(package, package_name, namespace, tag):
    """The path of the repository, and the tag."""
    if bool(package) == bool(package_name):
        fail("give either `package_name` or `package`")
    if package:
        name, _, version = package.partition("@")
        path = name.replace(":", "/", 1)
        return struct(path = "/".join([part for part in [namespace, path] if part]), tag = tag or version)
    parts = ["library" if namespace == None else namespace, package_name]
    return struct(path = "/".join([part for part in parts if part]), tag = "latest" if tag == None else tag)

def _list(value):
    return value if type(value) == "list" else [value]

def _annotations(description, authors, license, annotations):
    prefix = "org.opencontainers.image."
    result = {}
    if description:
        result[prefix + "description"] = description
    if authors:
        result[prefix + "authors"] = ", ".join(authors)
    if license:
        result[prefix + "licenses"] = license
    for annotation in annotations:
        key, equals, value = annotation.partition("=")
        if not key or not equals:
            fail("`annotations` are `key=value` strings, got: {}".format(annotation))
        if key in result:
            fail("annotation `{}` is given twice".format(key))
        result[key] = value
    return result
