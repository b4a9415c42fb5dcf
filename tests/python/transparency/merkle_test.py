"""Inclusion proofs: every leaf of every small tree, and every proof that is none."""

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigstore_log_fixtures import tree_path, tree_root
from wasmoci.transparency.merkle import leaf_hash, node_hash, root_hash
from wasmoci.values.errors import Reason, VerificationError


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


def test_hashes_are_those_of_rfc_6962() -> None:
    empty_leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"").hex() == empty_leaf
    assert node_hash(b"a" * 32, b"b" * 32) == hashlib.sha256(b"\1" + b"a" * 32 + b"b" * 32).digest()


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_of_a_tree_is_proved(size: int) -> None:
    tree = leaves(size)
    for index, leaf in enumerate(tree):
        assert root_hash(leaf, index, size, tree_path(index, tree)) == tree_root(tree)


@given(st.integers(1, 40), st.data())
def test_a_proof_holds_for_nothing_else(size: int, data: st.DataObject) -> None:
    tree = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    proof = tree_path(index, tree)
    assert root_hash(leaf_hash(b"foreign"), index, size, proof) != tree_root(tree)
    if proof:
        position = data.draw(st.integers(0, len(proof) - 1))
        changed = [leaf_hash(b"foreign") if at == position else one for at, one in enumerate(proof)]
        assert root_hash(tree[index], index, size, changed) != tree_root(tree)
    other = data.draw(st.integers(0, 2 * size).filter(lambda one: one != index))
    with contextlib.suppress(VerificationError):
        assert root_hash(tree[index], other, size, proof) != tree_root(tree)


@pytest.mark.parametrize(
    ("index", "size", "proof", "message"),
    [
        pytest.param(0, 0, [], "index 0 is not in its tree of 0", id="empty_tree"),
        pytest.param(4, 4, [b"x" * 32] * 2, "index 4 is not in its tree of 4", id="index_past_the_end"),
        pytest.param(0, 4, [b"x" * 32], "too short", id="too_short"),
        pytest.param(0, 4, [], "too short", id="no_proof"),
        pytest.param(0, 4, [b"x" * 32] * 3, "too long", id="too_long"),
        pytest.param(0, 1, [b"x" * 32], "too long", id="proof_in_a_tree_of_one"),
    ],
)
def test_what_is_no_proof_is_refused(index: int, size: int, proof: list[bytes], message: str) -> None:
    with pytest.raises(VerificationError, match=message) as refused:
        root_hash(leaf_hash(b"0"), index, size, proof)
    assert refused.value.reason is Reason.NOT_LOGGED
