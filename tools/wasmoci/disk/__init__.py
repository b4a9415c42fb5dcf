"""Files and OCI image layouts."""
