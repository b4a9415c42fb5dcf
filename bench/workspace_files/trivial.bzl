"""An action in a worker that does nothing but write a few bytes."""

def _implementation(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".out")
    args = ctx.actions.args()
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    args.add(ctx.file.source)
    args.add(output)
    ctx.actions.run(
        executable = ctx.executable._worker,
        arguments = [args],
        inputs = [ctx.file.source],
        outputs = [output],
        mnemonic = "Trivial",
        progress_message = "Writing %{label}",
        execution_requirements = {
            "requires-worker-protocol": "json",
            "supports-multiplex-workers": "1",
            "supports-workers": "1",
        },
    )
    return DefaultInfo(files = depset([output]))

trivial = rule(
    implementation = _implementation,
    attrs = {
        "source": attr.label(allow_single_file = True, mandatory = True),
        "_worker": attr.label(cfg = "exec", default = ":worker", executable = True),
    },
)
