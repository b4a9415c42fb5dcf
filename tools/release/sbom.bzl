"""The rule `release_sbom`."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")

visibility(["//tools/release"])

def _said(setting):
    value = setting[BuildSettingInfo].value
    if not value:
        fail("say of which release the SBOM is, as `tools/release/prep` does, by `--//{}:{}`".format(
            setting.label.package,
            setting.label.name,
        ))
    return value

def _implementation(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".spdx.json")
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [_said(ctx.attr._tag), _said(ctx.attr._time), output.path],
        outputs = [output],
        mnemonic = "ReleaseSbom",
        progress_message = "Listing what the release is made of",
    )
    return [DefaultInfo(files = depset([output]))]

release_sbom = rule(
    implementation = _implementation,
    attrs = {
        "_tag": attr.label(default = ":tag"),
        "_time": attr.label(default = ":time"),
        "_tool": attr.label(
            cfg = "exec",
            default = ":write_sbom",
            executable = True,
        ),
    },
    doc = "The SBOM of a release, from the locks, in one `ReleaseSbom` action.",
)
