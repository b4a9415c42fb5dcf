"""Signatures by identities: short-lived certificates of Fulcio and log entries of Rekor, through sigstore-python."""
