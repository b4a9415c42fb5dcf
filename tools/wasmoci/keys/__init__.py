"""Signing and verification keys, one backend a file."""
