"""Settings: frontier.toml is changed key by key, with everything else in it kept; and the page."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import run_now
from app.previews import would_match
from app.services import Services
from app.settings import read, write
from app.wiring import Frontier
from data.config import AreaConfig
from data.errors import ConfigError, CrawlError
from tests.app import made_up
from tests.app.running import html, labelled, ran

PAGE = Path(__file__).resolve().parents[2] / "app" / "dashboard.py"

MINE = """\
# my own words at the top
[crawl]
contact = "me@example.org"   # goes into the User-Agent

[ranking]
spread = 0.3

# what I care about
[ranking.weights]
novelty = 0.5  # more than usual
relevance = 1

[areas.robotics]             # mine
title = "Robotics"
description = '''
Robots that learn.
'''
landmarks = [
    "arxiv:2212.06817",  # RT-1
    "arxiv:2307.15818",  # RT-2
]
keywords = ["manipulation"]

# sources, by hand
[sources.cvf]
conferences = ["CVPR2026"]
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "frontier.toml"
    path.write_text(MINE, "utf-8")
    return path


def comments(text: str) -> list[str]:
    return [line.partition("#")[2] for line in text.splitlines() if "#" in line]


def test_only_the_changed_value_is_different(toml: Path) -> None:
    write(read(toml), {("ranking", "weights", "novelty"): 0.8})
    assert toml.read_text("utf-8") == MINE.replace("novelty = 0.5", "novelty = 0.8")


def test_a_new_key_stands_with_its_table_and_comments_stay_where_they_were(toml: Path) -> None:
    write(read(toml), {("ranking", "explore"): 0.2, ("ranking", "weights", "venue"): 0.1, ("digest", "to"): "a@b.org"})
    text = toml.read_text("utf-8")
    assert comments(text) == comments(MINE)
    assert "spread = 0.3\nexplore = 0.2\n" in text
    assert "# what I care about\n[ranking.weights]" in text
    assert "# sources, by hand\n[sources.cvf]" in text
    assert text.endswith('[digest]\nto = "a@b.org"\n')
    assert tomllib.loads(text)["ranking"] == {
        "spread": 0.3, "explore": 0.2, "weights": {"novelty": 0.5, "relevance": 1, "venue": 0.1},
    }  # fmt: skip


def test_a_list_keeps_the_comments_beside_what_stays(toml: Path) -> None:
    wanted = ["arxiv:2307.15818", "arxiv:2406.09246"]
    write(read(toml), {("areas", "robotics", "landmarks"): wanted})
    text = toml.read_text("utf-8")
    assert tomllib.loads(text)["areas"]["robotics"]["landmarks"] == wanted
    assert "# RT-2" in text


def test_an_area_is_added_at_the_end_and_taken_away_again(toml: Path) -> None:
    added = write(
        read(toml),
        {
            ("areas", "safe_rl", "description"): "Agents that do no harm.\nEver.",
            ("areas", "safe_rl", "keywords"): ["safe reinforcement learning"],
        },
    )
    assert toml.read_text("utf-8").startswith(MINE)
    assert added.table["areas"]["safe_rl"]["description"] == "Agents that do no harm.\nEver."
    write(added, {}, [("areas", "safe_rl")])
    assert toml.read_text("utf-8").rstrip() == MINE.rstrip()


def test_what_leads_to_the_next_table_outlives_an_area(toml: Path) -> None:
    write(read(toml), {}, [("areas", "robotics")])
    text = toml.read_text("utf-8")
    assert "robotics" not in text
    assert "# sources, by hand\n[sources.cvf]" in text
    assert "RT-1" not in text


TRIED: dict[tuple[str, ...], Any] = {("ranking", "weights", "novelty"): 0.7, ("ranking", "explore"): 0.4}


@pytest.mark.parametrize(
    "text",
    [
        "[ranking]\nweights = { novelty = 0.5 } # in one line\n",
        "[ranking.weights]\nnovelty = 0.5\n\n[crawl]\n\n[ranking] # late\nspread = 0.1\n",
        "[ranking.weights]\r\nnovelty = 0.5 # windows\r\n",
        "[ranking] # empty\n",
        "# only a comment",
        "",
    ],
)
def test_many_ways_of_writing_are_changed_in_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "frontier.toml"
    path.write_bytes(text.encode())
    write(read(path), TRIED)
    now = path.read_bytes().decode()
    assert tomllib.loads(now)["ranking"]["weights"]["novelty"] == 0.7
    assert tomllib.loads(now)["ranking"]["explore"] == 0.4
    assert comments(now) == comments(text)
    assert ("\r\n" in now) == ("\r\n" in text)


@pytest.mark.parametrize("text", ["ranking.spread = 0.3 # short\n", "ranking = { spread = 0.3 }\n"])
def test_what_cannot_be_changed_in_place_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "frontier.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"in place.*text editor"):
        write(read(path), TRIED)
    assert path.read_text("utf-8") == text


