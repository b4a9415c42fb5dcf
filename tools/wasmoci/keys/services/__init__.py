"""Keys in tokens and key services, one a file; each imports its own library."""
