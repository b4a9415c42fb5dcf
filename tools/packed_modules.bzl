"""The rule `packed_modules`."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load("//wasm_oci/private:runfiles.bzl", "rlocation")

visibility(["//tools/..."])

_DOC = """\
Python libraries in one file.

Bazel looks at each file of a tool in each of its actions, and a thousand files cost more than most actions.
Precompiling does not help, as it leaves a file a module, nor does rules_python's zipapp, which unpacks itself at every
start. No archive can hold compiled modules: they stay files, and `action.py` finds them. If all modules of their
packages stayed files too, no finder would be needed, but the tool would have 116 files and not 7, and a build of 1,000
images from nothing would use 1.1 times the CPU. Files that are not modules are left out.
"""

_SITE_PACKAGES = "/site-packages/"

def _is_compiled(file):
    return file.extension in ["dll", "dylib", "pyd", "so"] or ".so." in file.basename

def _module(file):
    return ["--module", file.path, file.short_path] if file.extension == "py" else None

def _roots(ctx, files):
    """Folders of wheels that rules_python links into a virtual environment are in no `imports`."""
    wheels = {}
    for file in files:
        before, found, _ = rlocation(ctx, file).partition(_SITE_PACKAGES)
        if found:
            wheels[before + _SITE_PACKAGES.rstrip("/")] = None
    return depset(wheels.keys(), transitive = [library[PyInfo].imports for library in ctx.attr.libraries])

def _implementation(ctx):
    modules = depset(transitive = [library[DefaultInfo].default_runfiles.files for library in ctx.attr.libraries])
    files = modules.to_list()
    roots = _roots(ctx, files)
    output = ctx.actions.declare_file(ctx.label.name + ".zip")

    args = ctx.actions.args()
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    args.add(output)
    args.add(ctx.workspace_name)
    args.add_all(roots, before_each = "--root")
    args.add_all(modules, map_each = _module)
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [args],
        inputs = [file for file in files if file.extension == "py"],
        outputs = [output],
        mnemonic = "PackModules",
        progress_message = "Packing Python modules %{label}",
        # Sets of names in the code have the same order in every build.
        env = {"PYTHONHASHSEED": "0"},
    )

    packed = [output] + [file for file in files if _is_compiled(file)]
    return [
        DefaultInfo(files = depset([output]), runfiles = ctx.runfiles(packed)),
        PyInfo(
            imports = depset([rlocation(ctx, output)], transitive = [roots], order = "preorder"),
            transitive_sources = depset(),
        ),
    ]

packed_modules = rule(
    implementation = _implementation,
    attrs = {
        "libraries": attr.label_list(
            doc = "The libraries, which are packed with all that they depend on.",
            mandatory = True,
            providers = [PyInfo],
        ),
        "_tool": attr.label(
            cfg = "exec",
            default = ":pack_modules",
            executable = True,
        ),
    },
    doc = _DOC,
    provides = [PyInfo],
)
