"""`py_binary` of today's form, without what Debian's rules do not have: settings of their own."""

load("//python/private:util.bzl", "add_migration_tag")  # buildifier: disable=bzl-visibility

def py_binary(*, config_settings = {}, **attrs):  # buildifier: disable=unused-variable
    """Bazel's own rule.

    Args:
        config_settings: means nothing here.
        **attrs: attributes of the rule.
    """

    # buildifier: disable=native-python
    native.py_binary(**add_migration_tag(attrs))
