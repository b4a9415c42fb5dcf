"""How an operation tells its caller what is worth knowing and stops nothing."""

from collections.abc import Callable

# Gets one line, not yet printable, for each thing that is noted.
Notes = Callable[[str], object]
