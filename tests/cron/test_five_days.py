"""Five days of the source server: what is stored, mailed and fed each day, and a vote from a mail that tells on the next."""

import re
import urllib.request
from contextlib import closing
from datetime import date

import pytest

from app import watching
from app.services import Services
from app.voting import cast, look
from data.library import mark
from tests.cron.inbox import inbox
from tests.cron.jobs import TO, JobHome, World

pytestmark = [pytest.mark.shared, pytest.mark.slow]

DAYS = ["2025-11-19", "2025-11-20", "2025-11-21", "2025-11-24", "2025-11-25"]
"""Wednesday to Tuesday, with a weekend in between; the last has nothing new."""
MORE = '[serve]\npublic_url = "https://papers.example.org"\n\n'
VOTE = re.compile(r"https://papers\.example\.org/vote/([\w.-]+)")


def announced(source_server):
    """The papers that arXiv's feed names as new today."""
    with urllib.request.urlopen(f"{source_server.url}/rss.arxiv.org/rss/cs.CL", timeout=60) as answer:
        feed = answer.read().decode()
    items = re.findall(r"<guid[^>]*>oai:arXiv.org:(\S+?)v\d+</guid>.*?announce_type>([a-z-]+)<", feed, re.S)
    return {number for number, kind in items if kind in ("new", "cross")}


def a_day(home, source_server, day):
    """Run the job of a day; the papers that arXiv announced, and the mails that came."""
    source_server.reset(day)
    home.day = day
    before = len(home.world.mail.mails)
    home.run()
    return announced(source_server), home.world.mail.mails[before:]


def order(home, day):
    with closing(Services(home.frontier())) as services:
        return [ranked.paper.key for ranked in services.feed(day=date.fromisoformat(day), k=1000).ranked]


def like_four_near(home, paper_id):
    """Like four papers of a paper's area by hand: with a fifth, the area has a model of the user's taste."""
    [(area,)] = home.rows(f"SELECT area FROM area_scores WHERE paper_id = {paper_id} ORDER BY score DESC LIMIT 1")
    of_area = f"SELECT paper_id FROM area_scores WHERE area = '{area}' AND paper_id != {paper_id}"
    with closing(home.frontier().open_store()) as store:
        likes = [i for (i,) in home.rows(f"{of_area} ORDER BY score DESC LIMIT 4")]
        mark(store, likes, "like", now=home.frontier().now())


def test_five_days(tmp_path, source_server):
    with inbox() as mail:
        home = JobHome(tmp_path / "home", World(sources=source_server.url, mail=mail), more=MORE)
        bodies, fed = [], set()
        for day in DAYS:
            papers, mails = a_day(home, source_server, day)
            stored = home.rows(f"SELECT source_id FROM sightings WHERE source = 'arxiv' AND day = '{day}'")
            assert bool(papers) == (day != DAYS[-1])
            assert {number for (number,) in stored} >= papers

            [sent] = mails  # one a day, also when it is quiet
            assert str(sent["To"]) == TO
            assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            bodies.append(sent.get_body(("plain",)).get_content())
            delivered = home.rows(f"SELECT paper_id FROM delivered_papers WHERE day = '{day}'")
            assert bool(delivered) == bool(papers)

            entries = home.feeds()
            assert entries["day.atom"] == entries["day.rss"] == entries["day.json"]
            assert fed <= set(entries["area-architectures.atom"])  # ids stay
            fed = set(entries["area-architectures.atom"])

            if day == DAYS[0]:
                watching.add(home.frontier(), "search", "large language models")
            if day == DAYS[1]:
                assert home.rows("SELECT kind FROM events")
                token = VOTE.findall(bodies[1])[0]
                like_four_near(home, look(home.frontier(), token).paper_id)
                other = home.copy(tmp_path / "other")
                vote = cast(home.frontier(), token)
                assert (vote.outcome, vote.vote.kind) == ("counted", "like")
            if day == DAYS[2]:
                a_day(other, source_server, day)
                assert sorted(order(home, day)) == sorted(order(other, day))
                assert order(home, day) != order(other, day)

        assert "nothing new" in str(mail.mails[-1]["Subject"])
        assert len(mail.ids) == len(DAYS) == len(mail.mails) - 1  # the other home's has the same id as this one's
        twice = home.rows("SELECT paper_id FROM delivered_papers GROUP BY 1 HAVING count(*) > 1")
        assert twice == []
