"""A test file for pytest as a Bazel test."""

load("@rules_python//python:py_test.bzl", "py_test")

visibility(["//tests/..."])

def pytest_test(*, name, src, data = [], deps = [], **kwargs):
    """Runs one test file.

    Args:
        name: name of the test.
        src: the file.
        data: files that the test reads.
        deps: what it imports besides pytest.
        **kwargs: other attributes of py_test.
    """
    py_test(
        name = name,
        srcs = [
            src,
            "//tests:conftest.py",
            "//tests:pytest_main.py",
        ],
        args = ["$(rootpath //:pyproject.toml)", "$(rootpath {})".format(src)],
        data = data + [src, "//:pyproject.toml"],
        legacy_create_init = 0,
        main = "//tests:pytest_main.py",
        deps = deps + ["@wasm_oci_dev_pip//pytest"],
        **kwargs
    )
