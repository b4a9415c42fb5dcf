"""How many times a verifier tries whether a key made a signature.

Whoever may push can attach signatures, and knows the names of trusted keys. So each thing that carries signatures has a
limit of its own: none takes what another needs, and all together, with 100 referrers and 100 legacy signatures, cost
an image at most MAX_CHECKS_EMBEDDED + 200 * MAX_CHECKS_ATTACHED.
"""

from wasmoci.values.errors import Reason, VerificationError

# In a file: signatures in it, or beside it where the user names them.
MAX_CHECKS_EMBEDDED = 10_000
# In one referrer or legacy signature.
MAX_CHECKS_ATTACHED = 500


class Checks:
    """Counts the checks of what one carrier holds."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit

    def count(self) -> None:
        """Raise VerificationError (LIMIT_EXCEEDED) where one more is one too many."""
        if not self._left:
            raise VerificationError(
                Reason.LIMIT_EXCEEDED,
                f"its signatures would take more than the limit of {self._limit} checks, each of one by one trusted "
                "key: trust fewer keys, or take away signatures that nobody needs",
            )
        self._left -= 1
