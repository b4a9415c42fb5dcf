"""Which targets Bazel skips: those that need what was to be signed and is not."""

load(":providers.bzl", "signers")

visibility(["//wasm_oci/private/..."])

_LAYERS = {
    "component-only": ["component"],
    "dual-layer": ["component", "manifest"],
    "none": [],
    "oci-only": ["manifest"],
}

def _implementation(ctx):
    unsigned = [each.layer for each in signers(ctx.attr.subject).unsigned.to_list()]
    lacks = [layer for layer in _LAYERS[ctx.attr.level] if layer in unsigned]
    return [config_common.FeatureFlagInfo(value = "unsigned" if lacks else "signed")]

_wasm_oci_signed_state = rule(
    implementation = _implementation,
    attrs = {
        "level": attr.string(mandatory = True),
        "subject": attr.label(
            allow_files = True,
            mandatory = True,
        ),
    },
    doc = "Whether those layers of an image or a component are signed that were to be: `signed` or `unsigned`.",
)

def skipped_where_unsigned(*, name, subject, level, testonly, target_compatible_with):
    """Declares what decides, when the build is analyzed, whether a target is skipped.

    A layer that nobody was asked to sign is no reason: whoever verifies it is to say so.

    Args:
        name: name of the target.
        subject: the image or the component that it needs.
        level: the level that it needs.
        testonly: the usual Bazel attribute.
        target_compatible_with: that of the user, or None.

    Returns:
        The value of `target_compatible_with`.
    """
    state, unsigned = name + ".state", name + ".unsigned"
    internal = {"tags": ["manual"], "testonly": testonly, "visibility": ["//visibility:private"]}
    _wasm_oci_signed_state(name = state, level = level, subject = subject, **internal)
    native.config_setting(name = unsigned, flag_values = {state: "unsigned"}, **internal)
    return (target_compatible_with or []) + select({
        unsigned: [Label("@platforms//:incompatible")],
        "//conditions:default": [],
    })
