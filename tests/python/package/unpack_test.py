"""Taking the component out of an image where that cannot be."""

from pathlib import Path

import pytest

from image_fixtures import make_image, write_layout
from wasmoci.disk.layout import Layout
from wasmoci.package.image import unpack_component
from wasmoci.values.errors import Error


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    layout = Layout(write_layout(make_image(), tmp_path / "layout"))
    target = tmp_path / "component.wasm"
    target.write_bytes(b"old")
    with pytest.raises(Error, match=r"cannot write .*: File exists"):
        unpack_component(layout, target)
    assert target.read_bytes() == b"old"
