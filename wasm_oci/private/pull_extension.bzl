"""The module extension `wasm_oci`."""

load(":pull.bzl", "wasm_oci_pulled_image")
load(":policy.bzl", "not_beside")
load(":pull_documents.bzl", "hex_of", "parse_repository")
load(":verified_component.bzl", "LEVELS")

visibility(["//wasm_oci/..."])

_DOC = """\
Components from registries.

A `pull` makes a repository whose target `@<name>`, also `@<name>//:component`, is the component of an image, for any
attribute `component`. It is fetched with its signatures, by digest, and verified in the build that uses it.

```starlark
wasm_oci = use_extension("@rules_wasm_oci//wasm_oci:extensions.bzl", "wasm_oci")
wasm_oci.pull(
    name = "greeting",
    component_keys = ["//:keys/component.pub"],
    digest = "sha256:c5b2b2c507a0944348e0303114d8d93aaaa081732b86451d9bce1f432a537bc7",
    image = "registry.example.com/acme/greeting",
    oci_keys = ["//:keys/oci.pub"],
    tag = "v1.0.0",
)
use_repo(wasm_oci, "greeting")
```
"""

_PULL = tag_class(
    attrs = {
        "component_keys": attr.label_list(doc = "Trusted component keys, key targets or files: one of them must have signed."),
        "digest": attr.string(
            doc = "The digest of the image's manifest, `sha256:…`.",
            mandatory = True,
        ),
        "image": attr.string(
            doc = "`host[:port]/path` of the image, without a tag.",
            mandatory = True,
        ),
        "insecure_registries": attr.string_list(
            doc = "`host:port` of registries that are spoken to in plain HTTP. Only the root module may name any, and " +
                  "Bazel takes only what has a known digest that way: give `signatures`.",
        ),
        "level": attr.string(
            doc = "What the image must have, by default `dual-layer`.",
            values = [""] + LEVELS,
        ),
        "mirrors": attr.string_list(
            doc = "`host[:port]/path` of other repositories with the image, tried in this order where one before fails.",
        ),
        "name": attr.string(
            doc = "The repository and its target.",
            mandatory = True,
        ),
        "oci_keys": attr.label_list(doc = "Trusted OCI keys, key targets or files: one of them must have signed the manifest."),
        "policy": attr.label(
            doc = "A `wasm_oci_policy`, in place of `component_keys`, `level`, `oci_keys` and `signed_name`. The rule of " +
                  "`image` counts, wherever it is fetched.",
        ),
        "signatures": attr.string_list(
            doc = "Digests of manifests with signatures. Where there are any, these are fetched, and nothing is looked up.",
        ),
        "signed_name": attr.string(
            doc = "`host[:port]/path`, the repository that a signature of the manifest must be for.",
        ),
        "tag": attr.string(doc = "The tag that had the digest: a note for people and for tools that update it."),
        "token_services": attr.string_dict(
            doc = "The token service of a registry by its `host[:port]`, a URL with all its parameters but `scope`. " +
                  "By default it is asked as `https://<host>/token?service=<host>`.",
        ),
    },
    doc = "A component that is fetched from a registry.",
)

# What a policy says in place of them.
_TRUST = ["component_keys", "level", "oci_keys", "signed_name"]

def _check(pull, module):
    where = "wasm_oci.pull of {}".format(pull.name)
    trust = [name for name in _TRUST if getattr(pull, name)]
    if pull.policy and trust:
        fail("{}: `policy` {}".format(where, not_beside(trust)))
    repositories = [pull.image] + pull.mirrors
    for repository in repositories:
        if not parse_repository(repository):
            fail("{}: an image is `host[:port]/path`, without tag and digest, got: {}".format(where, repository))
    for digest in [pull.digest] + pull.signatures:
        if not hex_of(digest):
            fail("{}: a digest is `sha256:` and 64 hex digits, got: {}".format(where, digest))
    if pull.insecure_registries and not module.is_root:
        fail("{}: only the root module may have `insecure_registries`, {} is not".format(where, module.name))
    secure = [name for name in repositories if parse_repository(name).registry not in pull.insecure_registries]
    if not secure and not pull.signatures and pull.level != "component-only":
        fail("{}: Bazel asks nothing in plain HTTP that has no known digest: give `signatures`".format(where))

def _implementation(module_ctx):
    names = {}
    for module in module_ctx.modules:
        for pull in module.tags.pull:
            if pull.name in names:
                fail("wasm_oci.pull: {} and {} both have the name {}".format(names[pull.name], module.name, pull.name))
            names[pull.name] = module.name
            _check(pull, module)
            wasm_oci_pulled_image(
                name = pull.name,
                component_keys = [str(label) for label in pull.component_keys],
                digest = pull.digest,
                image = pull.image,
                insecure_registries = pull.insecure_registries,
                level = pull.level,
                mirrors = pull.mirrors,
                oci_keys = [str(label) for label in pull.oci_keys],
                policy = str(pull.policy) if pull.policy else "",
                signatures = pull.signatures,
                signed_name = pull.signed_name,
                target = pull.name,
                token_services = pull.token_services,
            )
    return module_ctx.extension_metadata(reproducible = True)

wasm_oci = module_extension(
    implementation = _implementation,
    doc = _DOC,
    tag_classes = {"pull": _PULL},
)
