"""`py_binary` of today's form: Bazel's own rule, or a program whose launcher is a script, as settings ask for it."""

load("//python:py_info.bzl", "PyInfo")
load("//python/private:util.bzl", "add_migration_tag")  # buildifier: disable=bzl-visibility

_SETTINGS = "@rules_python//python/config_settings:"

_PYTHON = "/usr/bin/python3"

_LAUNCHER = """\
#!/bin/bash
set -eu
case $0 in
    *.runfiles/*) runfiles=${0%%.runfiles/*}.runfiles ;;
    *) runfiles=$0.runfiles ;;
esac
case $runfiles in
    /*) ;;
    *) runfiles=$PWD/$runfiles ;;
esac
"""

_WITH_LINK = """\
exec "$runfiles/{link}" "$runfiles/{main}" "$@"
"""

# Without the link among the runfiles the script makes the virtual environment, and removes it in the end.
_WITHOUT_LINK = """\
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
mkdir "$environment/bin"
ln -s {python} "$environment/bin/python3"
echo "home = {home}" >"$environment/pyvenv.cfg"
"$environment/bin/python3" "$runfiles/{main}" "$@"
"""

def _rlocation(ctx, file):
    path = file.short_path
    return path.removeprefix("../") if path.startswith("../") else "{}/{}".format(ctx.workspace_name, path)

def _implementation(ctx):
    launcher = ctx.actions.declare_file(ctx.label.name)
    files = [ctx.file.main] + ctx.files.data
    main = _rlocation(ctx, ctx.file.main)
    home = _PYTHON.rpartition("/")[0]
    if ctx.attr.declares_link:
        environment = "_{}.venv/".format(ctx.label.name)
        interpreter = ctx.actions.declare_symlink(environment + "bin/python3")
        ctx.actions.symlink(output = interpreter, target_path = _PYTHON)
        config = ctx.actions.declare_file(environment + "pyvenv.cfg")
        ctx.actions.write(config, "home = {}\n".format(home))
        files += [interpreter, config]
        start = _WITH_LINK.format(link = _rlocation(ctx, interpreter), main = main)
    else:
        start = _WITHOUT_LINK.format(home = home, main = main, python = _PYTHON)
    imports = depset(transitive = [target[PyInfo].imports for target in ctx.attr.deps]).to_list()
    path = ":".join(["$runfiles/" + path for path in imports])
    ctx.actions.write(launcher, _LAUNCHER + "export PYTHONPATH={}\n".format(path) + start, is_executable = True)
    runfiles = ctx.runfiles([launcher] + files).merge_all([
        target[DefaultInfo].default_runfiles
        for target in ctx.attr.deps + ctx.attr.data
    ])
    return [DefaultInfo(executable = launcher, files = depset([launcher]), runfiles = runfiles)]

_script_binary = rule(
    implementation = _implementation,
    attrs = {
        "data": attr.label_list(allow_files = True),
        "declares_link": attr.bool(
            doc = "Whether the virtual environment is an output, with a link that is not resolved.",
            mandatory = True,
        ),
        "deps": attr.label_list(providers = [PyInfo]),
        "main": attr.label(
            allow_single_file = [".py"],
            mandatory = True,
        ),
    },
    executable = True,
)

def py_binary(*, name, config_settings = {}, **attrs):
    """A program.

    Args:
        name: name of the target.
        config_settings: `bootstrap_impl`, which is `script` for a launcher that is no Python program, and then
            `venvs_use_declare_symlink`; by default it is `yes`, as of rules_python.
        **attrs: attributes of the rule.
    """
    if config_settings.get(_SETTINGS + "bootstrap_impl") != "script":
        # buildifier: disable=native-python
        native.py_binary(name = name, **add_migration_tag(attrs))
        return
    (main,) = attrs.pop("srcs")
    attrs.pop("legacy_create_init", None)
    _script_binary(
        name = name,
        declares_link = config_settings.get(_SETTINGS + "venvs_use_declare_symlink", "yes") == "yes",
        main = main,
        **attrs
    )
