"""The registry side: an OCI distribution-spec 1.1 client, and an embedded registry for tests."""
