"""Options that say who is trusted, under cosign's names where cosign has them.

Both decorators stand below `@reported`, which reports what is wrong with the options.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wasmoci.commands.options.common import COMPONENT_KEYS_HELP, PathArgument, annotation_pairs, trusted_root
from wasmoci.commands.options.group import Option, OptionGroup, options
from wasmoci.trust.values import IdentityValues, TrustValues
from wasmoci.values.errors import UsageError


def _identities(
    names: Sequence[str], patterns: Sequence[str], issuer: str | None, issuer_pattern: str | None
) -> tuple[IdentityValues, ...]:
    """The identities, for all of which the one issuer must have vouched."""
    vouched = IdentityValues(issuer=issuer, issuer_regexp=issuer_pattern)
    if vouched != IdentityValues() and not names and not patterns:
        raise UsageError("an issuer is no identity: give --certificate-identity or --certificate-identity-regexp too")
    return (
        *(replace(vouched, identity=name) for name in names),
        *(replace(vouched, identity_regexp=pattern) for pattern in patterns),
    )


_SIGNERS: Mapping[str, Option | OptionGroup] = {
    "oci_keys": Option(
        "--oci-key",
        multiple=True,
        metavar="KEY",
        help="A trusted OCI public key: a file or a key reference. Repeatable.",
    ),
    "identities": OptionGroup(
        _identities,
        names=Option(
            "--certificate-identity",
            multiple=True,
            metavar="NAME",
            help="A trusted identity: the address or URI in its certificate. Repeatable.",
        ),
        patterns=Option(
            "--certificate-identity-regexp",
            multiple=True,
            metavar="PATTERN",
            help="The same by a regular expression for all of it. Repeatable; what it lets in counts as one.",
        ),
        issuer=Option("--certificate-oidc-issuer", metavar="URL", help="Who must have vouched for identities."),
        issuer_pattern=Option(
            "--certificate-oidc-issuer-regexp",
            metavar="PATTERN",
            help="The same by a regular expression for all of it.",
        ),
    ),
    "trusted_root": trusted_root,
    "require_log": Option("--require-log", is_flag=True, help="Only signatures that a transparency log has count."),
    "oci_threshold": Option(
        "--threshold",
        type=int,
        default=1,
        show_default=True,
        help="How many distinct OCI keys and identities must have signed.",
    ),
}

# Gives a command a parameter `trusted`, a TrustValues: who may sign images and attest something of them.
signer_options = options("trusted", OptionGroup(TrustValues, **_SIGNERS))

# The same with who may sign components, and what the signatures of images must say.
trust_options = options(
    "trusted",
    OptionGroup(
        TrustValues,
        **_SIGNERS,
        component_keys=Option("--component-key", multiple=True, type=PathArgument(), help=COMPONENT_KEYS_HELP),
        component_threshold=Option(
            "--component-threshold",
            type=int,
            default=1,
            show_default=True,
            help="How many distinct component keys must have signed.",
        ),
        annotations=Option(
            *("--annotation", "-a"),
            multiple=True,
            metavar="KEY=VALUE",
            convert=annotation_pairs,
            help="What OCI signatures must have among their signed annotations. Repeatable.",
        ),
    ),
)
