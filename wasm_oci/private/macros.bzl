"""What macros do with values that a select may choose: they cannot look into it."""

load(":checks.bzl", "shown")

visibility(["//wasm_oci/private/..."])

def check_not_select(name, **attributes):
    """Fails where a macro got a select that it would have to look into.

    Args:
        name: the target's name.
        **attributes: values by the names of their attributes.
    """
    for attribute, value in attributes.items():
        if type(value) == "select":
            fail(("{}: `{}` cannot be a select, because it decides which targets there are: declare one target for each " +
                  "case and let an `alias` select between them; a symbolic macro declares its own attribute for it " +
                  "with `configurable = False`").format(declared(name), attribute))

def spelled(name, **spellings):
    """The value of an attribute that has two spellings, and the one that the user chose.

    Args:
        name: the target's name.
        **spellings: the value of each, None where it is not given; the one that is documented is the first.

    Returns:
        The value, None where there is none; and its spelling, or the first. Fails where both are given.
    """
    given = [spelling for spelling, value in spellings.items() if value != None]
    if len(given) > 1:
        fail("{}: `{}` and `{}` are one attribute: give one of them".format(declared(name), given[0], given[1]))
    chosen = (given or spellings.keys())[0]
    return spellings[chosen], chosen

# What every test has, and our macros do not say themselves.
TEST_ATTRIBUTES = [
    "aspect_hints",
    "compatible_with",
    "deprecation",
    "env",
    "env_inherit",
    "exec_compatible_with",
    "exec_properties",
    "features",
    "flaky",
    "local",
    "package_metadata",
    "restricted_to",
    "shard_count",
    "target_compatible_with",
    "timeout",
    "toolchains",
]

def check_attributes(name, macro, given, others):
    """Fails where a macro got an attribute that it does not have, in its own name and not in that of a rule behind it.

    Args:
        name: the target's name.
        macro: the macro's name.
        given: the attributes that it got besides those that it names, a dict.
        others: those that it takes besides, a list.
    """
    for attribute in given:
        if attribute not in others:
            fail("{}: `{}` has no attribute `{}`: see those that its documentation names; besides them it takes {}".format(
                declared(name),
                macro,
                attribute,
                ", ".join(others),
            ))

def declared(name):
    """The label of the target that a macro declares, as one writes it.

    Args:
        name: the target's name.

    Returns:
        string: a label.
    """
    return shown(native.package_relative_label(":" + name))

def label_list(value, *, name, attribute, tags, testonly, visibility):
    """The value of a list of labels where the user gives one label, a list of them, or a select of either.

    Args:
        value: what the user gives.
        name: the target's name.
        attribute: the name of the user's attribute, which is in the name of an alias where one is needed.
        tags: of such an alias.
        testonly: of such an alias.
        visibility: of such an alias.

    Returns:
        What an attribute of type `attr.label_list` takes.
    """
    if type(value) == "list":
        return value
    if type(value) != "select":
        return [value]

    # Nothing but its text tells what is in a select.
    text = repr(value)
    if text.startswith("[") or ": [" in text:
        return value
    chosen = "{}.{}".format(name, attribute)
    native.alias(name = chosen, actual = value, tags = tags, testonly = testonly, visibility = visibility)
    return [chosen]
