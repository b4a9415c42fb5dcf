"""Log in to registries and out of them: credentials are tried, and kept where Docker keeps them."""
