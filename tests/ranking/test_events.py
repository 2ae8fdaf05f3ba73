"""Which events follow from what happened."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.papers import Filter
from data.people import fold_name
from data.watching import Change, Citation, Watch, Watched
from ranking.attention import Jump
from ranking.events import (
    SEARCH_COSINE,
    Follow,
    answers,
    at_venue,
    by_authors,
    level_of,
    of_changes,
    of_citations,
    of_claims,
    of_jumps,
    of_picked_up,
    passes,
    quoted,
    surely_same,
    without_restated,
    written_out,
)

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
PAPER = ("paper", "arxiv:2511.00001")


def a_paper(number=1, **fields):
    known = {
        "id": number,
        "key": f"arxiv:2511.0000{number}",
        "title": f"Meadows {number}",
        "authors": ("Ada Example", "Sample, Bo"),
        "year": 2025,
        "date": date(2025, 11, 21),
        "categories": ("cs.LG", "cs.CV"),
        "added_at": NOW,
        "changed_at": NOW + timedelta(hours=1),
    }
    return Watched(**(known | fields))


def a_change(what, old, new, number=1, **fields):
    known = {"id": 5, "paper_id": number, "at": NOW, "source": "arxiv", "what": what, "old": old, "new": new}
    return Change(**(known | fields))


def a_watch(kind, value, **fields):
    return Watch(**({"kind": kind, "value": value, "id": 1, "added_at": NOW} | fields))


def told(*changes, paper=None, follow=None):
    paper = paper or a_paper()
    return of_changes(changes, {paper.id: [follow or Follow(watch=PAPER)]}, {paper.id: paper})


@pytest.mark.parametrize(
    ("what", "old", "new", "kind", "subject", "text"),
    [
        ("version", "1", "2", "revised", "v2", "“Meadows 1” was revised: version 1 → 2"),
        ("version", "1", "12", "revised", "v12", "“Meadows 1” was revised: version 1 → 12"),
        ("withdrawn", "", "1", "withdrawn", "", "“Meadows 1” was withdrawn by its authors"),
        ("title", "Fields", "Meadows 1", "retitled", "Meadows 1", "“Fields” is now called “Meadows 1”"),
        ("code_urls", "", '["https://e.org/a"]', "code", "https://e.org/a", "“Meadows 1” has code: https://e.org/a"),
        ("awards", "[]", '["Best Paper"]', "award", "Best Paper", "“Meadows 1” received: Best Paper"),
    ],
)
def test_a_change_is_told(what, old, new, kind, subject, text):
    [event] = told(a_change(what, old, new))
    assert (event.kind, event.subject, event.text, event.at, event.watch) == (kind, subject, text, NOW, PAPER)
    assert (event.evidence["old"], event.evidence["new"], event.evidence["source"]) == (old, new, "arxiv")


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ("version", "", "3"),  # the first time that a version is known
        ("version", "3", "2"),
        ("version", "2", "²"),
        ("version", "1", "9" * 5000),
        ("withdrawn", "1", ""),
        ("title", "Meadows: I", "MEADOWS I"),
        ("title", "Meadows", ""),
        ("code_urls", '["https://e.org/a"]', "[]"),
        ("code_urls", "", "{broken"),
        ("awards", "", '{"a": 1}'),
        ("awards", "", '[1, null, [], ""]'),
        ("awards", "", "[" * 100_000),
        ("colour", "red", "blue"),
    ],
)
def test_what_is_no_news_is_not_told(what, old, new):
    assert told(a_change(what, old, new)) == []


def test_only_what_is_added_is_told_each_once():
    change = a_change(
        "code_urls", json.dumps(["https://e.org/a"]), json.dumps(["https://e.org/a", "x:y", "z:é", "x:y"])
    )
    assert [e.subject for e in told(change)] == ["x:y", "z:é"]


def test_acceptance_by_proceedings():
    paper = a_paper(venue="CVPR", year=2026, status="Highlight", basis="proceedings", comment="accepted at CVPR 2026")
    [event] = told(a_change("venue", "", "CVPR", source="cvf"), a_change("venue_status", "", "Highlight"), paper=paper)
    assert event.kind == "accepted"
    assert event.subject == "CVPR 2026 Highlight"
    assert event.text == "“Meadows 1” is accepted: CVPR 2026 Highlight"
    assert event.evidence == {
        "venue": "CVPR", "year": 2026, "status": "Highlight", "basis": "proceedings", "source": "cvf", "old": "",
        "new": "CVPR",
    }  # fmt: skip


def test_acceptance_by_comment_says_so_and_shows_it():
    paper = a_paper(venue="ICLR", year=2026, basis="comment", comment="Accepted at ICLR 2026, 12 pages")
    [event] = told(a_change("venue", "arXiv", "ICLR"), paper=paper)
    assert event.text == "“Meadows 1” is accepted: ICLR 2026 (so says its author's comment)"
    assert (event.evidence["basis"], event.evidence["comment"]) == ("comment", "Accepted at ICLR 2026, 12 pages")


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (a_change("venue", "", "arXiv"), {"venue": "arXiv"}),
        (a_change("venue", "CVPR", ""), {}),
        (a_change("venue", "CVPR", "ICCV"), {"venue": "ICCV"}),
        (a_change("venue", "", "ICLR"), {"venue": "ICLR", "status": "rejected"}),
        (a_change("venue", "", "ICLR"), {"venue": "ICLR", "status": "submitted"}),
        (a_change("venue_status", "", "withdrawn"), {"venue": "ICLR", "status": "withdrawn"}),
        (a_change("venue_status", "", "submitted"), {"status": "submitted"}),
        (a_change("venue_status", "ICLR 2026 Poster", "ICLR 2026 Oral"), {"venue": "ICLR", "status": "ICLR 2026 Oral"}),
        (a_change("venue_status", "", "Oral"), {"venue": "ICLR", "status": ""}),  # it is past already
    ],
)
def test_what_is_no_acceptance(change, fields):
    assert told(change, paper=a_paper(**fields)) == []


def test_a_status_that_becomes_known_later_is_told():
    paper = a_paper(venue="ICLR", year=2026, status="ICLR 2026 Oral", basis="proceedings")
    [event] = told(a_change("venue_status", "", "ICLR 2026 Oral"), paper=paper)
    assert event.subject == "ICLR 2026 Oral"


def test_a_venue_that_is_past_already_is_told_without_what_is_known_of_the_next():
    paper = a_paper(venue="ICCV", year=2027, status="Oral", basis="proceedings")
    [event] = told(a_change("venue", "", "CVPR"), paper=paper)
    assert (event.subject, event.evidence["year"], event.evidence["basis"]) == ("CVPR", None, "")


BY_COMMENT = {"comment": "ICLR 2026", "basis": "comment"}
CLAIMED = a_change("venue_basis", "comment", "proceedings")


@pytest.mark.parametrize(
    ("changes", "fields", "text", "before"),
    [
        (
            [a_change("venue", "NeurIPS", "ICLR"), a_change("venue_status", "workshop", "")],
            BY_COMMENT,
            "ICLR 2026 (so says its author's comment); its author's comment claimed NeurIPS workshop before",
            "NeurIPS workshop",
        ),
        (
            [a_change("venue_status", "workshop: Oral", "")],
            BY_COMMENT,
            "ICLR 2026 (so says its author's comment); its author's comment claimed ICLR workshop: Oral before",
            "ICLR workshop: Oral",
        ),
        (
            [a_change("venue_status", "workshop", "Oral"), CLAIMED],
            {"status": "Oral"},
            "ICLR 2026 Oral; its author's comment claimed ICLR workshop before",
            "ICLR workshop",
        ),
        (
            [a_change("venue", "NeurIPS", "ICLR"), CLAIMED, a_change("venue_status", "", "Poster")],
            {"status": "Poster"},
            "ICLR 2026 Poster, not NeurIPS as its author's comment claimed",
            "NeurIPS",
        ),
        (
            [a_change("venue", "NeurIPS", "ICLR")],
            BY_COMMENT,
            "ICLR 2026 (so says its author's comment), not NeurIPS as it claimed before",
            "NeurIPS",
        ),
        (
            [a_change("venue", "ACL", "ICLR"), a_change("venue_status", "Findings of ACL 2025", "")],
            {},
            "ICLR 2026; it was at ACL Findings of ACL 2025 before",
            "ACL Findings of ACL 2025",
        ),
        (
            [a_change("venue", "NeurIPS", "ICLR"), a_change("venue_status", "", "workshop"), CLAIMED],
            {"status": "workshop"},
            "ICLR 2026 workshop, not NeurIPS as its author's comment claimed",
            "NeurIPS",
        ),
        ([a_change("venue", "ICML", "ICLR"), a_change("venue_status", "rejected", "")], {}, "ICLR 2026", None),
        ([a_change("venue", "CoRR", "ICLR"), a_change("venue_basis", "", "proceedings")], {}, "ICLR 2026", None),
        ([a_change("venue_status", "submitted", "Poster")], {"status": "Poster"}, "ICLR 2026 Poster", None),
    ],
)
def test_a_stronger_standing_is_an_acceptance(changes, fields, text, before):
    paper = a_paper(**({"venue": "ICLR", "year": 2026, "basis": "proceedings"} | fields))
    [event] = told(*changes, paper=paper)
    assert (event.kind, event.text) == ("accepted", f"“Meadows 1” is accepted: {text}")
    assert event.evidence.get("before") == before


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ([a_change("venue", "NeurIPS", "ICLR")], {}),  # a main track by the proceedings is final
        ([a_change("venue", "NeurIPS", "ICLR"), a_change("venue_status", "", "workshop")], {"status": "workshop"}),
        ([a_change("venue_status", "Oral", "workshop")], {"status": "workshop"}),
        ([a_change("venue", "NeurIPS", "ICLR"), a_change("venue_status", "", "workshop")], BY_COMMENT | {"status": "workshop"}),
        ([CLAIMED], {"status": "withdrawn"}),
    ],
)  # fmt: skip
def test_a_weaker_standing_is_no_acceptance(changes, fields):
    assert told(*changes, paper=a_paper(**({"venue": "ICLR", "year": 2026, "basis": "proceedings"} | fields))) == []


def test_what_was_known_at_each_moment_is_read_backwards():
    later = {"at": NOW + timedelta(days=3), "id": 9}
    changes = [
        a_change("venue", "", "NeurIPS"),
        a_change("venue_basis", "", "comment"),
        a_change("venue_status", "", "workshop"),
        a_change("venue", "NeurIPS", "ICLR", **later),
        a_change("venue_basis", "comment", "proceedings", **later),
        a_change("venue_status", "workshop", "Oral", **later),
    ]
    paper = a_paper(venue="ICLR", year=2026, status="Oral", basis="proceedings")
    first, second = told(*changes, paper=paper)
    assert (first.subject, first.evidence["basis"], first.evidence["year"]) == ("NeurIPS workshop", "comment", None)
    assert (second.subject, second.evidence["before"], second.at) == ("ICLR 2026 Oral", "NeurIPS workshop", later["at"])
    [only] = told(*changes, paper=paper, follow=Follow(watch=PAPER, after_change=5))
    assert only == second


def test_two_moves_in_one_moment_are_two():
    paper = a_paper(venue="ICLR", year=2026, basis="comment")
    found = told(a_change("venue", "", "NeurIPS"), a_change("venue", "NeurIPS", "ICLR"), paper=paper)
    assert [e.evidence["venue"] for e in found] == ["NeurIPS", "ICLR"]


def test_a_workshop_paper_in_the_main_track_is_more_than_a_confirmed_claim():
    paper = a_paper(venue="ICLR", year=2026, basis="proceedings")
    risen = told(a_change("venue_status", "workshop", ""), CLAIMED, paper=paper)
    settled = of_claims({1: "ICLR"}, {1: [Follow(watch=PAPER)]}, {1: paper})
    assert [e.kind for e in settled] == ["confirmed"]
    assert [e.kind for e in without_restated(risen, settled)] == ["accepted"]


@given(st.lists(st.tuples(
    st.sampled_from(["venue", "venue_status", "venue_basis", "title"]),
    st.sampled_from(["", "CVPR", "ICLR", "arXiv", "workshop", "rejected", "comment", "proceedings"]),
    st.sampled_from(["", "CVPR", "ICLR", "arXiv", "workshop", "rejected", "comment", "proceedings"]),
    st.integers(0, 3),
), max_size=12))  # fmt: skip
def test_any_history_is_told_without_repeats(history):
    changes = [
        a_change(what, old, new, id=n, at=NOW + timedelta(hours=hour))
        for n, (what, old, new, hour) in enumerate(history, 1)
    ]
    found = told(*changes, paper=a_paper(venue="CVPR", year=2026, basis="proceedings"))
    assert len({(e.kind, e.subject) for e in found}) == len(found)
    assert not any(e.evidence.get("status") == "rejected" for e in found)


def test_a_claim_is_confirmed_by_proceedings_of_the_same_venue():
    follows = {1: [Follow(watch=PAPER)]}

    def of(**fields):
        return of_claims({1: "CVPR"}, follows, {1: a_paper(**({"venue": "CVPR", "year": 2026} | fields))})

    assert of(basis="comment") == []
    [other] = of(basis="proceedings", venue="ICCV")
    assert (other.kind, other.subject) == ("accepted", "ICCV 2026")
    assert other.text.endswith("is accepted: ICCV 2026, not CVPR as its author's comment claimed")
    assert of(basis="proceedings", status="withdrawn") == []
    [event] = of(basis="proceedings", status="Oral")
    assert (event.kind, event.subject, event.at) == ("confirmed", "CVPR", NOW + timedelta(hours=1))
    assert event.text == "“Meadows 1” is confirmed by the proceedings: CVPR 2026 Oral"
    accepted = told(
        a_change("venue_status", "", "Oral"), a_change("withdrawn", "", "1"),
        paper=a_paper(venue="CVPR", year=2026, status="Oral", basis="proceedings"),
    )  # fmt: skip
    assert [e.kind for e in without_restated(accepted, [event])] == ["withdrawn", "confirmed"]
    assert [e.kind for e in without_restated(accepted, [])] == ["accepted", "withdrawn"]


def test_a_basis_that_changes_with_the_venue_is_an_acceptance_and_no_confirmation():
    paper = a_paper(venue="ICCV", year=2027, basis="proceedings")
    basis = a_change("venue_basis", "comment", "proceedings")
    [event] = told(basis, paper=paper)
    assert (event.kind, event.subject) == ("confirmed", "ICCV")
    [event] = told(a_change("venue", "CVPR", "ICCV"), basis, paper=paper)
    assert (event.kind, event.subject, event.evidence["before"]) == ("accepted", "ICCV 2027", "CVPR")
    assert event.text.endswith("is accepted: ICCV 2027, not CVPR as its author's comment claimed")
    assert told(a_change("venue_basis", "", "proceedings"), paper=paper) == []


def test_only_what_comes_after_the_watch_counts():
    change = a_change("version", "1", "2")
    assert told(change, follow=Follow(watch=PAPER, after_change=5)) == []
    assert told(change, follow=Follow(watch=PAPER, since=NOW + timedelta(seconds=1))) == []
    assert told(change, follow=Follow(watch=PAPER, landmark_of="Learning")) == []
    assert len(told(change, follow=Follow(watch=PAPER, after_change=4, since=NOW))) == 1
    assert of_changes([change], {}, {1: a_paper()}) == []
    assert of_changes([change], {1: [Follow(watch=PAPER)]}, {}) == []


def test_citations():
    papers = {1: a_paper(1), 2: a_paper(2), 3: a_paper(3)}
    follows = {
        1: [Follow(watch=PAPER, after_citation=8), Follow(watch=("saved", "arxiv:2511.00001"))],
        2: [Follow(watch=("landmarks", "learning"), after_citation=8, landmark_of="Learning")],
    }
    given = [
        Citation(id=n, citing=citing, cited=cited, source="openalex", seen_at=NOW)
        for n, citing, cited in [(8, 3, 1), (8, 3, 2), (9, 3, 1), (9, 3, 2), (10, 1, 3), (11, 99, 1)]
    ]
    first, second = of_citations(given, follows, papers)
    assert first.watch == ("saved", "arxiv:2511.00001")
    assert (first.kind, first.paper_id, first.subject) == ("cites", 3, "arxiv:2511.00001")
    assert first.text == "“Meadows 3” cites “Meadows 1”"
    assert second.text == "“Meadows 3” cites “Meadows 2”, a landmark of Learning"
    assert second.evidence == {"citing": "arxiv:2511.00003", "cited": "arxiv:2511.00002", "source": "openalex"}


def a_jump(name="upvotes", to=123.0, until=NOW):
    return Jump(
        name=name, gained=100.0, from_value=to - 100, to_value=to, since=until - timedelta(1), until=until, usual=3.0,
        surprise=9.0, why="100 upvotes in a day",
    )  # fmt: skip


def test_jumps_are_told_by_level():
    follow = Follow(watch=PAPER, since=NOW)
    [up, cited] = of_jumps([a_jump(), a_jump("citations", 520.0)], a_paper(), follow)
    assert (up.kind, up.subject, up.text) == ("attention", "upvotes 100", "“Meadows 1”: 100 upvotes in a day")
    assert (cited.kind, cited.subject, cited.evidence["to"]) == ("citations", "citations 500", 520.0)
    for late in (follow, Follow(watch=PAPER, read_since=NOW)):
        assert of_jumps([a_jump(until=NOW - timedelta(1))], a_paper(), late) == []
    assert of_jumps([a_jump(to=180.0)], a_paper(), follow)[0].subject == up.subject
    json.dumps(dict(up.evidence))


@pytest.mark.parametrize(
    ("value", "level"),
    [(0.0, 0), (0.9, 0), (1, 1), (2, 2), (4.9, 2), (5, 5), (9, 5), (10, 10), (19, 10), (999, 500), (1000, 1000)],
)
def test_levels(value, level):
    assert level_of(value) == level


@given(st.floats(1, 1e15))
def test_a_level_is_never_above_and_never_far_below(value):
    assert level_of(value) <= value < 2.5 * level_of(value) + 1


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("Ada Example", True),
        ("ADA EXAMPLE", True),
        ("Example, Ada", True),
        ("Example Ada", True),
        ("Áda Exämple", True),
        ("Ada B. Example", True),
        ("Example, Ada Bea", True),
        ("A. Example", False),
        ("Example, A.", False),
        ("Adam Example", False),
        ("Alan Example", False),
        ("Example", False),
        ("Ada Examples", False),
        ("A. Examined", False),
        ("", False),
        ("\u202e, ,", False),
    ],
)
def test_names(written, same):
    assert surely_same(fold_name("Ada Example"), fold_name(written)) is same


def test_initials_that_disagree_are_two_people():
    assert not surely_same(fold_name("Ada B. Example"), fold_name("Ada C. Example"))
    assert surely_same(fold_name("Ada B. Example"), fold_name("Ada Bea Example"))
    assert not surely_same(fold_name("A. Example"), fold_name("A. Example"))
    assert not surely_same(fold_name("A. Example"), fold_name("Ada Example"))


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("Ada Example", True),
        ("Example, Ada", True),
        ("J. Robert Meadow", True),
        ("例 文", True),
        ("例文", True),
        ("Example", False),
        ("A. Example", False),
        ("Example, A. B.", False),
        ("J.-L. Example", False),
        ("Ж. Лугов", False),
        ("Dr. Example", False),
        ("例", False),
        ("", False),
    ],
)
def test_names_in_full(name, full):
    assert written_out(fold_name(name)) is full
    assert surely_same(fold_name(name), fold_name(name)) is full


def test_new_papers_by_watched_authors():
    watches = [a_watch("author", "Ada Example"), a_watch("author", "Bo Sample", id=2), a_watch("author", "Di", id=3)]
    papers = [
        a_paper(1),
        a_paper(2, authors=("A. Example", "Cy Other")),
        a_paper(3, authors=()),
        a_paper(4, authors=("Example, A.; Sample, Bo",)),
    ]
    found = by_authors(watches, papers)
    assert [(e.paper_id, e.subject) for e in found] == [(1, "Ada Example"), (1, "Bo Sample"), (4, "Bo Sample")]
    assert found[0].text == "new paper by Ada Example: “Meadows 1”"
    assert found[0].at == NOW
    assert by_authors([], papers) == []


def test_an_author_who_stands_twice_is_told_once():
    [event] = by_authors([a_watch("author", "Ada Example")], [a_paper(authors=("Ada Example", "Example, Ada"))])
    assert event.evidence == {"name": "Ada Example"}


def test_papers_of_a_venue():
    papers = [
        a_paper(1, venue="CVPR", year=2026),
        a_paper(2, venue="cvpr", year=None, status="Oral"),
        a_paper(3, venue="CVPRW", year=2026),
        a_paper(4, venue="CVPR", year=2026, status="withdrawn"),
        a_paper(5),
    ]
    later = NOW + timedelta(days=2)
    found = at_venue(a_watch("venue", "Cvpr"), papers, {2: later})
    assert [(e.paper_id, e.at, e.text) for e in found] == [
        (1, NOW, "new at CVPR 2026: “Meadows 1”"),
        (2, later, "new at cvpr Oral: “Meadows 2”"),
    ]
    assert [e.paper_id for e in at_venue(a_watch("venue", "CVPR 2026"), papers, {})] == [1]
    assert at_venue(a_watch("venue", "CVPR 2027"), papers, {}) == []


def test_papers_that_answer_a_search():
    papers = [a_paper(n) for n in (1, 2, 3, 4)]
    cosines = {1: 0.1, 2: SEARCH_COSINE, 3: SEARCH_COSINE - 0.001}
    found = answers(a_watch("search", "meadows"), papers, by_words={1, 9}, cosines=cosines, area_scores={})
    assert [(e.paper_id, e.evidence["by"], e.evidence["cosine"]) for e in found] == [
        (1, "words", 0.1),
        (2, "meaning", SEARCH_COSINE),
    ]
    narrow = a_watch("search", "meadows", where=Filter(areas=("rl",), area_threshold=0.3))
    scores = {1: {"rl": 0.29, "generative": 0.9}, 2: {"rl": 0.3}}
    assert [e.paper_id for e in answers(narrow, papers, by_words={1, 2, 4}, cosines={}, area_scores=scores)] == [2]


@pytest.mark.parametrize(
    ("where", "pass_"),
    [
        (Filter(), True),
        (Filter(since=date(2025, 11, 21)), True),
        (Filter(since=date(2025, 11, 22)), False),
        (Filter(until=date(2025, 11, 20)), False),
        (Filter(venues=("iclr", "cvpr")), True),
        (Filter(venues=("ICLR",)), False),
        (Filter(categories=("CS.cv",)), True),
        (Filter(categories=("cs",)), False),
        (Filter(areas=("rl",), area_threshold=0.25), True),
        (Filter(areas=("rl",), categories=("cs.RO",)), False),
    ],
)
def test_filters_hold_as_in_a_search(where, pass_):
    assert passes(a_paper(venue="CVPR"), where, {"rl": 0.25}) is pass_
    assert not passes(a_paper(date=None), Filter(since=date(2020, 1, 1)), {})


def test_a_data_set_is_picked_up_once_enough_others_use_it():
    papers = {n: a_paper(n, added_at=NOW + timedelta(days=n)) for n in range(1, 7)}
    watch = a_watch("dataset", "new", first_paper=3)

    def of(*users):
        return of_picked_up(watch, "MeadowNet", 2, users, papers)

    assert of() == of(2, 4, 5) == of(4, 5, 99) == []
    assert of(1, 2, 3, 99) == []
    [event] = of(6, 1, 3, 4)
    assert (event.kind, event.paper_id, event.subject, event.at) == ("dataset", 2, "MeadowNet", NOW + timedelta(days=4))
    assert event.text == "MeadowNet, announced by “Meadows 2”, is used by 4 other papers"
    assert event.evidence["users"] == [f"arxiv:2511.0000{n}" for n in (1, 3, 4, 6)]
    assert of_picked_up(a_watch("dataset", "new", first_paper=4), "MeadowNet", 2, (1, 3, 4), papers) == []


@pytest.mark.parametrize("title", ["x" * 100_000, "<script>" * 50, "“\u0301”" * 40, "漢" * 200])
def test_hostile_titles_stay_short(title):
    [event] = told(a_change("version", "1", "2"), paper=a_paper(title=title))
    assert len(event.text) < 250
    assert len(quoted(title)) <= 162
