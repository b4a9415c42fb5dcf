"""Options that say who is trusted, under cosign's names where cosign has them."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from wasmoci.commands.options.common import (
    COMPONENT_KEYS_HELP,
    REQUIRE_LOG,
    SIGNED_NAME,
    TRUSTED_ROOT,
    annotation_pairs,
)
from wasmoci.commands.options.declared import Option, OptionGroup, variable
from wasmoci.trust.policy import IdentityValues, TrustValues
from wasmoci.values.errors import UsageError

_IDENTITY = "A trusted identity: the address or URI in its certificate. Repeatable."
_PATTERN = "The same by a regular expression for all of it. Repeatable; what it lets in counts as one."
_ISSUER = "Who must have vouched for identities."
_ISSUER_PATTERN = "The same by a regular expression for all of it."


def _identities(
    names: Annotated[Sequence[str], Option(_IDENTITY, "--certificate-identity", metavar="NAME")],
    patterns: Annotated[Sequence[str], Option(_PATTERN, "--certificate-identity-regexp", metavar="PATTERN")],
    issuer: Annotated[str | None, Option(_ISSUER, "--certificate-oidc-issuer", metavar="URL")],
    issuer_pattern: Annotated[
        str | None, Option(_ISSUER_PATTERN, "--certificate-oidc-issuer-regexp", metavar="PATTERN")
    ],
) -> tuple[IdentityValues, ...]:
    """The identities, for all of which the one issuer must have vouched."""
    vouched = IdentityValues(issuer=issuer, issuer_regexp=issuer_pattern)
    if vouched != IdentityValues() and not names and not patterns:
        raise UsageError("an issuer is no identity: give --certificate-identity or --certificate-identity-regexp too")
    return (
        *(vouched._replace(identity=name) for name in names),
        *(vouched._replace(identity_regexp=pattern) for pattern in patterns),
    )


_SIGNERS: Mapping[str, Option | OptionGroup] = {
    "oci_keys": Option(
        "A trusted OCI public key: a file or a key reference. Repeatable.",
        "--oci-key",
        metavar="KEY",
        **variable("OCI_KEY"),
    ),
    "identities": OptionGroup(_identities),
    "trusted_root": TRUSTED_ROOT,
    "require_log": REQUIRE_LOG,
    "oci_threshold": Option("How many distinct OCI keys and identities must have signed.", "--threshold", default=1),
}

# Who may sign images and attest something of them.
TrustedSigners = Annotated[TrustValues, OptionGroup(TrustValues, "Who is trusted", **_SIGNERS)]

# The same without what is asked of signatures.
KnownSigners = Annotated[
    TrustValues,
    OptionGroup(
        TrustValues, "Who is trusted", **{name: _SIGNERS[name] for name in ("oci_keys", "identities", "trusted_root")}
    ),
]

# The same with who may sign components, and what the signatures of images must say.
Trusted = Annotated[
    TrustValues,
    OptionGroup(
        TrustValues,
        "Who is trusted",
        **_SIGNERS,
        component_keys=Option(COMPONENT_KEYS_HELP, "--component-key", **variable("COMPONENT_KEY")),
        component_threshold=Option("How many distinct component keys must have signed.", default=1),
        annotations=Option(
            "What OCI signatures must have among their signed annotations. Repeatable.",
            *("--annotation", "-a"),
            metavar="KEY=VALUE",
            convert=annotation_pairs,
        ),
        policy_file=Option(
            "A policy file (YAML) in place of all options that say who is trusted; see docs/policy.md.",
            "--policy",
            metavar="FILE",
        ),
        named=Option("The repository that the image counts as for the policy.", "--as", metavar="HOST/PATH"),
        signed_name=SIGNED_NAME,
    ),
]
