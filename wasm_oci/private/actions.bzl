"""What all actions have in common: one tool, which is a persistent worker too and takes its arguments from a file."""

visibility(["//wasm_oci/private/..."])

# All actions run one tool, whose modules are one file: Bazel looks at each file of a tool in each action.
ACTION_TOOL = {
    "_tool": attr.label(
        cfg = "exec",
        default = Label("//tools:action"),
        executable = True,
    ),
}

# One worker serves many requests at a time and keeps nothing between them: tools/wasmoci/bazel/worker.
WORKER = {
    "requires-worker-protocol": "json",
    "supports-multiplex-sandboxing": "1",
    "supports-multiplex-workers": "1",
    "supports-worker-cancellation": "1",
    "supports-workers": "1",
}

def tool_args(ctx):
    """The Args of an action.

    Args:
        ctx: the rule's context.

    Returns:
        Args that Bazel writes to a file, one a line. `add_text` and `add_annotations` add text of the user.
    """
    args = ctx.actions.args()
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    args.add("--quiet")
    return args

def run_tool(ctx, action, args, *, tool = None, **kwargs):
    """Runs an action's tool.

    Args:
        ctx: the context of a rule with `ACTION_TOOL`.
        action: the name of the action, one of `wasmoci.bazel.worker.actions`.
        args: Args of `tool_args`.
        tool: another tool that knows the action, by default that of all actions.
        **kwargs: what else `ctx.actions.run` takes. `execution_requirements` are `WORKER` unless others are given.
    """
    ctx.actions.run(
        executable = tool or ctx.executable._tool,
        # Bazel starts a worker with the name. The Args are its requests.
        arguments = [action, args],
        # No tool comes of a toolchain, and that of a policy by no attribute of the rule.
        toolchain = None,
        **({"execution_requirements": WORKER} | kwargs)
    )

def add_text(args, option, text):
    """Adds an option whose value may be any text.

    Args:
        args: Args of `tool_args`.
        option: the option's name.
        text: the value.
    """

    # A line that starts with `@` would name another file.
    args.add(_line(text), format = option + "=%s")

def add_annotations(args, annotations):
    """Adds `--annotation` options.

    Args:
        args: Args of `tool_args`.
        annotations: a dict of strings.
    """
    for key, value in sorted(annotations.items()):
        add_text(args, "--annotation", "{}={}".format(key, value))

def add_line(args, text):
    """Adds a word that may be any text but one that starts with `@`.

    Args:
        args: Args of `tool_args`.
        text: the word; fails where it starts with `@`, which would name another file of arguments.
    """
    if text.startswith("@"):
        fail("this must not start with @: {}".format(text))
    args.add(_line(text))

def _line(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
