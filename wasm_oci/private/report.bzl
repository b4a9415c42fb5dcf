"""The rule `wasm_oci_report`."""

load(":actions.bzl", "add_text")
load(":checks.bzl", "shown")
load(":verified_component.bzl", "VERIFICATION_ATTRS", "run_verification")

visibility(["//wasm_oci/..."])

_DOC = """\
The verdict on an image or index as files, offline, in one `WasmReport` action.

The outputs are `<name>.json`, `<name>.html`, `<name>.junit.xml`, `<name>.md` and `<name>.sarif`, each an output group of
the name of its format: `json`, `html`, `junit`, `markdown`, `sarif`; docs/reports.md says what they have. A refused image
has them too and the build goes on: a report that says "refused" is a report, and verifies nothing. So nothing should be
deployed because there is one; `wasm_component_verify_test` and `wasm_oci_verified_component` are what fails. What cannot be
checked is an error of the build. No clock is read: a report has no time.

```starlark
wasm_oci_report(
    name = "report",
    component_keys = [":component_key"],
    image = ":image",
    oci_keys = [":oci_key"],
)
```
"""

_FORMATS = {
    "html": ".html",
    "json": ".json",
    "junit": ".junit.xml",
    "markdown": ".md",
    "sarif": ".sarif",
}

def _implementation(ctx):
    reports = {form: ctx.actions.declare_file(ctx.label.name + suffix) for form, suffix in _FORMATS.items()}

    def options(args):
        add_text(args, "--target", shown(ctx.attr.image.label))
        add_text(args, "--build-file", ctx.build_file_path)
        for form, report in reports.items():
            args.add(report, format = "--report={}=%s".format(form))

    run_verification(
        ctx,
        "verification_report",
        options,
        outputs = reports.values(),
        mnemonic = "WasmReport",
        progress_message = "Reporting on WebAssembly image %{label}",
    )
    return [
        DefaultInfo(files = depset(reports.values())),
        OutputGroupInfo(**{form: depset([report]) for form, report in reports.items()}),
    ]

wasm_oci_report = rule(
    implementation = _implementation,
    attrs = VERIFICATION_ATTRS,
    doc = _DOC,
)
