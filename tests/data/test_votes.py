"""Tokens of votes: what is signed comes back, and nothing else does; each acts once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import votes
from data.errors import FrontierError
from data.library import kinds_of, mark, unmark
from data.reader import Reader
from data.votes import GOOD_FOR, LONGEST_TOKEN, VOTES, Vote, VoteRefused
from tests.conftest import NOW

KEY, OTHER = b"k" * 32, b"o" * 32
VOTE = Vote(profile="default", paper="arxiv:2511.00001", kind="like", day=date(2025, 11, 24), issued=NOW)


def test_a_token_says_what_was_signed():
    for kind in VOTES:
        vote = replace(VOTE, kind=kind)
        token = votes.sign(KEY, vote)
        assert votes.read(KEY, token, now=NOW) == vote
        assert len(token) < 200
        assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()  # as it is in an address


@given(st.text(max_size=50), st.text(max_size=300))
def test_names_of_every_kind(profile, paper):
    vote = replace(VOTE, profile=profile, paper=paper)
    assert votes.read(KEY, votes.sign(KEY, vote), now=NOW) == vote


def test_it_is_good_for_sixty_days():
    token = votes.sign(KEY, VOTE)
    assert votes.read(KEY, token, now=NOW + GOOD_FOR) == VOTE
    assert votes.read(KEY, token, now=NOW - timedelta(days=1)) == VOTE  # a clock that was put back
    with pytest.raises(VoteRefused, match="a vote is good for 60 days") as caught:
        votes.read(KEY, token, now=NOW + GOOD_FOR + timedelta(seconds=1))
    assert caught.value.why == "expired"


def test_forged_tokens_are_refused():
    token = votes.sign(KEY, VOTE)
    unsubscribe = votes.sign_unsubscribe(KEY, "default")
    changed = [token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :] for n in range(len(token) - 1)]
    for odd in (
        *changed,
        token[:-3],
        token + "A" * 8,
        "",
        ".",
        "...",
        "ä" * 30,
        "\x00",
        "A" * (LONGEST_TOKEN + 1),
        unsubscribe,
    ):
        with pytest.raises(VoteRefused) as caught:
            votes.read(KEY, odd, now=NOW)
        assert caught.value.why == "forged"
        assert "\n" not in str(caught.value)
    with pytest.raises(VoteRefused):
        votes.read(OTHER, token, now=NOW)
    assert issubclass(VoteRefused, FrontierError)


@given(st.text(max_size=200))
def test_any_text_is_refused_in_one_line(text):
    for read in (lambda: votes.read(KEY, text, now=NOW), lambda: votes.read_unsubscribe(KEY, text)):
        with pytest.raises(VoteRefused):
            read()


def test_what_is_signed_but_no_vote_is_refused():
    for said in ([1, 2], ["p", "a", "love", "2025-11-24"], ["p", "a", "like", "soon"], "x", {"a": 1}):
        token = votes._timed(KEY, lambda: int(NOW.timestamp())).dumps(said)
        with pytest.raises(VoteRefused):
            votes.read(KEY, str(token), now=NOW)


def test_unsubscribe_tokens_stay_the_same_and_are_no_votes():
    token = votes.sign_unsubscribe(KEY, "lab")
    assert token == votes.sign_unsubscribe(KEY, "lab")
    assert votes.read_unsubscribe(KEY, token) == "lab"
    for odd in (votes.sign(KEY, VOTE), token[:-1], "", "x.y"):
        with pytest.raises(VoteRefused):
            votes.read_unsubscribe(KEY, odd)


def test_votes_that_cannot_be():
    with pytest.raises(ValueError, match="no vote: 'read'"):
        replace(VOTE, kind="read")
    with pytest.raises(ValueError, match="must be in UTC"):
        replace(VOTE, issued=datetime(2025, 11, 24))  # noqa: DTZ001


@pytest.fixture
def voted(store, record):
    """A store with one paper."""
    store.put("arxiv", [record("2511.00001", title="One paper about votes")], now=NOW)
    return store


def test_a_token_acts_once_also_after_the_user_undid_it(voted):
    reader = Reader(voted.path)
    token, paper = votes.sign(KEY, VOTE), 1
    assert votes.used(reader, token) is None
    assert not votes.take_back(voted, token, VOTE, paper, now=NOW)  # it did nothing yet
    mark(voted, [paper], "dislike", now=NOW)
    assert votes.use(voted, token, VOTE, paper, now=NOW)
    assert kinds_of(reader, [paper]) == {paper: ["like"]}  # a like takes the dislike away
    unmark(voted, [paper], "like")
    assert not votes.use(voted, token, VOTE, paper, now=NOW + timedelta(hours=1))
    assert kinds_of(reader, [paper]) == {}
    assert votes.used(reader, token).at == NOW
    reader.close()


def test_taking_back_acts_once_too(voted):
    reader = Reader(voted.path)
    token, paper = votes.sign(KEY, VOTE), 1
    votes.use(voted, token, VOTE, paper, now=NOW)
    assert votes.take_back(voted, token, VOTE, paper, now=NOW)
    assert kinds_of(reader, [paper]) == {}
    mark(voted, [paper], "like", now=NOW)  # by hand
    assert not votes.take_back(voted, token, VOTE, paper, now=NOW)
    assert not votes.use(voted, token, VOTE, paper, now=NOW)
    assert kinds_of(reader, [paper]) == {paper: ["like"]}
    assert votes.used(reader, token).undone_at == NOW
    reader.close()


def test_no_token_is_kept_as_it_is(voted):
    token = votes.sign(KEY, VOTE)
    votes.use(voted, token, VOTE, 1, now=NOW)
    reader = Reader(voted.path)
    assert token not in str(reader.rows("SELECT * FROM votes"))
    reader.close()


def test_who_wants_no_mail(voted):
    reader = Reader(voted.path)
    assert votes.unsubscribe(voted, "lab", now=NOW)
    assert not votes.unsubscribe(voted, "lab", now=NOW)
    assert votes.unsubscribed(reader) == {"lab"}
    assert votes.resubscribe(voted, "lab")
    assert not votes.resubscribe(voted, "lab")
    assert votes.unsubscribed(reader) == set()
    reader.close()
