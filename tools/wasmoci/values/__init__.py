"""Words that all rooms use: errors, digests, references, names, strict JSON."""
