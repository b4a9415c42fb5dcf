"""Whether an image is published already, asked with few requests."""

from collections.abc import Sequence

from wasmoci.oci.graph import ImageGraph
from wasmoci.registry.client import RepositoryClient
from wasmoci.values.digest import Digest


def is_published(graph: ImageGraph, tags: Sequence[str], client: RepositoryClient) -> bool:
    """Whether all `tags` are on the image, and the registry lists everything that is attached to it.

    The manifests at tags are checked as they come, so they are these very images and signatures by digest.
    Not asked for are blobs, nor manifests that the referrers API lists: a registry that lost those, or
    serves other bytes for them, has images that nobody can verify, and none that is taken for another.
    One request for each tag, each subject with referrers, each of cosign's tags, and each image of an
    index; without a referrers API one more for each subject and each referrer. Raises as RepositoryClient.
    """
    digest = graph.descriptor.digest
    return all(_names(client, tag, digest) for tag in tags) and _is_whole(graph, client)


def _is_whole(graph: ImageGraph, client: RepositoryClient) -> bool:
    return (
        all(client.find_manifest(one.descriptor.digest) is not None for one in graph.entries)
        and _are_listed(graph, client)
        and all(one.is_among(client.find_manifest(one.tag)) for one in graph.tagged)
        and all(_is_whole(one, client) for one in (*graph.entries, *graph.referrers))
    )


def _are_listed(graph: ImageGraph, client: RepositoryClient) -> bool:
    if not graph.referrers:
        return True
    subject = graph.descriptor.digest
    expected = [one.descriptor.digest for one in graph.referrers]
    listed = client.referrers(subject)
    if listed is not None:
        return all(map(listed.lists, expected))
    # What clients wrote into an index may be there no more.
    index = client.read_fallback_index(subject)
    return index is not None and all(index.lists(one) and client.find_manifest(one) is not None for one in expected)


def _names(client: RepositoryClient, tag: str, digest: Digest) -> bool:
    found = client.find_manifest(tag)
    return found is not None and found[0].digest == digest
