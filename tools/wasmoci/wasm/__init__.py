"""What is in a WebAssembly file: sections, types, interfaces, metadata, and the signature of a component."""
