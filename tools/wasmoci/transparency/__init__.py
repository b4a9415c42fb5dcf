"""Transparency logs: what proves that a signature is in one, and how it gets there."""
