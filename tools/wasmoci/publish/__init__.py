"""From a layout to a registry: a plan, what is missing there, the copy and its tags."""
