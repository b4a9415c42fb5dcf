"""What is in a WebAssembly file: sections, types, interfaces, metadata, signatures."""
