"""The rules `wasm_oci_attest` and `wasm_oci_attest_provenance`."""

load(":actions.bzl", "ACTION_TOOL", "add_text", "run_tool", "tool_args")
load(":image_change.bzl", "changed_image", "image_to_change", "steps")
load(
    ":providers.bzl",
    "WasmOciImageInfo",
    "WasmRunTimeSigningInfo",
    "WasmSignersInfo",
    "signers",
    "with_attestations",
)
load(":signing.bzl", "EXECUTION_REQUIREMENTS", "add_key")

visibility(["//wasm_oci/..."])

_DOC = """\

One `OciAttest` action a key makes the attestation as `cosign attest` does: a signed statement about the image,
attached to it, which `cosign verify-attestation` accepts. Verifiers of signatures do not count it as a signature of
the image. The output is the layout `<name>`, a copy with the attestation added; publishing sends it along. Keys with
a `reference` and identities attest at `bazel run`, as they sign.
"""

_COMMON_ATTRS = {
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
    image = image_to_change(ctx, "attest")
    repository = image.info.repository if image.info else ""
    digest = image.info.digest if image.info else None
    layout = image.source
    for step in steps(ctx, image.keys):
        layout = _attest(ctx, layout, step.inputs, step.key, step.name, repository, add_statement)
    return changed_image(ctx, image, layout, digest, repository) + [
        OutputGroupInfo(digest = depset([digest] if digest else [])),
        signers(ctx.attr.image),
        with_attestations(
            image.deferred_signing,
            [struct(signer = signer, statement = statement) for signer in image.deferred_signers],
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
    doc = "Attests a document about an image, such as an SBOM.\n" + _DOC,
    provides = _PROVIDES,
)

def _provenance_implementation(ctx):
    request = ctx.actions.declare_file(ctx.label.name + ".provenance.json")
    ctx.actions.write(request, json.encode_indent({
        "flags": ctx.attr.flags,
        "target": "//{}:{}".format(ctx.attr.image.label.package, ctx.attr.image.label.name),
        "workspace": ctx.attr.workspace or ctx.workspace_name,
    }) + "\n")
    materials = [(file.short_path, file) for file in ctx.files.materials]
    status_files = [ctx.info_file, ctx.version_file] if ctx.attr.stamp else []

    def add_statement(args):
        args.add("--provenance", request)
        add_text(args, "--builder-id", ctx.attr.builder_id)
        if ctx.attr.invocation_id:
            add_text(args, "--invocation-id", ctx.attr.invocation_id)
        if ctx.attr.source:
            add_text(args, "--source", ctx.attr.source)
        for name, file in materials:
            args.add_all("--material", [name, file])
        args.add_all(status_files, before_each = "--status-file")
        return [request] + ctx.files.materials + status_files

    return _attested(ctx, add_statement, struct(
        builder_id = ctx.attr.builder_id,
        invocation_id = ctx.attr.invocation_id,
        kind = "provenance",
        materials = materials,
        request = request,
        source = ctx.attr.source,
        status_files = status_files,
    ))

wasm_oci_attest_provenance = rule(
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
        "source": attr.string(doc = "The revision that is built: `URI@COMMIT`, such as `git+https://…@{STABLE_GIT_COMMIT}`."),
        "stamp": attr.bool(
            doc = "Whether `{KEY}` in `builder_id`, `invocation_id` and `source` stands for a value of the workspace status.",
        ),
        "workspace": attr.string(doc = "The name of the workspace; by default the module's."),
    },
    doc = "Attests how an image was built: SLSA provenance v1.\n" + _DOC,
    provides = _PROVIDES,
)
