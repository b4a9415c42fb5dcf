"""The words that all rooms use: errors, digests, references, names, and JSON that is read strictly."""
