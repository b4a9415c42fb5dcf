"""The rule `wasm_oci_attest`, and the macro `wasm_oci_attest_provenance` with the rule behind it."""

load(":actions.bzl", "ACTION_TOOL", "add_text", "run_tool", "tool_args")
load(":checks.bzl", "module_of")
load(":image_change.bzl", "changed_image", "image_to_change", "steps")
load(
    ":providers.bzl",
    "WasmOciImageInfo",
    "WasmRunTimeSigningInfo",
    "WasmSignersInfo",
    "signers",
    "with_attestations",
    "with_unsigned",
)
load(":request.bzl", "present")
load(":signing.bzl", "EXECUTION_REQUIREMENTS", "SIGN_ATTRS", "add_key")

visibility(["//wasm_oci/..."])

_DOC = """\

One `OciAttest` action a key makes the attestation as `cosign attest` does: a signed statement about the image,
attached to it, which `cosign verify-attestation` accepts. Verifiers of signatures do not count it as a signature of
the image. The output is the layout `<name>`, a copy with the attestation added; publishing sends it along. Keys with
a `reference` and identities attest at `bazel run`, as they sign.
"""

_COMMON_ATTRS = SIGN_ATTRS | {
    "image": attr.label(
        allow_single_file = True,
        doc = "The image: a target with one OCI image layout, signed on all layers that are signed in the build.",
        mandatory = True,
    ),
    "keys": attr.label_list(
        allow_files = True,
        doc = "Who attests, each a `wasm_oci_key` or a `wasm_oci_identity`.",
        mandatory = True,
    ),
}

def _attest(ctx, source, inputs, key, name, repository, add_statement):
    layout = ctx.actions.declare_directory(name)

    args = tool_args(ctx)
    args.add_all([source], expand_directories = False)
    args.add_all("--output", [layout], expand_directories = False)
    if repository:
        add_text(args, "--repository", repository)
    files = add_statement(args) + add_key(args, key)

    run_tool(
        ctx,
        "attest",
        args,
        inputs = depset([source] + files, transitive = [inputs]),
        outputs = [layout],
        mnemonic = "OciAttest",
        progress_message = "Attesting OCI image %{label}",
        execution_requirements = EXECUTION_REQUIREMENTS,
    )
    return layout

def _attested(ctx, add_statement, statement):
    image = image_to_change(ctx, "attest", "attestation")
    repository = image.info.repository if image.info else ""
    digest = image.info.digest if image.info else None
    layout = image.source
    for step in steps(ctx, image.asked.keys):
        layout = _attest(ctx, layout, step.inputs, step.key, step.name, repository, add_statement)
    return changed_image(ctx, image, layout, digest, repository) + [
        OutputGroupInfo(_validation = depset(image.asked.checks), digest = depset([digest] if digest else [])),
        with_unsigned(signers(ctx.attr.image), image.asked.unsigned),
        with_attestations(
            image.deferred_signing,
            [struct(signer = signer, statement = statement) for signer in image.asked.deferred],
        ),
    ]

_PROVIDES = [WasmOciImageInfo, WasmRunTimeSigningInfo, WasmSignersInfo]

def _document_implementation(ctx):
    predicate = ctx.file.predicate
    predicate_type = ctx.attr.predicate_type

    def add_statement(args):
        args.add("--predicate", predicate)
        if predicate_type:
            add_text(args, "--type", predicate_type)
        return [predicate]

    return _attested(ctx, add_statement, struct(
        kind = "document",
        predicate = predicate,
        predicate_type = predicate_type,
    ))

wasm_oci_attest = rule(
    implementation = _document_implementation,
    attrs = ACTION_TOOL | _COMMON_ATTRS | {
        "predicate": attr.label(
            allow_single_file = True,
            doc = "What is attested: a file with a JSON object, such as an SBOM.",
            mandatory = True,
        ),
        "predicate_type": attr.string(
            doc = "A URI, or one of cosign's short names such as `spdxjson`. SPDX and CycloneDX documents say it themselves.",
        ),
    },
    doc = "Attests a document about an image, such as an SBOM.\n" + _DOC + """
```starlark
wasm_oci_attest(
    name = "image_with_sbom",
    image = ":image",
    keys = [":oci_key"],
    predicate = "greeting.spdx.json",
)
```
""",
    provides = _PROVIDES,
)

def _in_module(repository, rest):
    """Names something in another repository by the module, or by the repository where that is no module's."""
    module = module_of(repository)
    return "@{}//{}".format(module if module else "@" + repository, rest)

