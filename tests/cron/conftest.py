"""Made-up ranked papers and source runs for the digest."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cron.digest import Digest, Interests, Rising, build_digest
from cron.profiles import Window
from data.papers import Paper, SourceRun
from data.watching import Event
from ranking.feed import Ranked, Reason

MONDAY = date(2025, 11, 24)
NOW = datetime(2025, 11, 24, 6, 30, tzinfo=UTC)
TITLES = {"architectures": "Architectures", "learning": "Learning", "datasets": "Datasets"}

_ABSTRACT = (
    "We study how far a made-up method goes when nothing but its name is known, and find that it goes about as far as "
    "one would think. On three benchmarks that do not exist it is better than the two baselines that we invented, by "
    "a margin that we chose. An ablation shows which of its parts can be left out without anybody noticing. A short "
    "analysis says why that should not surprise. The code and the settings of all runs are given to those who ask."
)


def ranked(paper_id: int, *, area: str = "architectures", score: float = 0.8, **changes: Any) -> Ranked:
    """A ranked paper; `changes` are fields of its Paper, or signals, mentions and reasons."""
    signals = changes.pop("signals", {})
    mentions = changes.pop("mentions", 0)
    reasons = changes.pop("reasons", None)
    fields: dict[str, Any] = {
        "id": paper_id,
        "key": f"arxiv:2511.{paper_id:05}",
        "title": f"Made-up Method {paper_id}: Learning What Nobody Asked",
        "abstract": _ABSTRACT,
        "authors": ("Ada Example", "Bo Sample", "Chen Li", "Dana Muster", "Eve Model", "Finn Probe"),
        "day": MONDAY,
        "url": f"https://arxiv.org/abs/2511.{paper_id:05}",
    }
    heat = ", ".join(f"{value:.0f} {name}" for name, value in signals.items()) or "no attention yet"
    default = (
        Reason(signal="relevance", value=score, weight=1.0, contribution=score, text=f"{area.title()} {score:.0%}"),
        Reason(signal="freshness", value=1.0, weight=0.3, contribution=0.1, text="announced that day"),
        Reason(signal="attention", value=0.4 if signals else 0.0, weight=0.5, contribution=0.05, text=heat),
    )
    return Ranked(
        paper=Paper(**{**fields, **changes}),
        score=score,
        area=area,
        area_scores={area: score},
        reasons=default if reasons is None else reasons,
        signals=signals,
        mentions=mentions,
    )


def source_run(source: str, verdict: str = "fresh", *, days_ago: int = 0, **report: Any) -> SourceRun:
    """The last run of a source, on the digest's day or before."""
    return SourceRun(source=source, started_at=NOW - timedelta(days=days_ago), verdict=verdict, report=report)


ALL_WELL = (source_run("arxiv"), source_run("cvf", "quiet"), source_run("hf_daily"))


def digest_of(ranked_by_area: dict[str, list[Ranked]], **changes: Any) -> Digest:
    """A digest of Monday with sensible values for all that `changes` does not name."""
    given: dict[str, Any] = {
        "runs": ALL_WELL,
        "already_sent": set(),
        "per_area": 5,
        "announced": sum(len(papers) for papers in ranked_by_area.values()),
    }
    if "window" not in changes:
        day = changes.pop("day", MONDAY)
        given["window"] = Window(first=day, last=day)
    said = {name: changes.pop(name) for name in ("titles", "best", "explore") if name in changes}
    interests = Interests(**{"ranked": ranked_by_area, "titles": TITLES, **said})
    return build_digest(interests=interests, **{**given, **changes})


def an_event(event_id: int = 1, *, paper_id: int = 1, **changes: Any) -> tuple[Event, Paper | None]:
    """Something that happened to a watched paper, with the paper."""
    given: dict[str, Any] = {
        "kind": "accepted",
        "subject": f"subject {event_id}",
        "at": NOW - timedelta(hours=3),
        "text": f"“Paper {paper_id}” was accepted at CVPR 2026",
        "evidence": {},
        "watch": ("paper", f"p{paper_id}"),
    }
    event = Event(id=event_id, paper_id=paper_id, **{**given, **changes})
    return event, ranked(paper_id).paper


RISING = Rising(
    name="flow, matching, straight",
    what="papers",
    shares=(0.01, None, 0.02, 0.015, 0.03, 0.04),
    said="1.0% to 4.0% of all papers in 6 weeks, odds ×4.1 (2.0 to 8.4)",
)


@pytest.fixture(name="an_event")
def _an_event() -> Callable[..., tuple[Event, Paper | None]]:
    return an_event


@pytest.fixture(name="rising")
def _rising() -> Rising:
    return RISING


@pytest.fixture(name="ranked")
def _ranked() -> Callable[..., Ranked]:
    return ranked


@pytest.fixture(name="source_run")
def _source_run() -> Callable[..., SourceRun]:
    return source_run


@pytest.fixture(name="digest_of")
def _digest_of() -> Callable[..., Digest]:
    return digest_of


@pytest.fixture(name="a_digest")
def _a_digest() -> Digest:
    """A usual day: two areas, four papers."""
    return digest_of(
        {
            "architectures": [ranked(1, score=0.9, signals={"upvotes": 312}), ranked(2, score=0.7)],
            "learning": [
                ranked(3, area="learning", score=0.8, code_urls=("https://github.com/example/code",)),
                ranked(4, area="learning", score=0.6, venue="CVPR 2025"),
            ],
        },
        announced=431,
    )


@pytest.fixture(scope="module")
def authority():
    import trustme

    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority):
    """A client's context that trusts the authority of these tests only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture
def serve(authority):
    """Start a server: `serve(inbox, tls="starttls"|"tls"|"none", login=...)` gives its part of the configuration."""
    from tests.cron.smtp import Loopback, check_login, config

    with contextlib.ExitStack() as stack:

        def start(inbox, *, tls="starttls", login=False, name="localhost"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(name).configure_cert(context)
            options = {"tls": {"ssl_context": context}, "starttls": {"tls_context": context, "require_starttls": True}}
            given = options.get(tls, {})
            if login:
                given |= {"authenticator": check_login, "auth_require_tls": tls == "starttls"}
            server = Loopback(inbox, hostname="127.0.0.1", port=0, **given)
            server.start()
            stack.callback(server.stop)
            return config(server.port, smtp_security=tls, smtp_user="me" if login else "")

        yield start
