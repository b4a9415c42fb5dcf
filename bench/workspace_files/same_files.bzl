"""Three actions in a worker that write as many files as those of a signed image do, with a few bytes in each."""

# The files of an unsigned and of a signed layout.
_UNSIGNED = 5
_SIGNED = 11

def _write(ctx, source, name, files):
    """A file; with `files` a folder of so many beside it."""
    output = ctx.actions.declare_file(name + ".out")
    folders = [ctx.actions.declare_directory(name)] if files else []
    args = ctx.actions.args()
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    args.add_all([source], expand_directories = False)
    args.add(output)
    args.add_all(folders, expand_directories = False, format_each = "%s:{}".format(files))
    ctx.actions.run(
        executable = ctx.executable._worker,
        arguments = [args],
        inputs = [source],
        outputs = [output] + folders,
        mnemonic = "Same",
        progress_message = "Writing files of %{label}",
        execution_requirements = {
            "requires-worker-protocol": "json",
            "supports-multiplex-workers": "1",
            "supports-workers": "1",
        },
    )
    return (folders or [output])[0]

def _implementation(ctx):
    component = _write(ctx, ctx.file.source, ctx.label.name + ".component", 0)
    unsigned = _write(ctx, component, ctx.label.name + ".unsigned", _UNSIGNED)
    return DefaultInfo(files = depset([_write(ctx, unsigned, ctx.label.name, _SIGNED)]))

same_files = rule(
    implementation = _implementation,
    attrs = {
        "source": attr.label(allow_single_file = True, mandatory = True),
        "_worker": attr.label(cfg = "exec", default = ":worker", executable = True),
    },
)
