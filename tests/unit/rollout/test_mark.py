"""The mark: found wherever it stands, never mistaken, and gone from what users see."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.rollout.mark import carries, digest_of, mark, new_nonce, nonce_with, unmark

NONCES = st.text("0123456789abcdef", min_size=12, max_size=12)


@given(st.text(max_size=80), NONCES)
def test_a_marked_description_carries_its_mark_and_no_other(description: str, nonce: str) -> None:
    other = "f" * 12 if nonce != "f" * 12 else "0" * 12
    marked = mark(description, nonce)
    assert carries(marked, nonce)
    assert carries(marked, other) is carries(description, other)


@given(st.text(max_size=80).map(str.strip), NONCES)
def test_the_mark_is_taken_off_again(description: str, nonce: str) -> None:
    assert unmark(mark(description, nonce)) == unmark(description)


def test_texts_of_others_carry_nothing() -> None:
    nonce = "0123456789ab"
    for text in (None, "", nonce, f"run {nonce}", f"(pulumi run {nonce}0)", "(pulumi run 0123456789AB)"):
        assert not carries(text, nonce)


def test_an_empty_description_becomes_the_bare_mark() -> None:
    assert mark("", "0123456789ab") == mark(None, "0123456789ab") == "(pulumi run 0123456789ab)"
    assert unmark("(pulumi run 0123456789ab)") == ""


def test_a_mark_is_no_commit_and_a_pasted_mark_of_an_earlier_run_does_not_hide_ours() -> None:
    pasted = mark(mark("release", "aaaaaaaaaaaa"), "bbbbbbbbbbbb")
    assert carries(pasted, "bbbbbbbbbbbb")
    assert unmark(pasted) == "release"


def test_no_two_runs_share_a_mark() -> None:
    nonces = {new_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert all(carries(mark("x", nonce), nonce) for nonce in nonces)


@given(st.text(max_size=40), NONCES, NONCES)
def test_a_run_is_found_again_by_its_digest(description: str, nonce: str, digest: str) -> None:
    marked = mark(description, nonce, digest)
    assert carries(marked, nonce)
    assert nonce_with(marked, digest) == nonce
    assert unmark(marked) == unmark(description)
    assert nonce_with(mark("x", nonce), digest) is None, "a mark without a digest is nobody's in particular"
    assert nonce_with(marked, "") is None, "who has no digest finds nobody"


PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
)


@given(PARTS, PARTS)
def test_the_same_inputs_have_the_same_digest_and_others_another_one(one: object, other: object) -> None:
    assert digest_of(["stack", one]) == digest_of(["stack", one])
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest_of(["stack", one]) == digest_of(["stack", other])) is same


def test_the_order_of_a_map_has_no_say() -> None:
    assert digest_of([{"commit": 1, "image": 2}]) == digest_of([{"image": 2, "commit": 1}])
