"""What is in an image: manifests, platforms, indexes, referrers, and the graph of all of them."""
