"""Which of several signatures that say the same is kept."""

from datetime import timedelta

import pytest

from image_fixtures import STRANGER, make_image
from log_entry_fixtures import trusted_logs
from sigstore_certificate_fixtures import now
from timed_fixtures import attach, sigstore_on
from wasmoci.oci.graph import read_image
from wasmoci.publish.doubles import Surplus, chosen
from wasmoci.verify.trust import ImageTrust


@pytest.mark.parametrize("how", ["v1", "v2 stamp"])
@pytest.mark.parametrize("oldest", [0, 1, 2])
def test_the_oldest_stays_because_a_key_may_have_ended_since(oldest: int, how: str) -> None:
    image = make_image()
    sigstore = sigstore_on(now().date())
    for number in range(3):
        day = now() - timedelta(days=9 if number == oldest else number + 1)
        sigstore.clock = lambda day=day: day  # type: ignore[misc]
        attach(image, how, sigstore)
    trust = ImageTrust([STRANGER.public_key], log=trusted_logs(sigstore, clock=now))
    removed = [removal.digest for removal in chosen(read_image(image), Surplus(trust))]
    left = [entry.digest for entry in image.attached if entry.digest not in removed]
    assert left == [image.attached[oldest].digest]
