"""A target as it is in another configuration."""

visibility("private")

def _transition_implementation(_settings, attr):
    return {"//command_line_option:compilation_mode": attr.mode}

_mode = transition(
    implementation = _transition_implementation,
    inputs = [],
    outputs = ["//command_line_option:compilation_mode"],
)

def _implementation(ctx):
    return [DefaultInfo(files = depset(ctx.files.target))]

in_mode = rule(
    implementation = _implementation,
    attrs = {
        "mode": attr.string(
            doc = "What `--compilation_mode` is for the target.",
            mandatory = True,
        ),
        "target": attr.label(
            cfg = _mode,
            doc = "The target whose files this one has.",
            mandatory = True,
        ),
        "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
    },
    doc = "The files of a target that is built in another mode.",
)
