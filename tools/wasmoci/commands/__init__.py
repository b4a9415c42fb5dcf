"""The commands of `wasm-oci`: each reads its options, calls one operation and reports what it returns."""
