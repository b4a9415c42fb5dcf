"""Signing keys and trusted keys, in files, variables, tokens and services."""
