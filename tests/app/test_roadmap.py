"""The Roadmap page: landmarks in order of time, the new papers nearest to each, and who cites it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.presenters_roadmap import news_line, road
from app.roadmap import CITING, LEAST_COSINE, NEAREST, Landmark, Road, roadmap
from app.services import Services
from app.wiring import Frontier
from data.papers import Paper
from tests.app import made_up
from tests.app.test_pages import html, open_page  # noqa: F401

Open = Callable[..., AppTest]


def services(home: Path) -> Services:
    return Services(Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": made_up.NOW.isoformat()}))


@pytest.fixture(scope="module")
def found(made_up_home: Path) -> Road:
    opened = services(made_up_home)
    answer = roadmap(opened, ["architectures", "rl"])
    opened.close()
    return answer


def test_landmarks_stand_in_order_of_time(found: Road) -> None:
    for marks in found.areas.values():
        years = [m.paper.year or 0 for m in marks if m.paper]
        assert len(years) > 10
        assert years == sorted(years)


def test_beside_a_landmark_stand_new_papers_nearest_first(found: Road) -> None:
    assert (found.since, found.until) == (made_up.day_of(28), made_up.TODAY)
    beside = [m.near for marks in found.areas.values() for m in marks if m.near]
    assert beside
    for near in beside:
        cosines = [cosine for _, cosine in near]
        assert len(near) <= NEAREST
        assert cosines == sorted(cosines, reverse=True)
        assert min(cosines) >= LEAST_COSINE
        assert all(p.day is not None and found.since <= p.day <= made_up.TODAY for p, _ in near)  # type: ignore[operator]


def test_a_landmark_that_the_store_lacks_comes_last_and_says_how_to_get_it(tmp_path: Path) -> None:
    home = made_up.starter_only(tmp_path)
    (home / "frontier.toml").write_text(
        '[areas.robots]\ndescription = "Robots"\nlandmarks = ["arxiv:2212.06817", "arxiv:1512.03385"]\n', "utf-8"
    )
    opened = services(home)
    answer = roadmap(opened, ["robots"])
    opened.close()
    assert [m.asked for m in answer.areas["robots"]] == ["arxiv:1512.03385", "arxiv:2212.06817"]
    shown = road(answer.areas["robots"])
    assert "1 landmark not in the store: <code>arxiv:2212.06817</code>" in shown
    assert "frontier show --fetch" in shown
    assert "frontier up" in news_line(answer)


def test_what_papers_say_is_escaped() -> None:
    mark = Paper(id=1, key="arxiv:1", title=made_up.HOSTILE_TITLES[0], authors=(f"Eve {made_up.SCRIPT}",) * 3000)
    near = Paper(id=2, key="arxiv:2", title="Whole" * 400, day=made_up.TODAY)
    missing = Landmark(asked=made_up.SCRIPT, paper=None, near=())
    out = road([Landmark(asked="arxiv:1", paper=mark, near=[(near, 0.61)]), missing])
    assert "<script" not in out
    assert "<img" not in out
    assert "61%" in out
    assert len(out) < 5000


def test_who_cites_a_landmark_is_said() -> None:
    papers = [Paper(id=n, key=f"arxiv:{n}", title=f"Title {n}", day=made_up.TODAY) for n in range(6)]
    mark = Landmark(
        asked="arxiv:0", paper=papers[0], near=[(papers[1], 0.7), (papers[2], 0.6)], citing=papers[3:5],
        cited_by=frozenset({2, 3, 4, 5}),
    )  # fmt: skip
    out = road([mark])
    assert [line.count("cites it") for line in out.split("<li")[2:]] == [0, 1, 1, 1, 1]
    assert "70% alike · Mon" in out
    assert "60% alike · cites it" in out
    assert "1 other paper of the store cites it" in out


def test_citing_papers_come_from_the_store(tmp_path: Path) -> None:
    home = made_up.fill(tmp_path, with_hostile=False)
    opened = services(home)
    landmark = opened.reader.lookup("arxiv:1512.03385")
    with closing(sqlite3.connect(home / "papers.sqlite")) as db, db:
        by = [i for (i,) in db.execute("SELECT id FROM papers WHERE id != ? ORDER BY id DESC LIMIT 9", (landmark,))]
        rows = [(i, landmark, "made up", made_up.NOW.isoformat()) for i in by]
        db.executemany("INSERT INTO citations (citing, cited, source, seen_at) VALUES (?, ?, ?, ?)", rows)
    marks = roadmap(opened, ["architectures"]).areas["architectures"]
    opened.close()
    [mark] = [m for m in marks if m.paper and m.paper.id == landmark]
    assert mark.cited_by == set(by)
    assert len(mark.citing) == CITING
    assert not {p.id for p in mark.citing} & {p.id for p, _ in mark.near}


# ---- the page


def test_each_lane_is_a_choice_of_its_own(open_page: Open, made_up_home: Path) -> None:  # noqa: F811
    app = open_page(made_up_home, "roadmap", area="learning")  # its first lane
    assert "Q-learning" in html(app)
    assert "Generative Adversarial Nets" not in html(app)
    assert "Generative Adversarial Nets" in html(open_page(made_up_home, "roadmap", area="generative"))


def test_a_landmark_leads_to_its_paper(open_page: Open, made_up_home: Path) -> None:  # noqa: F811
    page = html(open_page(made_up_home, "roadmap", area="optimizers"))
    assert 'href="./paper?id=arxiv%3A1412.6980"' in page  # Adam
    assert "Q-learning" not in page


def test_the_area_is_chosen_in_the_address(open_page: Open, made_up_home: Path) -> None:  # noqa: F811
    app = open_page(made_up_home, "roadmap", area="<script>")
    assert app.segmented_control[0].value == "architectures"
    app.segmented_control[0].set_value("datasets").run()
    assert app.query_params["area"] in ("datasets", ["datasets"])
    assert "ImageNet" in html(app)


def test_the_starter_set_alone_is_a_roadmap(open_page: Open, starter_home: Path) -> None:  # noqa: F811
    page = html(open_page(starter_home, "roadmap"))
    assert "Deep Residual Learning" in page
    assert "frontier up" in page


def test_without_a_store_it_says_what_to_run(open_page: Open, tmp_path: Path) -> None:  # noqa: F811
    assert "frontier up" in html(open_page(tmp_path, "roadmap"))
