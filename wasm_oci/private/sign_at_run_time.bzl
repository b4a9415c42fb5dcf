"""The `.sign` targets of images: what signs at `bazel run`, without publishing."""

load("@rules_python//python:py_binary.bzl", "py_binary")
load(":program.bzl", "request_name", "request_program")
load(":request.bzl", "wasm_oci_request")

visibility(["//wasm_oci/private/..."])

def sign_at_run_time(*, name, tags, testonly, visibility):
    """Declares `<name>.sign`, which writes the signed layout and sends nothing.

    Args:
        name: name of the image.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    program = name + ".sign"
    wasm_oci_request(
        name = request_name(program),
        image = name,
        level = "none",
        tags = ["manual"],
        testonly = testonly,
        use_image_keys = True,
        visibility = ["//visibility:private"],
    )
    request_program(
        py_binary,
        name = program,
        program = "sign",
        tags = tags + ["manual"],
        testonly = testonly,
        visibility = visibility,
        deps = [request_name(program)],
    )
