"""Votes by mail: tokens in subjects, and what is no vote."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from crawler.source import Page, SourceOff, Window
from crawler.sources.mailbox import MOST, Ballot, MailboxSource, ballots, from_config
from data.errors import ConfigError

LIKE = (Path(__file__).parent.parent / "fixtures" / "mailbox_like.eml").read_bytes()
TOKEN = "WyJkZWZhdWx0IiwiYXJ4aXY6MjUxMS4wMDAwMSIsImxpa2UiLCIyMDI1LTExLTI0Il0.aSQ.bWFkZS11cA"


def test_a_vote_is_in_the_subject_and_what_the_text_quotes_is_none():
    assert ballots(LIKE) == [Ballot(kind="vote", token=TOKEN)]


@pytest.mark.parametrize(
    "subject",
    [
        f"Re: like [frontier-vote:{TOKEN}]",
        f"frontier-vote: {TOKEN}",
        f"=?utf-8?B?{b64encode(f'赞 [frontier-vote:{TOKEN}]'.encode()).decode()}?=",
        f"=?utf-8?Q?like_[frontier-vote:{TOKEN[:30]}?=\n =?utf-8?Q?{TOKEN[30:]}]?=",  # a word of more than 75 characters
        f"like [frontier-vote:{TOKEN}] [frontier-vote:{TOKEN}]",
    ],
)
def test_subjects_as_programs_write_them(subject):
    assert ballots(f"Subject: {subject}\n\nhello".encode()) == [Ballot(kind="vote", token=TOKEN)]


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"Subject: lunch\n\nAt noon.",
        b"Subject: [frontier-vote:short]\n\n",
        b"Subject: =?no-such-charset?Q?frontier-vote?=\n\n",
        b"Subject: \xff\xfe\n\n",
        b"\n\n[frontier-vote:" + TOKEN.encode() + b"]",
        b"X: " + b"y" * 100_000,
    ],
)
def test_other_mails_are_no_votes(mail):
    assert ballots(mail) == []


def test_unsubscribing_and_a_subject_of_too_many():
    assert ballots(f"Subject: unsubscribe [frontier-unsubscribe:{TOKEN}]\n\n".encode())[0].kind == "unsubscribe"
    many = " ".join(f"[frontier-vote:{TOKEN}{n}]" for n in range(MOST + 5))
    assert len(ballots(f"Subject: {many}\n\n".encode())) == MOST


def test_it_asks_for_subjects_and_yields_no_records(tmp_path):
    source = from_config({"host": "imap.example.org", "user": "ada"}, {"FRONTIER_IMAP_PASSWORD": "x"})
    assert (source.options.subject, source.options.sender, source.password) == ("frontier-", "", "x")
    page = Page(fetch=None, url="", body=LIKE, fetched_at=None)
    assert list(source.requests({}, Window(now=None))) == list(source.parse(page)) == list(source.failed(None)) == []
    assert isinstance(from_config({"path": str(tmp_path)}, {}), MailboxSource)


def test_what_it_lacks_is_named():
    with pytest.raises(SourceOff, match=r"set \[sources\.mailbox\] path"):
        from_config({}, {})
    with pytest.raises(SourceOff, match="needs FRONTIER_IMAP_PASSWORD"):
        from_config({"host": "imap.example.org", "user": "ada"}, {})
    with pytest.raises(ConfigError, match=r"sources\.mailbox\.subject: unknown key"):
        from_config({"subject": "x"}, {})
