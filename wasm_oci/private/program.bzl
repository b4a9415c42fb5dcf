"""The Python programs behind runnable and test targets, most of which do what a request says."""

visibility(["//wasm_oci/private/..."])

def request_name(name):
    """The name of the request that a target's program carries out.

    Args:
        name: the target's name.

    Returns:
        string: a name.
    """
    return name + ".request"

def request_program(kind, *, name, program, **kwargs):
    """A target whose program carries out the request that is named after it.

    Args:
        kind: `py_binary` or `py_test`.
        name: name of the target.
        program: name of the program, a library in `//tools/wasmoci/bazel/programs`.
        **kwargs: other attributes of the target.
    """
    request = request_name(name)
    named_program(
        kind,
        name = name,
        program = program,
        args = ["--request=$(rlocationpath :{})".format(request)],
        data = [request],
        # The request brings the libraries of the keys, identities and logs that it names.
        deps = [request],
        **kwargs
    )

def request_test(kind, *, name, env = None, **kwargs):
    """A test whose program carries out the request that is named after it.

    Args:
        kind: `py_test`.
        name: name of the target.
        env: environment variables that the user gives the test, a dict.
        **kwargs: other arguments of `request_program`.
    """
    request_program(
        kind,
        name = name,
        # A test cannot see otherwise whether Bazel will look for a zip program.
        env = (env or {}) | select({
            Label("//wasm_oci:outputs_are_zipped"): {"WASM_OCI_OUTPUTS_ARE_ZIPPED": "1"},
            "//conditions:default": {},
        }),
        **kwargs
    )

def named_program(kind, *, name, program, args, deps = [], **kwargs):
    """A target that runs a program.

    Args:
        kind: `py_binary` or `py_test`.
        name: name of the target.
        program: name of the program, a library in `//tools/wasmoci/bazel/programs`.
        args: its arguments.
        deps: more libraries.
        **kwargs: other attributes of the target.
    """
    source = Label("//tools:target.py")
    kind(
        name = name,
        srcs = [source],
        args = [program] + args,
        legacy_create_init = 0,
        main = source,
        deps = deps + [Label("//tools/wasmoci/bazel/programs:" + program)],
        **kwargs
    )
