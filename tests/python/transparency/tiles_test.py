"""Inclusion proofs from tiles: the same as from the whole tree, whatever its size."""

import pytest

from sigstore_log_fixtures import tree_path, tree_root
from wasmoci.transparency.merkle import HASH_SIZE, leaf_hash, root_hash
from wasmoci.transparency.tiles import TILE_WIDTH, Tiles
from wasmoci.values.errors import FormatError


class Tree:
    """A tree that serves its tiles, and remembers which were asked for."""

    def __init__(self, size: int) -> None:
        self.leaves = [leaf_hash(b"%d" % number) for number in range(size)]
        self.seen: list[str] = []
        self.tiles = dict(self._tiles())

    def _tiles(self) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        level, hashes = 0, self.leaves
        while hashes:
            for start in range(0, len(hashes), TILE_WIDTH):
                part = hashes[start : start + TILE_WIDTH]
                partial = "" if len(part) == TILE_WIDTH else f".p/{len(part)}"
                found.append((f"tile/{level}/{start // TILE_WIDTH:03}{partial}", b"".join(part)))
            complete = len(hashes) // TILE_WIDTH
            hashes = [tree_root(hashes[i * TILE_WIDTH : (i + 1) * TILE_WIDTH]) for i in range(complete)]
            level += 1
        return found

    def fetch(self, path: str) -> bytes:
        self.seen.append(path)
        return self.tiles[path]


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 512, 700, 1025])
def test_proofs_are_those_of_the_tree(size: int) -> None:
    tree = Tree(size)
    tiles = Tiles(size, tree.fetch)
    for index in {0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
        proof = tiles.inclusion_proof(index)
        assert list(proof) == tree_path(index, tree.leaves)
        assert root_hash(tree.leaves[index], index, size, proof) == tree_root(tree.leaves)
    assert len(tree.seen) == len(set(tree.seen)), "a tile is fetched once"


def test_the_paths_of_tiles_in_a_large_tree() -> None:
    seen: list[str] = []

    def fetch(path: str) -> bytes:
        seen.append(path)
        width = int(path.partition(".p/")[2] or TILE_WIDTH)
        return b"x" * width * HASH_SIZE

    Tiles(1234067 * TILE_WIDTH + 5, fetch).inclusion_proof(1234067 * TILE_WIDTH + 4)
    assert "tile/0/x001/x234/067.p/5" in seen
    assert "tile/1/x004/820.p/147" in seen
    assert "tile/3/000.p/18" in seen


@pytest.mark.parametrize("length", [0, HASH_SIZE, 3 * HASH_SIZE, 2 * HASH_SIZE - 1])
def test_a_tile_of_another_size_is_refused(length: int) -> None:
    with pytest.raises(FormatError, match=r"tile/0/000.p/2 must have 64 bytes, got"):
        Tiles(2, lambda _: b"x" * length).inclusion_proof(0)
