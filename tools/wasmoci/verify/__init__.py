"""From an image and who is trusted to a verdict; and the same for a component alone."""
