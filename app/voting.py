"""Votes from a mail: the links that a mail carries, and what happens when one comes back.

With `[serve] public_url` they are addresses of `frontier serve`; without it, where `[sources.mailbox]` is on, they are
mailto: addresses (RFC 6068), and `frontier crawl mailbox` reads what was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from app.keys import signing_key
from app.wiring import Frontier
from cron.addresses import mailbox
from data import votes
from data.errors import MalformedId, UnknownPaper
from data.library import PAST
from data.votes import VOTES, Vote, VoteRefused

if TYPE_CHECKING:
    from crawler.mailbox import Counted
    from crawler.sources.mailbox import Ballot
    from data.papers import Paper
    from data.reader import Reader

Outcome = Literal["waiting", "counted", "already", "undone", "nothing"]

LONGEST_KEY = 200  # characters of a paper's key that a link carries; longer ones are named by their short key
_TITLE = 60  # characters of a title in a mail that votes


@dataclass(frozen=True, slots=True, kw_only=True)
class CastVote:
    """A vote and what came of it: it waits (was only looked at), was counted, had been counted already, was taken back, or
    there was nothing to take back. `title` is the paper's as it is now."""

    vote: Vote
    title: str
    paper_id: int
    outcome: Outcome
    undone: bool = False  # it was counted, and taken back later

    @property
    def line(self) -> str:
        """It in one line."""
        said = PAST[self.vote.kind]
        match self.outcome:
            case "counted":
                return f"{said}: {self.title}"
            case "already":
                return f"counted already{' and taken back' if self.undone else ''}: {said}: {self.title}"
            case "undone":
                return f"no longer {said}: {self.title}"
            case "nothing":
                return f"nothing to take back: {self.title}"
        return f"{self.vote.kind}: {self.title}"


# ---- the links of a mail ---------------------------------------------------------------------------------------------


def vote_links(frontier: Frontier, *, profile: str, day: date, papers: Sequence[Paper]) -> dict[int, dict[str, str]]:
    """By paper, then by vote, the address that a mail's link leads to; {} where votes cannot come back. Raises
    FrontierError when the home's key cannot be read or made."""
    base, reply_to = frontier.config.serve.public_url.rstrip("/"), _reply_to(frontier)
    if not base and not reply_to:
        return {}
    key, issued = signing_key(frontier.home), frontier.now().replace(microsecond=0)
    links: dict[int, dict[str, str]] = {}
    for paper in papers:
        name = paper.key if len(paper.key) <= LONGEST_KEY else paper.short
        for kind in VOTES:
            token = votes.sign(key, Vote(profile=profile, paper=name, kind=kind, day=day, issued=issued))
            links.setdefault(paper.id, {})[kind] = (
                f"{base}/vote/{token}" if base else _mailto(reply_to, kind, f"vote:{token}", paper.title)
            )
    return links


def unsubscribe_link(frontier: Frontier, profile: str) -> str:
    """The address that switches a profile's mails off, "" where none leads back here. One that is https:// answers the
    one-click POST of RFC 8058, too."""
    base, reply_to = frontier.config.serve.public_url.rstrip("/"), _reply_to(frontier)
    if not base and not reply_to:
        return ""
    token = votes.sign_unsubscribe(signing_key(frontier.home), profile)
    return f"{base}/unsubscribe/{token}" if base else _mailto(reply_to, "unsubscribe", f"unsubscribe:{token}")


def _reply_to(frontier: Frontier) -> str:
    """The address that `frontier crawl mailbox` reads the mails of, "" where it does not. Raises ConfigError."""
    from app.jobs import enabled_sources

    digest = frontier.config.digest
    if "mailbox" not in enabled_sources(frontier):
        return ""
    for key in ("votes_to", "sender", "to"):
        if text := getattr(digest, key):
            return mailbox(text, f"digest.{key}").addr_spec
    return ""


