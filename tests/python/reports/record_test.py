"""What is noted of an image that was refused."""

from contextlib import nullcontext

import pytest

from image_fixtures import HELLO, MemoryImage, both_layers, fully_signed, make_image
from wasmoci.reports.record import Record
from wasmoci.values.errors import Reason, VerificationError


@pytest.mark.parametrize(("now", "is_refused"), [(make_image(HELLO), True), (fully_signed(), False)])
def test_what_is_refused_no_more_at_the_second_look_is_not_named(now: MemoryImage, is_refused: bool) -> None:
    record = Record()
    error = VerificationError(Reason.UNSIGNED, "the image has no signature")
    record.failed("registry.example.com/acme/hello:v1", error, both_layers(), lambda: nullcontext(now))
    (checked,) = record.checked
    assert checked.reason is Reason.UNSIGNED
    assert checked.digest == (now.image.digest if is_refused else None)
    assert bool(checked.requirements) is is_refused
