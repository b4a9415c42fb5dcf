"""The client of a registry (OCI distribution-spec 1.1)."""
