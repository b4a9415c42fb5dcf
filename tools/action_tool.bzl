"""The tools of actions."""

load("@rules_python//python:py_binary.bzl", "py_binary")

visibility(["//tools/..."])

def action_tool(name):
    """A program that is also a persistent worker.

    Args:
        name: the name of its file, and of the library of its command.
    """
    py_binary(
        name = name,
        srcs = [name + ".py"],
        # Half of the cost of the other launcher, which starts a Python of the machine to find the right one.
        config_settings = {Label("@rules_python//python/config_settings:bootstrap_impl"): "script"},
        legacy_create_init = 0,
        deps = [
            "//tools/wasmoci/cli:" + name,
            "//tools/wasmoci/worker",
        ],
    )
