"""The extension `python` of today's rules_python, for the one Python that the toolbox has."""

_BUILD = """\
load("@bazel_tools//tools/python:toolchain.bzl", "py_runtime_pair")
load("@rules_python//python:py_runtime.bzl", "py_runtime")

package(default_visibility = ["//visibility:public"])

py_runtime(
    name = "runtime",
    interpreter_path = "/usr/bin/python3",
    python_version = "PY3",
)

py_runtime_pair(
    name = "runtimes",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    toolchain = ":runtimes",
    toolchain_type = "@bazel_tools//tools/python:toolchain_type",
)
"""

def _hub_implementation(repository_ctx):
    repository_ctx.file("BUILD.bazel", _BUILD)

_hub = repository_rule(implementation = _hub_implementation)

def _python_implementation(_module_ctx):
    # Whatever versions the modules ask for: rules_python picks one for each build, and
    # here there is one.
    _hub(name = "pythons_hub")

python = module_extension(
    implementation = _python_implementation,
    tag_classes = {
        "defaults": tag_class(attrs = {
            "python_version": attr.string(),
        }),
        "toolchain": tag_class(attrs = {
            "configure_coverage_tool": attr.bool(),
            "ignore_root_user_error": attr.bool(),
            "is_default": attr.bool(),
            "python_version": attr.string(mandatory = True),
        }),
    },
)
