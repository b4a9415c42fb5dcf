"""One `cp`."""

def _implementation(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".out")
    ctx.actions.run(
        executable = "/bin/cp",
        arguments = [ctx.file.source.path, output.path],
        inputs = [ctx.file.source],
        outputs = [output],
        mnemonic = "Copy",
        progress_message = "Copying %{label}",
    )
    return DefaultInfo(files = depset([output]))

copy = rule(
    implementation = _implementation,
    attrs = {
        "source": attr.label(allow_single_file = True, mandatory = True),
    },
)
