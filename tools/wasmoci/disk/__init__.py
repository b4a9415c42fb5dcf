"""Files and OCI image layouts on disk."""