def _mailto(address: str, subject: str, token: str, title: str = "") -> str:
    """The token stands in the subject, which is ASCII, so that no program folds it in a way of its own."""
    shown = " ".join(title.split())[:_TITLE]
    body = f"&body={quote(shown, safe='')}" if shown else ""
    return f"mailto:{quote(address, safe='@')}?subject={quote(f'{subject} [frontier-{token}]', safe='')}{body}"


# ---- what comes back -------------------------------------------------------------------------------------------------


def look(frontier: Frontier, token: str) -> CastVote:
    """What a token would do, or did; changes nothing. Raises VoteRefused, StoreError."""
    vote = votes.read(signing_key(frontier.home), token, now=frontier.now())
    with closing(frontier.open_reader()) as reader:
        paper = _paper(reader, vote)
        before = votes.used(reader, token)
    outcome: Outcome = "waiting" if before is None else "already"
    undone = before is not None and before.undone_at is not None
    return CastVote(vote=vote, title=paper.title, paper_id=paper.id, outcome=outcome, undone=undone)


def cast(frontier: Frontier, token: str) -> CastVote:
    """Do what a vote says as the command of its name does, once per token: a second time changes nothing, also after it was
    taken back. Raises VoteRefused (forged, expired, its paper is gone), StoreError."""
    return _act(frontier, token, undo=False)


def take_back(frontier: Frontier, token: str) -> CastVote:
    """Take back what a vote did, once. Raises VoteRefused, StoreError."""
    return _act(frontier, token, undo=True)


def _act(frontier: Frontier, token: str, *, undo: bool) -> CastVote:
    from dataclasses import replace

    found = look(frontier, token)
    act = votes.take_back if undo else votes.use
    with closing(frontier.open_store()) as store:
        done = act(store, token, found.vote, found.paper_id, now=frontier.now())
    if undo:
        return replace(found, outcome="undone" if done else "nothing", undone=True)
    return replace(found, outcome="counted") if done else look(frontier, token)


def _paper(reader: Reader, vote: Vote) -> Paper:
    try:
        return reader.papers([reader.lookup(vote.paper)])[0]
    except (MalformedId, UnknownPaper, IndexError) as exc:
        raise VoteRefused("gone", f"the paper {vote.paper[:200]} is no longer in the store") from exc


# ---- who wants no mail -----------------------------------------------------------------------------------------------


def unsubscribed(frontier: Frontier) -> set[str]:
    """The profiles whose mails were switched off. Raises StoreError."""
    with closing(frontier.open_reader()) as reader:
        return votes.unsubscribed(reader)


def profile_of(frontier: Frontier, token: str) -> str:
    """The profile that an unsubscribe token is for. Raises VoteRefused."""
    return votes.read_unsubscribe(signing_key(frontier.home), token)


def unsubscribe(frontier: Frontier, token: str) -> str:
    """Switch a profile's mails off, and return its name; a second time changes nothing. Raises VoteRefused, StoreError."""
    profile = profile_of(frontier, token)
    with closing(frontier.open_store()) as store:
        votes.unsubscribe(store, profile, now=frontier.now())
    return profile


def resubscribe(frontier: Frontier, profile: str) -> bool:
    """Switch a profile's mails on again; False when they were. Raises StoreError."""
    with closing(frontier.open_store()) as store:
        return votes.resubscribe(store, profile)


def cast_by_mail(frontier: Frontier, ballot: Ballot) -> tuple[Counted, str]:
    """Do what a token says that came by mail, and tell what came of it. Raises StoreError."""
    try:
        if ballot.kind == "unsubscribe":
            known = profile_of(frontier, ballot.token) in unsubscribed(frontier)
            return "already" if known else "counted", f"no more mails: {unsubscribe(frontier, ballot.token)}"
        done = cast(frontier, ballot.token)
    except VoteRefused as refused:
        return "refused", str(refused)
    return "counted" if done.outcome == "counted" else "already", done.line
