"""The Python programs behind runnable and test targets, which do what a request says."""

visibility(["//wasm_oci/private/..."])

def request_name(name):
    """The name of the request that a target's program carries out.

    Args:
        name: the target's name.

    Returns:
        string: a name.
    """
    return name + ".request"

def request_program(kind, *, name, program, deps = [], **kwargs):
    """A target whose program carries out the request that is named after it.

    Args:
        kind: `py_binary` or `py_test`.
        name: name of the target.
        program: name of the program in `//tools`, whose libraries are `<program>_lib`.
        deps: more libraries.
        **kwargs: other attributes of the target.
    """
    request = request_name(name)
    source = Label("//tools:{}.py".format(program))
    kind(
        name = name,
        srcs = [source],
        args = ["--request=$(rlocationpath :{})".format(request)],
        data = [request],
        legacy_create_init = 0,
        main = source,
        deps = deps + [Label("//tools:{}_lib".format(program))],
        **kwargs
    )
