"""What is taken for published already: nothing of which the registry has lost a manifest."""

from pathlib import Path

import pytest

from copy_fixtures import client_at, index_layout, send_layout
from publish_fixtures import dual_layout
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_graph
from wasmoci.publish.registry_state import is_published
from wasmoci.registry_server.server import EmbeddedRegistry


@pytest.mark.parametrize("referrers_api", [True, False], ids=["referrers-api", "fallback-index"])
@pytest.mark.parametrize("make", [dual_layout, index_layout], ids=["image", "index"])
def test_whatever_is_lost_is_noticed(make: object, referrers_api: bool, tmp_path: Path) -> None:
    layout = Layout(dual_layout(tmp_path) if make is dual_layout else index_layout(tmp_path))
    contents = read_graph(layout)
    with (
        EmbeddedRegistry(tmp_path / "r", referrers_api=referrers_api) as registry,
        client_at(registry.address) as client,
    ):
        assert not is_published(contents, ["v1"], client)
        send_layout(layout.path, client)
        (repository,) = (path.parent for path in tmp_path.glob("r/repositories/**/_tags"))
        kept = [*repository.glob("_tags/*"), *repository.glob("_referrers/*/*" if referrers_api else "_manifests/*")]
        referrers = {path.name for path in repository.glob("_referrers/*/*")}
        if referrers_api:
            kept += [path for path in repository.glob("_manifests/*") if path.name not in referrers]
        assert len(kept) >= 4
        for path in kept:
            data = path.read_bytes()
            path.unlink()
            assert not is_published(contents, ["v1"], client), path
            path.write_bytes(data)
        assert is_published(contents, ["v1"], client)
        assert not is_published(contents, ["v1", "v2"], client)


def test_signatures_of_others_do_not_count(tmp_path: Path) -> None:
    """The legacy tag names a manifest with other layers."""
    ours = read_graph(Layout(dual_layout(tmp_path)))
    (signatures,) = ours.tagged
    with EmbeddedRegistry(tmp_path / "r") as registry, client_at(registry.address) as client:
        send_layout(tmp_path / "dual", client)
        client.put_manifest(ours.data, ours.descriptor.media_type, signatures.tag)
        assert not is_published(ours, ["v1"], client)
