"""Dual-layer signed WebAssembly component OCI images.

Imports point one way: formats, then adapters (keys, layout, registry), then operations,
then `wasmoci.commands`. `tests/python/layers_test.py` holds the order.
"""
