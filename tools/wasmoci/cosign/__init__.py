"""What is signed about an image, in cosign's formats: statements, bundles, simple signing, provenance."""
