"""The embedded registry, for tests and demonstrations (OCI distribution-spec 1.1)."""
