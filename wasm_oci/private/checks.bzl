"""What attributes must hold, said in the user's words: macros have other targets and attributes than their rules."""

load(
    ":providers.bzl",
    "WasmComponentKeyInfo",
    "WasmOciIdentityInfo",
    "WasmOciImageInfo",
    "WasmOciKeyInfo",
    "WasmOciPolicyInfo",
    "WasmTransparencyLogInfo",
)

visibility(["//wasm_oci/private/..."])

# Of rules behind macros.
ASKED_ATTRS = {
    "asked": attr.string_dict(
        doc = "What the user calls the target, by `name`, and its attributes, by their names in the rule.",
    ),
}

_COMPONENT_KEY = (WasmComponentKeyInfo, "a `wasm_component_key`, which signs components")
_OCI_KEY = (WasmOciKeyInfo, "a `wasm_oci_key`, which signs manifests")
_OCI_IDENTITY = (WasmOciIdentityInfo, "a `wasm_oci_identity`, which signs manifests")
_IMAGE = (WasmOciImageInfo, "an image")
_LOG = (WasmTransparencyLogInfo, "a `wasm_oci_transparency_log`")
_POLICY = (WasmOciPolicyInfo, "a `wasm_oci_policy`")

_KINDS = [_COMPONENT_KEY, _OCI_KEY, _OCI_IDENTITY, _IMAGE, _LOG, _POLICY]

# Who signs a layer, and how one says it.
COMPONENT = struct(
    infos = [WasmComponentKeyInfo],
    signer = "a `wasm_component_key`",
)
MANIFEST = struct(
    infos = [WasmOciKeyInfo, WasmOciIdentityInfo],
    signer = "a `wasm_oci_key` or a `wasm_oci_identity`",
)

def module_of(repository):
    """The name of the module whose repository this is.

    Args:
        repository: a canonical name.

    Returns:
        string; None for what an extension made.
    """

    # module+ or module+version, from an extension module++extension+name; Bazel 7 joins by a tilde.
    parts = repository.replace("~", "+").split("+")
    return parts[0] if len(parts) <= 2 else None

def shown(label):
    """A label as one writes it.

    Args:
        label: a Label.

    Returns:
        string: in the main repository without a repository, else with the module's name where it is a module's.
    """
    module = module_of(label.repo_name)
    repository = "" if module == "" else "@" + (module or "@" + label.repo_name)
    return "{}//{}:{}".format(repository, label.package, label.name)

def asked_name(ctx):
    """What the user calls the target.

    Args:
        ctx: the rule's context.

    Returns:
        string: a name.
    """
    return getattr(ctx.attr, "asked", {}).get("name", ctx.label.name)

def asked_attribute(ctx, attribute):
    """What the user calls an attribute.

    Args:
        ctx: the rule's context.
        attribute: the attribute's name in the rule.

    Returns:
        string: a name.
    """
    return getattr(ctx.attr, "asked", {}).get(attribute, attribute)

def refuse(ctx, attribute, problem):
    """Fails because of an attribute.

    Args:
        ctx: the rule's context.
        attribute: the attribute's name in the rule.
        problem: what is wrong with its value, and the way out.
    """
    target = shown(ctx.label.same_package_label(asked_name(ctx)))
    fail("{}: `{}` {}".format(target, asked_attribute(ctx, attribute), problem))

def check_signers(ctx, attribute, layer):
    """Fails unless a list of labels names who signs a layer.

    Args:
        ctx: the rule's context.
        attribute: the name of an attribute that takes any label.
        layer: `COMPONENT` or `MANIFEST`.
    """
    targets = getattr(ctx.attr, attribute)
    if not targets:
        refuse(ctx, attribute, "names nobody who signs: name {}".format(layer.signer))
    for target in targets:
        if not _has_one_of(target, layer.infos):
            refuse(ctx, attribute, "must be {}, got {}, {}: declare {} for who signs here".format(
                layer.signer,
                shown(target.label),
                kind_of(target, "a target without a key"),
                layer.signer,
            ))

def check_trusted(ctx, attribute, layer):
    """Fails where a list of labels, key targets or files, names something that signs no such layer.

    Args:
        ctx: the rule's context.
        attribute: the attribute's name.
        layer: `COMPONENT` or `MANIFEST`.
    """
    trusted = getattr(ctx.attr, attribute)
    for target in trusted if type(trusted) == "list" else [trusted]:
        if target and kind_of(target) and not _has_one_of(target, layer.infos):
            refuse(ctx, attribute, "must be {}, or the file of a public key, got {}, {}".format(
                layer.signer,
                shown(target.label),
                kind_of(target),
            ))

def check_layout(ctx, attribute = "image"):
    """Fails where a label names what is no OCI image layout.

    Args:
        ctx: the rule's context.
        attribute: the name of an attribute of one label.
    """
    _check_layout(ctx, attribute, getattr(ctx.attr, attribute))

def _check_layout(ctx, attribute, target):
    for file in target.files.to_list():
        if file.extension == "wasm":
            _refuse_layout(ctx, attribute, target, ", a component: make an image of it by `wasm_component_oci_image`")
    if _has_one_of(target, [info for info, _ in _KINDS if info != WasmOciImageInfo]):
        _refuse_layout(ctx, attribute, target, ", {}".format(kind_of(target)))

def check_layout_directory(ctx, attribute = "image"):
    """Fails unless a label names one OCI image layout that an action can read: a directory.

    Args:
        ctx: the rule's context.
        attribute: the name of an attribute of one label with one file.
    """
    check_layout(ctx, attribute)
    if not getattr(ctx.file, attribute).is_directory:
        _refuse_layout(ctx, attribute, getattr(ctx.attr, attribute), ", whose file is no directory")

def check_image(ctx, attribute, target):
    """Fails unless a label names an image of this rule set.

    Args:
        ctx: the rule's context.
        attribute: the attribute's name.
        target: the Target that it names.
    """
    _check_layout(ctx, attribute, target)
    if WasmOciImageInfo not in target:
        refuse(ctx, attribute, "must be an image of rules_wasm_oci, got {}: name a `wasm_component_oci_image`, {}".format(
            shown(target.label),
            "a `wasm_component_signed_oci_image` or what is made of one",
        ))

def _refuse_layout(ctx, attribute, target, what):
    refuse(ctx, attribute, "must be a target with one OCI image layout, got {}{}".format(shown(target.label), what))

def _has_one_of(target, infos):
    return bool([info for info in infos if info in target])

def kind_of(target, otherwise = None):
    """What a target is, in words.

    Args:
        target: a Target.
        otherwise: what it is where it is nothing of this rule set.

    Returns:
        A string, or `otherwise`.
    """
    for info, words in _KINDS:
        if info in target:
            return words
    return otherwise
