"""Dual-layer signed WebAssembly component OCI images.

Programs import what `__all__` names, and nothing else is public: docs/python.md. Each folder is a room, and imports
between rooms point one way: docs/architecture.md shows the picture, `tests/python/repository/layers_test.py` holds the
order.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wasmoci.hosts.loading import (
        ConnectionOptions,
        Error,
        IdentityValues,
        Level,
        LoadedComponent,
        Reason,
        RegistryError,
        TrustValues,
        UsageError,
        VerificationError,
        load_image,
        verify_component,
    )

__all__ = [
    "ConnectionOptions",
    "Error",
    "IdentityValues",
    "Level",
    "LoadedComponent",
    "Reason",
    "RegistryError",
    "TrustValues",
    "UsageError",
    "VerificationError",
    "load_image",
    "verify_component",
]


def __getattr__(name: str) -> object:
    """What `__all__` names, imported when it is first asked for: no command pays for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wasmoci.hosts import loading

    return getattr(loading, name)
