"""The monitor: looks at images again and again, and tells what was refused, could not be checked, or changed."""
