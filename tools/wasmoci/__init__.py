"""Dual-layer signed WebAssembly component OCI images.

Each folder is a room, and imports between rooms point one way: docs/architecture.md shows the picture,
`tests/python/repository/layers_test.py` holds the order.
"""
