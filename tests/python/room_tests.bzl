"""The tests of a room: a folder of tests/python for a folder of tools/wasmoci."""

load("//tests:pytest_test.bzl", "pytest_test")

visibility(["//tests/python/..."])

def room_tests(*, name, data = {}, deps = []):
    """One test a file.

    Args:
        name: name of the files as a target.
        data: what a file reads besides itself, by the file's name.
        deps: what the tests of the room need besides the fixtures.
    """
    files = native.glob(["*_test.py"])
    for file in files:
        pytest_test(
            name = file.removesuffix(".py"),
            src = file,
            data = data.get(file, []),
            deps = deps + ["//tests/python/fixtures"],
        )
    native.filegroup(
        name = name,
        srcs = files,
        visibility = ["//tests/python:__subpackages__"],
    )
