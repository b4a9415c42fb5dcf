"""The macro `wasm_component_publish_all` and the rule behind it."""

load("@rules_python//python:py_binary.bzl", "py_binary")
load("@rules_python//python:py_info.bzl", "PyInfo")
load(":checks.bzl", "ASKED_ATTRS", "refuse")
load(":libraries.bzl", "libraries")
load(":macros.bzl", "check_not_select")
load(":program.bzl", "request_name", "request_program")
load(":runfiles.bzl", "rlocation")

visibility(["//wasm_oci/..."])

def _implementation(ctx):
    if ctx.attr.jobs < 1:
        refuse(ctx, "jobs", "must be at least 1, got: {}".format(ctx.attr.jobs))
    output = ctx.actions.declare_file(ctx.label.name + ".json")
    requests = [rlocation(ctx, file) for file in ctx.files.requests]
    ctx.actions.write(output, json.encode_indent({"jobs": ctx.attr.jobs, "requests": requests}) + "\n")
    needed = libraries(ctx, ctx.attr.requests)
    return [
        DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output]).merge(needed.runfiles)),
        needed.py,
    ]

_wasm_oci_requests = rule(
    implementation = _implementation,
    attrs = ASKED_ATTRS | {
        "jobs": attr.int(mandatory = True),
        "requests": attr.label_list(
            allow_empty = False,
            mandatory = True,
            providers = [PyInfo],
        ),
    },
    doc = "Writes which requests one program carries out; its runfiles and libraries are those of all of them.",
    provides = [PyInfo],
)

def wasm_component_publish_all(
        *,
        name,
        publish,
        jobs = 32,
        tags = [],
        testonly = None,
        visibility = None):
    """Publishes what many publishing targets publish, in one run: `bazel run` the target.

    The images share connections, and each is published as its own target does it, so tags come last. Where one fails,
    the others are still published; a second run sends only what is missing. After `--` the command takes the options of
    `wasm_component_publish`, for all of them, and `--jobs`.

    ```starlark
    wasm_component_publish_all(
        name = "publish_all",
        publish = [
            ":publish",
            ":publish_unsigned",
        ],
    )
    ```

    Args:
        name: name of the target.
        publish: targets of `wasm_component_publish` and `wasm_component_secure_publish`. Not
            configurable.
        jobs: how many images are published at a time.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    check_not_select(name, publish = publish)
    request = request_name(name)
    _wasm_oci_requests(
        name = request,
        asked = {"name": name},
        jobs = jobs,
        requests = [_request(label) for label in publish],
        tags = ["manual"],
        testonly = testonly,
        visibility = ["//visibility:private"],
    )
    request_program(
        py_binary,
        name = name,
        program = "publish_all",
        tags = tags,
        testonly = testonly,
        visibility = visibility,
    )

def _request(label):
    target = native.package_relative_label(label)
    return target.same_package_label(request_name(target.name))
