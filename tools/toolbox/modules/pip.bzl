"""The extension `pip` of today's rules_python, for the one Python that the toolbox has.

Each locked requirement becomes a repository, installed by pip with its hashes when a build
first needs it. A hub names them: `@hub//click`, `@hub//click:pkg`.
"""

_PYTHON = "/usr/bin/python3"

_HUB_BUILD = """\
package(default_visibility = ["//visibility:public"])

alias(
    name = "{name}",
    actual = ":pkg",
)

[
    alias(
        name = part,
        actual = "@{repository}//:" + part,
    )
    for part in ["data", "dist_info", "pkg"]
]
"""

_PACKAGE_BUILD = """\
load("@rules_python//python:py_library.bzl", "py_library")

package(default_visibility = ["//visibility:public"])

py_library(
    name = "pkg",
    srcs = glob(["site-packages/**/*.py"], allow_empty = True),
    data = [":data"],
    imports = ["site-packages"],
    deps = {dependencies},
)

filegroup(
    name = "data",
    srcs = glob(
        ["site-packages/**"],
        exclude = ["site-packages/**/*.py", "site-packages/*.dist-info/RECORD"],
    ),
)

filegroup(
    name = "dist_info",
    srcs = glob(["site-packages/*.dist-info/**"]),
)
"""

def _run(ctx, script, *arguments):
    # -I: neither PYTHONPATH nor packages of the user's home.
    result = ctx.execute([_PYTHON, "-I", ctx.path(script)] + list(arguments))
    if result.return_code:
        fail("{} failed:\n{}{}".format(script.name, result.stdout, result.stderr))
    return result.stdout

def _package_implementation(repository_ctx):
    repository_ctx.file("requirements.txt", repository_ctx.attr.requirement)
    dependencies = json.decode(_run(repository_ctx, repository_ctx.attr._install))
    repository_ctx.file("BUILD.bazel", _PACKAGE_BUILD.format(dependencies = [
        "@{}_{}//:pkg".format(repository_ctx.attr.hub, name)
        for name in dependencies
        if name in repository_ctx.attr.locked
    ]))

_package = repository_rule(
    implementation = _package_implementation,
    attrs = {
        "hub": attr.string(mandatory = True),
        "locked": attr.string_list(mandatory = True, doc = "The names of all packages in the lock."),
        "requirement": attr.string(mandatory = True, doc = "The lock's line, with its hashes."),
        "_install": attr.label(default = ":install.py"),
    },
)

def _hub_implementation(repository_ctx):
    repository_ctx.file("BUILD.bazel", "")
    for name in repository_ctx.attr.packages:
        repository_ctx.file(name + "/BUILD.bazel", _HUB_BUILD.format(
            name = name,
            repository = "{}_{}".format(repository_ctx.attr.hub, name),
        ))

_hub = repository_rule(
    implementation = _hub_implementation,
    attrs = {
        "hub": attr.string(mandatory = True),
        "packages": attr.string_list(mandatory = True),
    },
)

def _pip_implementation(module_ctx):
    version = module_ctx.execute([
        _PYTHON,
        "-Ic",
        "import sys; print('{}.{}'.format(*sys.version_info))",
    ]).stdout.strip()
    owners = {}
    installed = {}
    for module in module_ctx.modules:
        for parse in module.tags.parse:
            if owners.setdefault(parse.hub_name, module.name) != module.name:
                fail("modules {} and {} both define the hub {}".format(
                    owners[parse.hub_name],
                    module.name,
                    parse.hub_name,
                ))
            if parse.python_version == version:
                installed[parse.hub_name] = parse.requirements_lock

    for hub in owners:
        if hub not in installed:
            fail("the hub {} has no pip.parse for Python {}".format(hub, version))
        module_ctx.watch(installed[hub])
        requirements = json.decode(_run(
            module_ctx,
            Label(":lock.py"),
            module_ctx.path(installed[hub]),
        ))
        for name, requirement in requirements.items():
            _package(
                name = "{}_{}".format(hub, name),
                hub = hub,
                locked = requirements.keys(),
                requirement = requirement,
            )
        _hub(name = hub, hub = hub, packages = requirements.keys())

pip = module_extension(
    implementation = _pip_implementation,
    tag_classes = {
        "parse": tag_class(attrs = {
            "hub_name": attr.string(mandatory = True),
            "python_version": attr.string(mandatory = True),
            "requirements_lock": attr.label(mandatory = True),
        }),
    },
)
