"""Options that say who is trusted, under cosign's names where cosign has them.

Both decorators stand below `@reported`, which reports what is wrong with the options.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from wasmoci.commands.options.annotations import annotation_pairs
from wasmoci.commands.options.common import COMPONENT_KEYS_HELP, PathArgument, trusted_root
from wasmoci.commands.report.output import Report
from wasmoci.trust.values import IdentityValues, TrustValues
from wasmoci.values.errors import UsageError


def signer_options(command: Callable[..., Report]) -> Callable[..., Report]:
    """Gives the command a parameter `trusted`, a TrustValues: who may sign images and attest something of them."""

    @click.option(
        "--oci-key",
        "oci_keys",
        multiple=True,
        metavar="KEY",
        help="A trusted OCI public key: a file or a key reference. Repeatable.",
    )
    @click.option(
        "--certificate-identity",
        "identities",
        multiple=True,
        metavar="NAME",
        help="A trusted identity: the address or URI in its certificate. Repeatable.",
    )
    @click.option(
        "--certificate-identity-regexp",
        "identity_patterns",
        multiple=True,
        metavar="PATTERN",
        help="The same by a regular expression for all of it. Repeatable; what it lets in counts as one.",
    )
    @click.option("--certificate-oidc-issuer", "issuer", metavar="URL", help="Who must have vouched for identities.")
    @click.option(
        "--certificate-oidc-issuer-regexp",
        "issuer_pattern",
        metavar="PATTERN",
        help="The same by a regular expression for all of it.",
    )
    @trusted_root
    @click.option("--require-log", is_flag=True, help="Only signatures that a transparency log has count.")
    @click.option(
        "--threshold",
        type=int,
        default=1,
        show_default=True,
        help="How many distinct OCI keys and identities must have signed.",
    )
    @functools.wraps(command)
    def wrapper(
        oci_keys: tuple[str, ...],
        identities: tuple[str, ...],
        identity_patterns: tuple[str, ...],
        issuer: str | None,
        issuer_pattern: str | None,
        trusted_root: Path | None,
        require_log: bool,
        threshold: int,
        **options: Any,
    ) -> Report:
        trusted = TrustValues(
            oci_keys=oci_keys,
            identities=_identities(identities, identity_patterns, issuer, issuer_pattern),
            oci_threshold=threshold,
            trusted_root=trusted_root,
            require_log=require_log,
        )
        return command(trusted=trusted, **options)

    return wrapper


def trust_options(command: Callable[..., Report]) -> Callable[..., Report]:
    """Gives the command a parameter `trusted`, a TrustValues: who may sign components and images."""

    @signer_options
    @click.option("--component-key", "component_keys", multiple=True, type=PathArgument(), help=COMPONENT_KEYS_HELP)
    @click.option(
        "--component-threshold",
        type=int,
        default=1,
        show_default=True,
        help="How many distinct component keys must have signed.",
    )
    @click.option(
        *("--annotation", "-a", "annotations"),
        multiple=True,
        metavar="KEY=VALUE",
        help="What OCI signatures must have among their signed annotations. Repeatable.",
    )
    @functools.wraps(command)
    def wrapper(
        trusted: TrustValues,
        component_keys: tuple[Path, ...],
        component_threshold: int,
        annotations: tuple[str, ...],
        **options: Any,
    ) -> Report:
        every = replace(
            trusted,
            component_keys=component_keys,
            component_threshold=component_threshold,
            annotations=annotation_pairs(annotations),
        )
        return command(trusted=every, **options)

    return wrapper


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
