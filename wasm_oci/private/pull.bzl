"""The repository rule behind `wasm_oci.pull`: an image and its signatures, as a layout that only one target reads."""

load(":pull_documents.bzl", "INDEX", "MANIFEST", "attached_blobs", "check_count", "hex_of", "image_contents", "layout_index", "listed")
load(":pull_endpoints.bzl", "fetch", "open_endpoints")

visibility(["//wasm_oci/private/..."])

_ATTRS = {
    "component_keys": attr.string_list(),
    "digest": attr.string(mandatory = True),
    "image": attr.string(mandatory = True),
    "insecure_registries": attr.string_list(),
    "level": attr.string(),
    "mirrors": attr.string_list(),
    "oci_keys": attr.string_list(),
    "policy": attr.string(),
    "signatures": attr.string_list(),
    "signed_name": attr.string(),
    "target": attr.string(mandatory = True),
    "token_services": attr.string_dict(),
}

_LAYOUT = "layout"

_BUILD = """\
load({defs}, "wasm_oci_verified_component")

package(default_visibility = ["//visibility:private"])

# What is not verified yet is for one target only.
exports_files(
    glob(["{layout}/**"]),
    visibility = ["//visibility:private"],
)

filegroup(
    name = "_{layout}",
    srcs = glob(["{layout}/**"]),
)

wasm_oci_verified_component(
    name = {target},
    image = ":_{layout}",
{trust}
    visibility = ["//visibility:public"],
)
"""

_ALIAS_NAME = "component"
_ALIAS = """
alias(
    name = {name},
    actual = {target},
    visibility = ["//visibility:public"],
)
"""

def _blob(digits):
    return "{}/blobs/sha256/{}".format(_LAYOUT, digits)

def _get(rctx, endpoints, resource, digits, accept = ""):
    """Downloads what has this digest; returns its path."""
    path = _blob(digits)
    if not fetch(rctx, endpoints, "{}/sha256:{}".format(resource, digits), path, digits, accept):
        notes = [endpoint.credential.note for endpoint in endpoints if endpoint.credential.note]
        fail("{}: no registry sent sha256:{}, and Bazel's warnings say why{}".format(
            rctx.attr.image,
            digits,
            "".join(["; " + note for note in notes]),
        ))
    return path

def _get_manifest(rctx, endpoints, digits):
    return rctx.read(_get(rctx, endpoints, "manifests", digits, MANIFEST))

def _ask(rctx, endpoints, resource, accept):
    """Asks for what has no known digest; returns its text and digest, or None twice."""

    # Each file has a name of its own: Bazel may still be copying the previous one into its cache.
    path = resource.replace("/", "-").replace(":", "-") + ".json"
    found = fetch(rctx, endpoints, resource, path, accept = accept)
    text = rctx.read(path) if found else None
    rctx.delete(path)
    return text, found

def _find_referrers(rctx, endpoints, digits):
    """The digests that the referrers API lists, else those in the index at the fallback tag."""
    for resource in ("referrers/sha256:" + digits, "manifests/sha256-" + digits):
        text, answered = _ask(rctx, endpoints, resource, INDEX)
        found = listed(text) if answered else None
        if found != None:
            return check_count(found, "{}: the list of referrers".format(rctx.attr.image))
    return []

def _find_legacy(rctx, endpoints, digits):
    """The digest of what cosign's tag for legacy signatures names, if there is such a tag."""
    _, found = _ask(rctx, endpoints, "manifests/sha256-{}.sig".format(digits), MANIFEST)
    return [found] if found else []

def _fetch_signatures(rctx, endpoints, digits):
    """Fetches what is attached to an image and may be a signature.

    Returns two dicts of hex digests to bytes of manifests: those of referrers, and legacy ones.
    """
    pinned = [hex_of(digest) for digest in rctx.attr.signatures]
    listed_digests = pinned or _find_referrers(rctx, endpoints, digits)
    tagged_digests = pinned or _find_legacy(rctx, endpoints, digits)
    referrers, legacy = {}, {}
    for candidate in listed_digests + tagged_digests:
        manifest = _get_manifest(rctx, endpoints, candidate)
        attached = attached_blobs(manifest, digits)

        # A list of referrers must not bring in a legacy signature, and the tag must not bring in a referrer.
        if not attached or candidate not in (tagged_digests if attached.legacy else listed_digests):
            continue
        for blob in attached.blobs:
            _get(rctx, endpoints, "blobs", blob.hex)
        (legacy if attached.legacy else referrers)[candidate] = manifest
    return referrers, legacy

def _implementation(rctx):
    digits = hex_of(rctx.attr.digest)
    repositories = [rctx.attr.image] + rctx.attr.mirrors
    endpoints = open_endpoints(rctx, repositories, rctx.attr.insecure_registries, rctx.attr.token_services)
    manifest = _get_manifest(rctx, endpoints, digits)
    contents = image_contents(manifest)
    if contents.problem:
        fail("{}@{}: {}".format(rctx.attr.image, rctx.attr.digest, contents.problem))
    _get(rctx, endpoints, "blobs", contents.config.hex)
    _get(rctx, endpoints, "blobs", contents.component.hex)
    referrers, legacy = _fetch_signatures(rctx, endpoints, digits)
    if not referrers and not legacy and rctx.attr.level != "component-only" and not rctx.attr.policy:
        fail("{}@{} has no signatures that could be fetched".format(rctx.attr.image, rctx.attr.digest))

    rctx.file(_LAYOUT + "/oci-layout", json.encode({"imageLayoutVersion": "1.0.0"}), executable = False)
    rctx.file(_LAYOUT + "/index.json", layout_index(digits, manifest, referrers, legacy), executable = False)
    rctx.file("BUILD.bazel", _build_file(rctx.attr), executable = False)

    # What the registry lists may change, so only what is pinned is always the same.
    return rctx.repo_metadata(reproducible = bool(rctx.attr.signatures)) if hasattr(rctx, "repo_metadata") else None

def _build_file(attr):
    trust = {
        "policy": attr.policy,
        "policy_repository": attr.image,
    } if attr.policy else {
        "component_keys": attr.component_keys,
        "level": attr.level,
        "oci_keys": attr.oci_keys,
        "signed_name": attr.signed_name,
    }
    text = _BUILD.format(
        defs = repr(str(Label("//wasm_oci:defs.bzl"))),
        layout = _LAYOUT,
        target = repr(attr.target),
        trust = "\n".join(["    {} = {},".format(name, repr(value)) for name, value in trust.items()]),
    )
    return text if attr.target == _ALIAS_NAME else text + _ALIAS.format(name = repr(_ALIAS_NAME), target = repr(attr.target))

wasm_oci_pulled_image = repository_rule(
    implementation = _implementation,
    attrs = _ATTRS,
    doc = "Fetches an image with its signatures, by digest, and verifies nothing but the digests.",
)
