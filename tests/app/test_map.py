"""The map: which papers are on it, what is kept, what the browser is sent, the page, and a click in the browser."""

from __future__ import annotations

import base64
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import mapping, presenters_map
from app.mapping import Making, Map, Region
from app.presenters import Areas
from data.mapped import Pin, venue_years
from data.store import Store
from index.encoders import Vectors
from ranking.layout import Places
from tests.app import made_up
from tests.app.made_up_map import frontier_of, lay_out
from tests.app.running import html

SCRIPT = Path(__file__).resolve().parents[2] / "app" / "dashboard.py"
WEEKS = Region(weeks=4)

Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def mapped_home(made_up_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up store with maps of the weeks and of a venue."""
    home = without_maps(made_up_home, tmp_path_factory.mktemp("mapped"))
    lay_out(frontier_of(home), WEEKS)
    lay_out(frontier_of(home), Region(venue="NeurIPS", year=2025))
    return home


def without_maps(home: Path, folder: Path) -> Path:
    """A copy of a home to write to, before its first map."""
    return Path(shutil.copytree(home, folder / "home", ignore=shutil.ignore_patterns("map")))


@pytest.fixture
def home(mapped_home: Path, tmp_path: Path) -> Path:
    """A copy to write to."""
    return Path(shutil.copytree(mapped_home, tmp_path / "home"))


def looked(home: Path, region: Region) -> Map | None:
    frontier = frontier_of(home)
    with closing(frontier.open_reader()) as reader:
        return mapping.look(frontier, reader, region)


def seen(home: Path, region: Region = WEEKS) -> Map:
    found = looked(home, region)
    assert found is not None
    return found


# ---- what is on a map


def test_the_weeks_end_with_the_latest_day(mapped_home: Path) -> None:
    frontier = frontier_of(mapped_home)
    with closing(frontier.open_reader()) as reader:
        assert mapping.last_day(frontier, reader) == made_up.TODAY
        two, one = (mapping.papers_of(frontier, reader, Region(weeks=n)) for n in (2, 1))
    assert set(one) < set(two)


def test_every_span_shows_a_paper_at_one_place(mapped_home: Path) -> None:
    two, eight = seen(mapped_home, Region(weeks=2)), seen(mapped_home, Region(weeks=8))
    at = {pin.paper_id: tuple(place) for pin, place in zip(eight.pins, eight.places.tolist(), strict=True)}
    assert len(two.pins) > 50
    assert all(at[pin.paper_id] == tuple(place) for pin, place in zip(two.pins, two.places.tolist(), strict=True))


def test_areas_and_attention(mapped_home: Path) -> None:
    found = seen(mapped_home)
    frontier = frontier_of(mapped_home)
    with closing(frontier.open_reader()) as reader:
        scores = reader.area_scores([pin.paper_id for pin in found.pins])
    for pin, area in zip(found.pins, found.area.tolist(), strict=True):
        own = scores[pin.paper_id]
        best = max(own, key=lambda name: own[name])
        assert (found.areas[area] if area < len(found.areas) else "") == (best if own[best] >= 0.5 else "")
    talked = [pin.title for pin, heat in zip(found.pins, found.attention.tolist(), strict=True) if heat == 1]
    assert any("<script>" in title for title in talked)  # 10^9 upvotes
    assert found.attention.min() == 0


def test_hidden_papers_are_not_on_it(home: Path) -> None:
    from data.library import mark

    gone = seen(home).pins[0].paper_id
    with closing(Store(home / "papers.sqlite")) as store:
        mark(store, [gone], "hide", now=made_up.NOW)
    assert gone not in [pin.paper_id for pin in seen(home).pins]


def test_new_papers_are_placed_into_the_old_map(home: Path) -> None:
    frontier = frontier_of(home)
    known = lay_out(frontier, WEEKS, leave=20)
    found = seen(home)
    assert (found.fitted, found.placed) == (len(known), 20)
    assert not found.too_new
    at = {pin.paper_id: place for pin, place in zip(found.pins, found.places.tolist(), strict=True)}
    kept = mapping.layout_of(frontier, WEEKS)
    assert kept is not None
    assert all(at[i] == place for i, place in zip(kept.ids.tolist(), kept.places.tolist(), strict=True) if i in at)
    again = seen(home)
    assert (again.places == found.places).all()
    with np.load(home / "map" / "weeks-new.npz") as file:
        assert len(file["ids"]) == 20


def test_a_map_with_too_much_new_says_so(home: Path) -> None:
    lay_out(frontier_of(home), WEEKS, leave=60)
    found = seen(home)
    assert found.too_new
    assert "laid out anew" in presenters_map.too_new(found)


def test_papers_without_vectors_are_counted(tmp_path: Path) -> None:
    made_up.fill(tmp_path, vectors=False)
    known = lay_out(frontier_of(tmp_path), WEEKS, leave=15)
    found = seen(tmp_path)
    assert found.without == 15
    assert len(found.pins) == len(known)
    assert "15 are not embedded yet" in presenters_map.line(found)


def test_labels_are_the_maps_own_where_papers_have_no_topic(mapped_home: Path) -> None:
    labels = seen(mapped_home).labels
    assert {label.name for label in labels} == {"graphs", "diffusion"}
    assert all(0 <= label.x <= 1 and 0 <= label.y <= 1 for label in labels)


def test_labels_are_topics_where_papers_have_them(home: Path) -> None:
    from data.topics import KeptTopic, put_paper_topics, put_topics, topics_of

    with closing(Store(home / "papers.sqlite")) as store:
        topic = KeptTopic(
            id=0, name="robot, policy, grasp", words=("robot",), centroid=b"", learnt_from=1, born_at=made_up.NOW
        )  # fmt: skip
        put_topics(store, "all-MiniLM-L6-v2", [topic])
        with closing(frontier_of(home).open_reader()) as reader:
            number = topics_of(reader, "all-MiniLM-L6-v2")[0].id
        put_paper_topics(store, [(pin.paper_id, number, 0.5) for pin in seen(home).pins])
    assert [label.name for label in seen(home).labels] == ["robot, policy"]


def test_a_map_of_another_model_is_none(home: Path) -> None:
    (home / "frontier.toml").write_text('[embedding]\nmodel = "another/model"\n', "utf-8")
    assert looked(home, WEEKS) is None


def test_a_torn_file_is_no_map(home: Path) -> None:
    (home / "map" / "weeks.npz").write_bytes(b"PK torn")
    assert looked(home, WEEKS) is None


def test_venues_of_enough_papers_are_offered(mapped_home: Path) -> None:
    with closing(frontier_of(mapped_home).open_reader()) as reader:
        assert ("NeurIPS", 2025) in [(venue, year) for venue, year, _ in venue_years(reader, 5)]
        assert venue_years(reader, 10_000) == []


# ---- making one


def test_a_map_is_made_of_the_store(made_up_home: Path, tmp_path: Path) -> None:
    home = without_maps(made_up_home, tmp_path)
    told: list[str] = []
    begun: list[Places | None] = []

    def fit(vectors: Vectors, start: Places | None) -> Places:
        """As UMAP is asked, in less time: by the first two numbers of each vector."""
        begun.append(start)
        return np.asarray((vectors[:, :2] + 1) / 2)

    made = mapping.make(frontier_of(home), Region(weeks=2), told.append, fit)
    assert made is not None
    found = seen(home)
    assert found.fitted == len(made.ids) == len(found.pins)
    assert found.placed == found.without == 0
    assert told[1] == f"Laying out {len(made.ids)} papers"
    again = mapping.make(frontier_of(home), Region(weeks=2), told.append, fit)
    assert again is not None
    assert begun[0] is None
    assert begun[1] is not None
    assert (begun[1] == made.places).all()


def test_too_few_papers_make_no_map(starter_home: Path) -> None:
    assert mapping.make(frontier_of(starter_home), WEEKS) is None


def test_what_becomes_of_a_process_is_told(home: Path) -> None:
    frontier = frontier_of(home)
    assert mapping.making(frontier, WEEKS) is None
    script = "import sys; print('Laying out 3 papers', flush=True); sys.stdin.read(); print('no room'); sys.exit(1)"
    mapping.start(frontier, WEEKS, command=(sys.executable, "-c", script))
    until = monotonic() + 20
    while (found := mapping.making(frontier, WEEKS)) is not None and not found.failed and monotonic() < until:
        sleep(0.05)
    assert found is not None
    assert found.failed == "no room"
    assert "no room" in presenters_map.failed(found)
    mapping.start(frontier, WEEKS, command=(sys.executable, "-c", "pass"))
    while mapping.making(frontier, WEEKS) is not None and monotonic() < until:
        sleep(0.05)
    assert mapping.making(frontier, WEEKS) is None


# ---- what the browser is sent


def drawn(*pins: Pin) -> Map:
    n = len(pins)
    return Map(
        pins=pins, places=np.array([[0, 1]] * n, np.float32).reshape(-1, 2), area=np.array([1] * n, np.int64),
        attention=np.full(n, 0.5, np.float32), areas=("rl",), labels=(), fitted=n, placed=0, without=0,
        made="2025-11-20",
    )  # fmt: skip


def pin(**changed: object) -> Pin:
    return replace(Pin(paper_id=70_000, title="A title", venue="ICLR", year=2025, topic=""), **changed)  # type: ignore[arg-type]


def test_numbers_come_back_as_they_were() -> None:
    sent = presenters_map.payload(drawn(pin(), pin(paper_id=3)), Areas({}, 0.5))
    read = {k: np.frombuffer(base64.b64decode(sent[k]), t) for k, t in (("x", "<u2"), ("y", "<u2"), ("ids", "<u4"))}
    assert read["ids"].tolist() == [70_000, 3]
    assert read["x"].tolist() == [0, 0]
    assert read["y"].tolist() == [65_535, 65_535]
    assert sent["areas"] == [{"title": "rl", "papers": 0}, {"title": "No area", "papers": 2}]
    assert sent["venues"] == ["ICLR 2025"]


@pytest.mark.parametrize("title", [*made_up.HOSTILE_TITLES, "two\nlines", "\u2028", "🧠" * 3000, "تعلم", ""])
def test_titles_stay_one_a_line(title: str) -> None:
    sent = presenters_map.payload(drawn(pin(title=title), pin()), Areas({}, 0.5))
    lines = sent["titles"].split("\n")
    assert len(lines) == 2
    assert len(lines[0]) <= presenters_map.LONGEST_TITLE
    assert "\u202e" not in lines[0]


def test_the_same_map_has_the_same_name() -> None:
    areas = Areas({}, 0.5)
    first = presenters_map.payload(drawn(pin()), areas)["made"]
    assert presenters_map.payload(drawn(pin()), areas)["made"] == first
    assert presenters_map.payload(drawn(pin(title="Another")), areas)["made"] != first


def test_what_is_said_is_escaped() -> None:
    region = Region(venue="<script>", year=2025)
    assert "<script>" not in presenters_map.heading(region)
    assert "<script>" not in presenters_map.too_few(region, 0, 0)
    assert "<script>" not in presenters_map.making_box(Making(seconds=3, line="<script>"), again=True)


# ---- the page


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    def opened(home: Path, **parameters: str) -> AppTest:
        monkeypatch.setenv("FRONTIER_HOME", str(home))
        monkeypatch.setenv("FRONTIER_NOW", made_up.NOW.isoformat())
        monkeypatch.delenv("FRONTIER_MIRROR", raising=False)
        app = AppTest.from_file(str(SCRIPT), default_timeout=30)
        app.run()
        app.switch_page("views/map.py")
        for name, value in parameters.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, app.exception
        return app

    return opened


def test_the_page_says_what_is_on_the_map(open_page: Open, mapped_home: Path) -> None:
    app = open_page(mapped_home)
    page = html(app)
    assert "<h1>Map</h1>" in page
    assert "The last 4 weeks" in page
    assert f"{len(seen(mapped_home).pins)} papers · laid out on Thu 20 Nov 2025" in page
    assert app.button(key="_map_again").label == "Lay out again"


def test_the_span_is_kept_in_the_address(open_page: Open, mapped_home: Path) -> None:
    app = open_page(mapped_home)
    app.segmented_control(key="_weeks").set_value(8).run()
    assert not app.exception
    assert app.query_params["weeks"] in ("8", ["8"])
    assert "The last 8 weeks" in html(app)


def test_a_venue_is_asked_for_in_the_address(open_page: Open, mapped_home: Path) -> None:
    page = html(open_page(mapped_home, venue="NeurIPS", year="2025"))
    assert "NeurIPS 2025" in page
    assert f"{len(seen(mapped_home, Region(venue='NeurIPS', year=2025)).pins)} papers" in page


@pytest.mark.parametrize("asked", [{"weeks": "<script>"}, {"weeks": "3"}, {"venue": "x", "year": "²0"}])
def test_an_address_that_asks_for_nothing_means_the_usual_weeks(
    open_page: Open, mapped_home: Path, asked: dict[str, str]
) -> None:
    assert "The last 4 weeks" in html(open_page(mapped_home, **asked))


def test_an_unknown_venue_has_too_few_papers(open_page: Open, mapped_home: Path) -> None:
    page = html(open_page(mapped_home, venue="<script>", year="2025"))
    assert "0 papers in the store, too few for a map" in page
    assert "<script>" not in page


def test_papers_without_vectors_are_to_be_embedded_first(open_page: Open, tmp_path: Path) -> None:
    made_up.fill(tmp_path, vectors=False)
    page = html(open_page(tmp_path))
    assert "Only 0 of" in page
    assert "frontier sync" in page


def test_without_a_store_one_line_says_what_to_do(open_page: Open, tmp_path: Path) -> None:
    assert "There is no store" in html(open_page(tmp_path))


def test_the_first_look_makes_the_map(
    open_page: Open, made_up_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = without_maps(made_up_home, tmp_path)
    asked: list[Region] = []
    monkeypatch.setattr(mapping, "start", lambda frontier, region: asked.append(region))
    monkeypatch.setattr(
        mapping, "making", lambda frontier, region: Making(seconds=7, line="Laying out 9") if asked else None
    )
    page = html(open_page(home))
    assert asked == [WEEKS]
    assert "The map is being laid out. It is kept, so this happens once" in page
    assert "Laying out 9 · 7 s. You can leave this page meanwhile." in page


def test_a_map_that_cannot_be_made_is_not_tried_again_unasked(
    open_page: Open, made_up_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = without_maps(made_up_home, tmp_path)
    asked: list[Region] = []
    monkeypatch.setattr(mapping, "start", lambda frontier, region: asked.append(region))
    monkeypatch.setattr(mapping, "making", lambda frontier, region: Making(seconds=0, failed="no room <b>"))
    app = open_page(home)
    assert asked == []
    assert "The map could not be made: no room &lt;b&gt;" in html(app)
    next(button for button in app.button if button.label == "Try again").click().run()
    assert asked == [WEEKS]
