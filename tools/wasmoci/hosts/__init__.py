"""What `from wasmoci import …` gives to programs that verify a component before they load it."""
