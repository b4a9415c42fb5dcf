"""What is in an image: manifests, platforms, indexes, referrers, the image graph."""
