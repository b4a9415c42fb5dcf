"""Limits that more than one source of images has to keep."""

# Referrers and legacy signatures that are looked at for one image.
MAX_REFERRERS = 100
