"""The `.sign` targets of images: they sign at `bazel run` what no build signs, and publish nothing."""

load("@rules_python//python:py_binary.bzl", "py_binary")
load(":program.bzl", "request_name", "request_program")
load(":sign_request.bzl", "sign_request")

visibility(["//wasm_oci/private/..."])

def deferred_signing_target(*, name, tags, testonly, visibility):
    """Declares `<name>.sign`, which writes the signed layout and sends nothing.

    Args:
        name: name of the image.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    program = name + ".sign"
    sign_request(
        name = request_name(program),
        image = name,
        tags = ["manual"],
        testonly = testonly,
        visibility = ["//visibility:private"],
    )
    request_program(
        py_binary,
        name = program,
        program = "sign",
        tags = (tags or []) + ["manual"],
        testonly = testonly,
        visibility = visibility,
    )