def test_what_is_the_same_is_not_written(toml: Path) -> None:
    before = toml.stat().st_mtime_ns
    write(read(toml), {("ranking", "weights", "relevance"): 1.0})
    assert toml.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({("ranking", "weights", "novelty"): -1.0}, "negative"),
        ({("ranking", "explore"): 0.9}, "0 and 0.5"),
        ({("rankign", "explore"): 0.1}, "unknown key"),
        ({("areas", "x", "title"): "X"}, "needs a description"),
        ({("digest", "to"): "a@b.org\nBcc: c@d.org"}, "no line break"),
    ],
)
def test_what_is_no_configuration_is_not_written(toml: Path, changes: dict[tuple[str, ...], Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        write(read(toml), changes)
    assert toml.read_text("utf-8") == MINE


def test_of_two_tabs_the_later_one_is_told(toml: Path) -> None:
    one, other = read(toml), read(toml)
    write(one, {("ranking", "explore"): 0.2})
    with pytest.raises(ConfigError, match=r"changed since it was read.*read it again"):
        write(other, {("ranking", "spread"): 0.0})
    assert tomllib.loads(toml.read_text("utf-8"))["ranking"]["spread"] == 0.3
    write(read(toml), {("ranking", "spread"): 0.0})
    assert tomllib.loads(toml.read_text("utf-8"))["ranking"]["explore"] == 0.2


@pytest.mark.parametrize("text", [b"[crawl\n", b"[crawl]\ncontct = 1\n", b"\xff\xfe"])
def test_a_corrupt_file_is_not_read(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "frontier.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match=r"configuration: "):
        read(path)
    assert path.read_bytes() == text


def test_a_link_and_the_rights_of_the_file_stay(tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    kept.write_text(MINE, "utf-8")
    kept.chmod(0o600)
    link = tmp_path / "frontier.toml"
    link.symlink_to(kept)
    write(read(link), {("ranking", "explore"): 0.2})
    assert link.is_symlink()
    assert "explore = 0.2" in kept.read_text("utf-8")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dotfiles.toml", "frontier.toml", "settings.lock"]


# ---- the page


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list[bool]) -> Path:
    """A made-up store to write settings for; no run is really begun."""
    made_up.fill(tmp_path, with_hostile=False)
    monkeypatch.setenv("FRONTIER_HOME", str(tmp_path))
    monkeypatch.setenv("FRONTIER_NOW", made_up.NOW.isoformat())
    monkeypatch.delenv("FRONTIER_MIRROR", raising=False)
    return tmp_path


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each run that the page begins, whether it fetches."""
    begun: list[bool] = []
    monkeypatch.setattr(run_now, "start", lambda frontier, *, fetch: begun.append(fetch))
    return begun


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=30)
    app.run()
    app.switch_page("views/settings.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    return ran(app)


def test_a_weight_is_tried_on_the_day_before_it_is_saved(home: Path) -> None:
    app = opened(part="weights")
    assert html(app).count("stays") == 10
    labelled(app.slider, "Novelty").set_value(2.0)
    labelled(app.slider, "Relevance").set_value(0.0)
    labelled(app.slider, "Venue").set_value(2.0)
    page = html(ran(app))
    assert "fr-moved" in page
    assert (home / "frontier.toml").read_text("utf-8") == "[ranking]\narea_threshold = 0.5\n"
    labelled(app.button, "Save 3 changes").click()
    page = html(ran(app))
    assert "Saved." in page
    table = tomllib.loads((home / "frontier.toml").read_text("utf-8"))
    assert table["ranking"] == {"area_threshold": 0.5, "weights": {"relevance": 0.0, "venue": 2.0, "novelty": 2.0}}
    assert page.count("stays") == 10


def test_an_area_is_added_compared_and_removed(home: Path, runs: list[bool]) -> None:
    app = opened()
    labelled(app.selectbox, "Area").select("+")
    ran(app)
    app.text_input[0].input("Safe <b>agents</b>")
    app.text_area[0].input("Agents that do no harm.")
    app.text_area[2].input("safe agent\n\n safe agent \nconstrained policy")
    labelled(app.button, "Save").click()
    page = html(ran(app))
    assert "Saved. Papers are compared with it now" in page
    assert runs == [False]
    name = "safe_b_agents_b"
    assert tomllib.loads((home / "frontier.toml").read_text("utf-8"))["areas"] == {
        name: {
            "title": "Safe <b>agents</b>", "description": "Agents that do no harm.",
            "keywords": ["safe agent", "constrained policy"],
        }
    }  # fmt: skip
    assert app.query_params["area"] == name
    labelled(app.button, "Remove this area").click()
    ran(app)
    assert "areas" not in tomllib.loads((home / "frontier.toml").read_text("utf-8"))


def test_a_shipped_area_keeps_what_is_not_changed(home: Path, runs: list[bool]) -> None:
    app = opened(area="optimizers")
    app.text_input[0].input("Training")
    labelled(app.button, "Save").click()
    assert "Saved. The new title is shown from now on." in html(ran(app))
    assert runs == []
    table = tomllib.loads((home / "frontier.toml").read_text("utf-8"))
    assert table["areas"] == {"optimizers": {"title": "Training"}}
    labelled(app.button, "Back to what ships with Frontier").click()
    assert "compared with it now" in html(ran(app))
    assert runs == [False]


def test_an_area_that_cannot_be_compared_now_is_saved_all_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise CrawlError("a run is going already", mend="wait for it to end")

    monkeypatch.setattr(run_now, "start", busy)
    app = opened(area="optimizers")
    app.text_area[2].input("momentum")
    labelled(app.button, "Save").click()
    assert "Saved. Papers are compared with it by the next" in (page := html(ran(app)))
    assert "not now: a run is going already (wait for it to end)" in page


def test_an_area_without_words_is_refused_in_one_line(home: Path) -> None:
    app = opened(area="+")
    app.text_input[0].input("Nothing said")
    labelled(app.button, "Save").click()
    assert "needs a description" in html(ran(app))
    labelled(app.button, "Preview what would match").click()
    assert "Write a description first" in html(ran(app))
    assert "areas" not in (home / "frontier.toml").read_text("utf-8")


def test_another_tab_is_noticed_and_read_again(home: Path) -> None:
    app = opened(part="digest")
    (home / "frontier.toml").write_text("# by hand\n[digest]\nper_area = 9\n", "utf-8")
    labelled(app.text_input, "From").input("me@example.org")
    labelled(app.button, "Save").click()
    page = html(ran(app))
    assert "has changed since this page read it" in page
    assert "nothing was written" in page
    labelled(app.button, "Read it again").click()
    ran(app)
    assert app.number_input[1].value == 9
    labelled(app.text_input, "From").input("me@example.org")
    labelled(app.button, "Save").click()
    ran(app)
    text = (home / "frontier.toml").read_text("utf-8")
    assert text.startswith("# by hand\n")
    assert tomllib.loads(text)["digest"] == {"per_area": 9, "sender": "me@example.org"}


def test_the_mail_is_previewed_in_a_frame_without_scripts(home: Path) -> None:
    (home / "frontier.toml").write_text('[digest.profiles.lab]\nto = "lab@example.org"\nform = "weekly"\n', "utf-8")
    app = opened(part="digest")
    labelled(app.button, "Preview the mail").click()
    assert "week to Mon 24 Nov 2025" in html(ran(app))
    [frame] = app.get("iframe")
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame.proto.srcdoc
    assert "&lt;h1" in frame.proto.srcdoc
    assert "<script" not in frame.proto.srcdoc


def test_a_mail_that_cannot_be_made_is_said_in_one_line(home: Path) -> None:
    (home / "frontier.toml").write_text('[digest]\nto = "no address"\n', "utf-8")
    app = opened(part="digest")
    labelled(app.button, "Preview the mail").click()
    page = html(ran(app))
    assert "not an address" in page
    assert not app.get("iframe")


def test_how_often_and_from_which_score_on_is_saved(home: Path) -> None:
    app = opened(part="digest")
    labelled(app.selectbox, "How often").select("weekly")
    labelled(app.selectbox, "Day of the weekly mail").select("friday")
    labelled(app.number_input, "Least score").set_value(0.35)
    labelled(app.button, "Save").click()
    ran(app)
    saved = tomllib.loads((home / "frontier.toml").read_text("utf-8"))["digest"]
    assert saved == {"form": "weekly", "weekday": "friday", "minimum": 0.35}


def test_a_corrupt_file_is_shown_with_how_to_mend_it(home: Path) -> None:
    (home / "frontier.toml").write_text("[crawl\n", "utf-8")
    app = opened()
    page = html(app)
    assert "not valid TOML" in page
    assert "frontier config check" in page
    assert not app.button
    assert (home / "frontier.toml").read_text("utf-8") == "[crawl\n"


class FakeEncoder:
    """Texts as the vectors of made-up papers: what it is asked for is the vector of paper 1."""

    name = made_up.MODEL
    dim = 384

    def __init__(self, vector: bytes) -> None:
        self.vector = vector

    def encode(self, texts: Any, *, progress: Any = None) -> Any:
        import numpy as np

        return np.stack([np.frombuffer(self.vector, "<f4") for _ in texts])


def test_the_preview_lists_what_is_nearest_to_the_words(home: Path) -> None:
    services = Services(Frontier(os.environ))
    first = services.reader.lookup("arxiv:2511.00001")
    services.frontier._encoder = FakeEncoder(services.reader.vectors(made_up.MODEL, [first])[first])
    found = would_match(services, "own", AreaConfig(title="Own", description="Whatever."))
    services.close()
    assert len(found) == 10
    assert found[0].paper.id == first
    assert found[0].score > found[9].score
