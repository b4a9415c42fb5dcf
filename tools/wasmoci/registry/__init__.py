"""A client of registries (OCI distribution-spec 1.1)."""
