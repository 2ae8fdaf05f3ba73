"""Votes from a mail: the links it carries, and what each does when it comes back."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from click.testing import CliRunner

from app import voting
from app.cli import cli, run
from app.jobs import crawl
from app.keys import signing_key
from app.wiring import Frontier
from crawler.sources.mailbox import ballots
from data import votes
from data.errors import ConfigError
from data.library import kinds_of, mark, unmark
from data.votes import VOTES, VoteRefused
from tests.app.made_up import HOSTILE_TITLES, NOW, TODAY
from tests.crawler.imap import TinyImap

PUBLIC = '[serve]\npublic_url = "https://papers.example.org/f/"\n'
BY_MAIL = '[digest]\nsender = "Frontier <me@example.org>"\n[sources.mailbox]\nenabled = true\npath = "mails"\n'


def frontier_of(home: Path, now=NOW) -> Frontier:
    return Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": now.isoformat()})


def configured(home: Path, toml: str) -> Frontier:
    (home / "frontier.toml").write_text(toml, "utf-8")
    return frontier_of(home)


def papers_of(frontier, *names):
    reader = frontier.open_reader()
    try:
        return reader.papers([reader.lookup(name) for name in names or ("arxiv:2511.00001",)])
    finally:
        reader.close()


def links_of(frontier, *names, profile="default"):
    return voting.vote_links(frontier, profile=profile, day=TODAY, papers=papers_of(frontier, *names))


def links_of_one(frontier):
    [of] = links_of(frontier).values()
    return of


def tokens(frontier, *names):
    """Kind to token, of the first paper."""
    [found, *_] = links_of(frontier, *names).values()
    return {kind: link.rpartition("/")[2] for kind, link in found.items()}


def library(frontier, name="arxiv:2511.00001"):
    reader = frontier.open_reader()
    try:
        paper = reader.lookup(name)
        return kinds_of(reader, [paper]).get(paper, [])
    finally:
        reader.close()


# ---- links -----------------------------------------------------------------------------------------------------------


def test_without_a_way_back_there_are_no_links(own_home):
    frontier = frontier_of(own_home)
    assert links_of(frontier) == {}
    assert voting.unsubscribe_link(frontier, "default") == ""
    assert not (own_home / "key").exists()


def test_links_to_the_public_address(own_home):
    frontier = configured(own_home, PUBLIC + BY_MAIL)
    found = links_of(frontier, "arxiv:2511.00001", "arxiv:2511.00002", profile="lab")
    assert len(found) == 2
    for of in found.values():
        assert tuple(of) == VOTES
        for kind, link in of.items():
            assert re.fullmatch(r"https://papers\.example\.org/f/vote/[A-Za-z0-9_.\-]+", link)
            vote = votes.read(signing_key(frontier.home), link.rpartition("/")[2], now=NOW)
            assert (vote.kind, vote.profile, vote.day, vote.issued) == (kind, "lab", TODAY, NOW)
    assert voting.unsubscribe_link(frontier, "lab").startswith("https://papers.example.org/f/unsubscribe/")


def test_links_that_send_a_mail(own_home):
    frontier = configured(own_home, BY_MAIL)
    of = links_of_one(frontier)
    for kind, link in of.items():
        assert link.isascii()
        parts = urlsplit(link)
        fields = parse_qs(parts.query)
        assert (parts.scheme, parts.path) == ("mailto", "me@example.org")
        assert fields["subject"][0].startswith(f"{kind} [frontier-vote:")
        assert fields["body"] == ["Mixture-of-Depths Attention for Long-Context Vision Transfor"]
        [ballot] = ballots(f"Subject: Re: {fields['subject'][0]}\n\n".encode())
        assert voting.look(frontier, ballot.token).vote.kind == kind
    assert voting.unsubscribe_link(frontier, "default").startswith("mailto:me@example.org?subject=unsubscribe%20%5B")
    other = configured(own_home, BY_MAIL.replace("[sources", 'votes_to = "votes@example.org"\n[sources'))
    assert links_of_one(other)["like"].startswith("mailto:votes@example.org?")


def test_an_address_that_is_none_is_named(own_home):
    frontier = configured(own_home, BY_MAIL.replace("[sources", 'votes_to = "nobody"\n[sources'))
    with pytest.raises(ConfigError, match=r"digest\.votes_to: not an address: 'nobody'"):
        links_of(frontier)


def test_hostile_titles_stay_in_the_text_of_a_link(made_up_home, tmp_path):
    import shutil

    shutil.copytree(made_up_home, tmp_path / "home")
    frontier = configured(tmp_path / "home", BY_MAIL)
    names = [f"openreview:hostile00{n}" for n in range(len(HOSTILE_TITLES))]
    for of in links_of(frontier, *names).values():
        for link in of.values():
            assert re.fullmatch(r"mailto:me@example\.org\?subject=[A-Za-z0-9_.%~-]+&body=[A-Za-z0-9_.%~-]+", link)
            assert set(parse_qs(urlsplit(link).query)) == {"subject", "body"}
            assert "\n" not in unquote(link)


def test_a_long_name_of_a_paper_is_not_carried(own_home, record):
    frontier = configured(own_home, PUBLIC)
    store = frontier.open_store()
    store.put("import", [record(source="import", source_id="x" * 900, title="Known by a long name only")], now=NOW)
    reader = frontier.open_reader()
    paper = next(p for p in reader.every_paper() if p.title.startswith("Known by a long"))
    reader.close()
    store.close()
    link = voting.vote_links(frontier, profile="default", day=TODAY, papers=[paper])[paper.id]["like"]
    assert len(link) < 300
    assert voting.cast(frontier, link.rpartition("/")[2]).paper_id == paper.id


# ---- casting ---------------------------------------------------------------------------------------------------------


def test_a_vote_does_what_the_command_does(own_home):
    frontier = configured(own_home, PUBLIC)
    token = tokens(frontier)
    assert voting.look(frontier, token["dislike"]).outcome == "waiting"
    assert library(frontier) == []  # to look changes nothing
    done = voting.cast(frontier, token["dislike"])
    assert (done.outcome, done.line.partition(":")[0]) == ("counted", "disliked")
    assert library(frontier) == ["dislike"]
    voting.cast(frontier, token["like"])
    assert library(frontier) == ["like"]
    for kind in ("save", "hide"):
        voting.cast(frontier, token[kind])
    assert library(frontier) == ["hide", "like", "save"]


def test_a_replayed_vote_changes_nothing_also_after_it_was_undone_by_hand(own_home):
    frontier = configured(own_home, PUBLIC)
    token = tokens(frontier)["like"]
    voting.cast(frontier, token)
    store, [paper] = frontier.open_store(), papers_of(frontier)
    unmark(store, [paper.id], "like")
    mark(store, [paper.id], "dislike", now=NOW)
    store.close()
    again = voting.cast(frontier, token)
    assert (again.outcome, again.line.partition(":")[0]) == ("already", "counted already")
    assert library(frontier) == ["dislike"]


def test_a_vote_can_be_taken_back_once(own_home):
    frontier = configured(own_home, PUBLIC)
    token = tokens(frontier)["save"]
    assert voting.take_back(frontier, token).outcome == "nothing"
    voting.cast(frontier, token)
    assert voting.take_back(frontier, token).outcome == "undone"
    assert library(frontier) == []
    assert voting.take_back(frontier, token).outcome == "nothing"
    assert voting.cast(frontier, token).line.startswith("counted already and taken back")
    assert library(frontier) == []


def test_a_vote_for_a_merged_paper_reaches_the_one_that_was_kept(own_home):
    frontier = configured(own_home, PUBLIC)
    token = tokens(frontier, "arxiv:2511.00002")["like"]
    one, other = (p.id for p in papers_of(frontier, "arxiv:2511.00001", "arxiv:2511.00002"))
    store = frontier.open_store()
    store.merge(one, other, now=NOW)
    store.close()
    assert voting.cast(frontier, token).paper_id == one
    assert library(frontier) == ["like"]


def test_a_vote_for_a_paper_that_is_gone_says_so(own_home):
    frontier = configured(own_home, PUBLIC)
    token = tokens(frontier)["like"]
    for path in own_home.glob("papers.sqlite*"):
        path.unlink()
    frontier.open_store().close()
    with pytest.raises(VoteRefused, match=r"the paper arxiv:2511\.00001 is no longer in the store") as caught:
        voting.cast(frontier, token)
    assert caught.value.why == "gone"


def test_forged_and_expired_votes_are_refused(own_home):
    frontier = configured(own_home, PUBLIC)
    token = tokens(frontier)["like"]
    later = frontier_of(own_home, NOW + timedelta(days=61))
    with pytest.raises(VoteRefused, match="a vote is good for 60 days"):
        voting.cast(later, token)
    with pytest.raises(VoteRefused, match="no vote of Frontier's"):
        voting.cast(frontier, "AB"[token.startswith("A")] + token[1:])  # of the last character, some bits say nothing
    (own_home / "key").unlink()
    with pytest.raises(VoteRefused):  # another key: every link that was given out ends
        voting.cast(frontier, token)
    assert library(frontier) == []


# ---- unsubscribing ---------------------------------------------------------------------------------------------------


def test_unsubscribing_is_remembered_until_the_command_undoes_it(own_home, monkeypatch):
    frontier = configured(own_home, PUBLIC + '[digest]\nto = "me@example.org"\n')
    token = voting.unsubscribe_link(frontier, "default").rpartition("/")[2]
    assert voting.unsubscribed(frontier) == set()
    assert voting.unsubscribe(frontier, token) == voting.unsubscribe(frontier, token) == "default"
    assert voting.unsubscribed(frontier) == {"default"}
    with pytest.raises(VoteRefused):
        voting.unsubscribe(frontier, tokens(frontier)["like"])
    environment = {"FRONTIER_HOME": str(own_home), "FRONTIER_NOW": NOW.isoformat()}
    for said in ("default: mails are sent again", "default was not unsubscribed"):
        done = CliRunner().invoke(cli, ["digest", "--resubscribe", "default"], env=environment)
        assert said in done.stderr
    assert voting.unsubscribed(frontier) == set()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run(["digest", "--resubscribe", "nobody"]) == 2


# ---- by mail ---------------------------------------------------------------------------------------------------------


def mail_of(link: str) -> bytes:
    """The mail that a program sends for a mailto: link."""
    fields = parse_qs(urlsplit(link).query)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "me@example.org", unquote(urlsplit(link).path), fields["subject"][0]
    mail.set_content(fields.get("body", [""])[0])
    return mail.as_bytes()


@pytest.fixture
def imap(monkeypatch, tmp_path_factory):
    server = TinyImap(mails={})
    trusted = tmp_path_factory.mktemp("ca") / "ca.pem"
    server.authority.cert_pem.write_to_path(trusted)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    yield server
    server.close()


def test_votes_come_back_over_imap(own_home, imap):
    toml = (
        '[digest]\nvotes_to = "votes@example.org"\n[sources.mailbox]\nenabled = true\nhost = "127.0.0.1"\n'
        f'port = {imap.port}\nuser = "reader"\n'
    )
    (own_home / "frontier.toml").write_text(toml, "utf-8")
    environment = {"FRONTIER_HOME": str(own_home), "FRONTIER_IMAP_PASSWORD": "open sesame"}
    frontier = Frontier({**environment, "FRONTIER_NOW": NOW.isoformat()})
    links = links_of_one(frontier)
    old = Frontier({**environment, "FRONTIER_NOW": (NOW - timedelta(days=61)).isoformat()})
    quoting = EmailMessage()
    quoting["Subject"] = "Re: Frontier, 24 November"
    quoting.set_content("Thanks!\n\n> " + "\n> ".join(links.values()))
    imap.mails = {
        1: mail_of(links["like"]),
        2: mail_of(links["like"]),
        3: mail_of(links["save"])[:-3] + b"...",
        4: mail_of(links_of_one(old)["hide"]),
        5: b"Subject: like [frontier-vote:" + b"A" * 60 + b"]\n\n",
        6: quoting.as_bytes(),
        7: mail_of(voting.unsubscribe_link(frontier, "default")),
    }
    [report] = crawl(frontier, ["mailbox"]).reports
    assert library(frontier) == ["like", "save"]
    assert voting.unsubscribed(frontier) == {"default"}
    assert 'UID SEARCH SUBJECT "frontier-" SINCE 25-Oct-2025' in imap.said
    assert (report.changed, report.verdict, report.requests) == (3, "fresh", 7)
    assert report.notices[0] == "3 votes counted, 1 counted before, 2 refused"
    assert "mail 4: this vote is of 2025-09-24, and a vote is good for 60 days" in report.notices[1]
    assert "mail 5: this is no vote of Frontier's" in report.notices[2]
    assert report.notices[3] == "1 mails without a vote were passed over"
    assert not any("A" * 20 in text or "open sesame" in text for text in report.notices)
    again = crawl(frontier, ["mailbox"]).reports[0]
    assert (again.requests, again.verdict) == (0, "quiet")


def test_votes_out_of_a_folder_count_once_when_the_cursor_is_lost(own_home, tmp_path):
    mails = tmp_path / "mails"
    mails.mkdir()
    frontier = configured(own_home, BY_MAIL.replace('"mails"', f'"{mails}"'))
    (mails / "1.eml").write_bytes(mail_of(links_of_one(frontier)["hide"]))
    assert crawl(frontier, ["mailbox"]).reports[0].notices == ["1 votes counted, 0 counted before, 0 refused"]
    assert library(frontier) == ["hide"]
    (mails / "2.eml").write_bytes((mails / "1.eml").read_bytes() + b"sent again\n")
    assert crawl(frontier, ["mailbox"]).reports[0].notices == ["0 votes counted, 1 counted before, 0 refused"]


def test_it_is_off_until_it_is_told_where_to_read(own_home):
    report = crawl(configured(own_home, "[sources.mailbox]\nenabled = true\n"), ["mailbox"]).reports[0]
    assert report.verdict == "off"
    assert "set [sources.mailbox] path" in report.off
