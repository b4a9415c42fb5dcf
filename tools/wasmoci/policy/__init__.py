"""Policy files: who must have signed what, what must be attested, and what a component may import."""
