"""What is signed about an image, in the formats of cosign: bundles, statements, simple signing, provenance."""
