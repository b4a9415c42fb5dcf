"""What the requests of runnable and test targets have in common: JSON that their programs read.

User-controlled text lives only in JSON, so no shell and no Make variable ever sees it.
"""

load(":checks.bzl", "check_layout", "shown")
load(":libraries.bzl", "merged")
load(":providers.bzl", "signers")
load(":runfiles.bzl", "rlocation")

visibility(["//wasm_oci/private/..."])

def request_object(members, *, files = [], libraries = [], runfiles = []):
    """An object of a request, with what a program needs to carry it out.

    Args:
        members: a dict of JSON values.
        files: Files that the object names.
        libraries: results of `libraries`.
        runfiles: more runfiles, a list.

    Returns:
        A struct of these.
    """
    return struct(files = files, libraries = libraries, members = members, runfiles = runfiles)

def write_request(ctx, objects):
    """Writes a request to `<name>.json`.

    Args:
        ctx: the rule's context.
        objects: results of `request_object` by their names; None stands for an object that the request does not have.

    Returns:
        A list of DefaultInfo and PyInfo: the runfiles and the Python libraries that the program needs.
    """
    objects = {name: object for name, object in objects.items() if object}
    output = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(
        output,
        json.encode_indent({name: object.members for name, object in objects.items()}) + "\n",
    )
    needed = merged(ctx, [library for object in objects.values() for library in object.libraries])
    files = [file for object in objects.values() for file in object.files]
    runfiles = [runfiles for object in objects.values() for runfiles in object.runfiles]
    return [
        DefaultInfo(
            files = depset([output]),
            runfiles = ctx.runfiles([output] + files).merge_all(runfiles + [needed.runfiles]),
        ),
        needed.py,
    ]

def declared(ctx):
    """The object `declared` of a test, which says where its target is.

    Args:
        ctx: the rule's context.

    Returns:
        A result of `request_object`.
    """
    return request_object({"buildFile": ctx.build_file_path})

def present(members):
    """Those members of an object that are not false.

    Args:
        members: a dict of JSON values.

    Returns:
        A dict.
    """
    return {name: value for name, value in members.items() if value}

def layout_image(ctx):
    """The object `image` for the layout in the attribute `image`; fails where there is none.

    Args:
        ctx: the rule's context.

    Returns:
        A result of `request_object`.
    """
    check_layout(ctx)
    image = shown(ctx.attr.image.label)
    unsigned = [
        "the {} of {} is not signed by {}, because {}".format(each.layer, image, each.signer, each.reason)
        for each in signers(ctx.attr.image).unsigned.to_list()
    ]
    return request_object(
        {"layout": rlocation(ctx, ctx.file.image)} | present({"unsigned": unsigned}),
        files = [ctx.file.image],
        runfiles = [ctx.attr.image[DefaultInfo].default_runfiles],
    )

def repository_of(info, registry = "", namespace = ""):
    """The repository that an image goes to.

    Args:
        info: a WasmOciImageInfo.
        registry: `host[:port]` in place of the image's.
        namespace: the path up to the last part, in place of the image's.

    Returns:
        string: `host[:port]/path`.
    """
    own_registry, _, path = info.repository.partition("/")
    own_namespace, _, name = path.rpartition("/")
    return "/".join([part for part in [registry or own_registry, namespace or own_namespace, name] if part])
