"""The `.sign` targets of images: what signs at `bazel run`, without publishing."""

load("@rules_python//python:py_binary.bzl", "py_binary")
load(":program.bzl", "request_name", "request_program")
load(":request.bzl", "wasm_oci_request")

visibility(["//wasm_oci/private/..."])

def sign_at_run_time(image, tags, testonly, visibility):
    """Declares `<image>.sign`, which writes the signed layout and sends nothing.

    Args:
        image: name of the image.
        tags: the usual Bazel attribute.
        testonly: the usual Bazel attribute.
        visibility: the usual Bazel attribute.
    """
    name = image + ".sign"
    request = request_name(name)
    wasm_oci_request(
        name = request,
        image = image,
        level = "none",
        tags = ["manual"],
        testonly = testonly,
        use_image_keys = True,
        visibility = ["//visibility:private"],
    )
    request_program(
        py_binary,
        name = name,
        program = "sign",
        tags = tags + ["manual"],
        testonly = testonly,
        visibility = visibility,
        deps = [request],
    )
