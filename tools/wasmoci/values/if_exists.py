"""What is done where a tag exists already."""

from enum import Enum


class IfExists(str, Enum):
    """`overwrite` moves the tag, `skip` leaves it, `verify-same` wants it on this image, `fail` wants none."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    VERIFY_SAME = "verify-same"
    FAIL = "fail"