def _target(ctx):
    label = ctx.attr.image.label
    rest = "{}:{}".format(label.package, label.name)
    if label.repo_name == ctx.label.repo_name:
        return "{}//{}".format("@" + ctx.attr.module if ctx.attr.module else "", rest)
    return _in_module(label.repo_name, rest)

def _material_name(file):
    if not file.short_path.startswith("../"):
        return file.short_path
    repository, _, path = file.short_path.removeprefix("../").partition("/")
    return _in_module(repository, path)

def _provenance_implementation(ctx):
    request = ctx.actions.declare_file(ctx.label.name + ".provenance.json")
    ctx.actions.write(request, json.encode_indent(present({
        "flags": ctx.attr.flags,
        "target": _target(ctx),
        "workspace": ctx.attr.workspace or ctx.attr.module,
    })) + "\n")
    component = signers(ctx.attr.image).component
    materials = [(_material_name(file), file) for file in ctx.files.materials]
    status_files = [ctx.info_file, ctx.version_file] if ctx.attr.stamp else []

    def add_statement(args):
        args.add("--provenance", request)
        add_text(args, "--builder-id", ctx.attr.builder_id)
        if ctx.attr.invocation_id:
            add_text(args, "--invocation-id", ctx.attr.invocation_id)
        if ctx.attr.source:
            add_text(args, "--source", ctx.attr.source)
        if component:
            args.add("--component", component)
        for name, file in materials:
            args.add_all("--material", [name, file])
        args.add_all(status_files, before_each = "--status-file")
        return [request] + ([component] if component else []) + ctx.files.materials + status_files

    return _attested(ctx, add_statement, struct(
        builder_id = ctx.attr.builder_id,
        component = component,
        invocation_id = ctx.attr.invocation_id,
        kind = "provenance",
        materials = materials,
        request = request,
        source = ctx.attr.source,
        status_files = status_files,
    ))

_wasm_oci_attest_provenance = rule(
    implementation = _provenance_implementation,
    attrs = ACTION_TOOL | _COMMON_ATTRS | {
        "builder_id": attr.string(
            doc = "A URI that names the build platform that is to be trusted.",
            mandatory = True,
        ),
        "flags": attr.string_dict(doc = "Flags of the build that matter to who checks it."),
        "invocation_id": attr.string(doc = "Names this run of the build platform."),
        "materials": attr.label_list(
            allow_files = True,
            doc = "Files that the image was made of, such as lock files. The component always counts as one.",
        ),
        "module": attr.string(doc = "The module that the target is in; empty where it has no name."),
        "source": attr.string(doc = "The revision that is built: `URI@COMMIT`, such as `git+https://…@{STABLE_GIT_COMMIT}`."),
        "stamp": attr.bool(
            doc = "Whether `{KEY}` in `builder_id`, `invocation_id` and `source` stands for a value of the workspace status.",
        ),
        "workspace": attr.string(doc = "The name of the workspace; by default the module's."),
    },
    doc = "Attests how an image was built: SLSA provenance v1.\n" + _DOC,
    provides = _PROVIDES,
)

def wasm_oci_attest_provenance(*, name, **kwargs):
    """Attests how an image was built: SLSA provenance v1, of the build type that docs/provenance.md describes.

    One `OciAttest` action a key makes the attestation, as that of `wasm_oci_attest`. The output is the layout `<name>`.

    ```starlark
    wasm_oci_attest_provenance(
        name = "attested_image",
        builder_id = "https://ci.example.com/wasm@v1",
        image = ":image_with_sbom",
        keys = [":oci_key"],
    )
    ```

    Args:
        name: name of the target.
        **kwargs: the attributes, besides those that all rules have: `image`, a target with one OCI image layout, signed
            on all layers that are signed in the build; `keys`, who attests, as of `wasm_oci_attest`; `builder_id`, a
            URI that names the build platform that is to be trusted; `flags`, a dict of flags of the build that matter to
            who checks it; `invocation_id`, which names this run of the build platform; `materials`, files that the
            image was made of, such as lock files (the component always counts as one); `source`, the revision that is
            built, `URI@COMMIT`, such as `git+https://…@{STABLE_GIT_COMMIT}`; `stamp`, whether `{KEY}` in `builder_id`,
            `invocation_id` and `source` stands for a value of the workspace status; `workspace`, the name of the
            workspace, by default the module's.
    """
    _wasm_oci_attest_provenance(name = name, module = native.module_name() or "", **kwargs)
