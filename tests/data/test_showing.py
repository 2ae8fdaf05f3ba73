"""Whose words are shown: venue, status and fate of a paper out of all its sightings."""

from __future__ import annotations

from typing import Any

import pytest

from data.identity import shown
from data.showing import columns_of, compact


def appearance(*sightings: tuple[str, dict[str, Any]]) -> tuple[Any, ...]:
    columns = shown([(source, {"title": "A thing", **fields}) for source, fields in sightings])
    return tuple(columns[name] for name in ("venue", "year", "venue_status", "track", "venue_basis"))


def arxiv(comment: str = "", published: str = "2025-05-01", **more: Any) -> tuple[str, dict[str, Any]]:
    return "arxiv", {"comment": comment, "published": published, **more}


@pytest.mark.parametrize(
    ("sightings", "expected"),
    [
        ([arxiv()], ("", 2025, "", "", "")),
        ([arxiv("Submitted to ICLR 2026")], ("", 2025, "", "", "")),
        ([arxiv("Accepted at ICCV 2025 (oral)")], ("ICCV", 2025, "Oral", "main", "comment")),
        ([arxiv("CVPR'26 Highlight")], ("CVPR", 2026, "Highlight", "main", "comment")),
        ([arxiv("NeurIPS 2025 Workshop on Meadows")], ("NeurIPS", 2025, "workshop", "workshop", "comment")),
        ([arxiv(), ("cvf", {"venue": "CVPR", "year": 2025})], ("CVPR", 2025, "", "main", "proceedings")),
        (
            [arxiv("CVPR 2025 Highlight"), ("cvf", {"venue": "CVPR", "year": 2025})],
            ("CVPR", 2025, "Highlight", "main", "proceedings"),
        ),
        (
            [arxiv("CVPR 2024 Oral"), ("cvf", {"venue": "CVPR", "year": 2025})],
            ("CVPR", 2025, "", "main", "proceedings"),
        ),
        (
            [arxiv("CVPR 2025 workshop, oral"), ("cvf", {"venue": "CVPR", "year": 2025})],
            ("CVPR", 2025, "", "main", "proceedings"),
        ),
        (
            [arxiv("Accepted at ICML 2025"), ("openreview", {"venue_status": "rejected", "year": 2025})],
            ("ICML", 2025, "", "main", "comment"),
        ),
        (
            [arxiv(), ("openreview", {"venue": "ICLR", "year": 2025, "venue_status": "ICLR 2025 Oral"})],
            ("ICLR", 2025, "ICLR 2025 Oral", "main", "proceedings"),
        ),
        (
            [arxiv("ICCV 2025"), ("semantic_scholar", {"venue": "arXiv.org"})],
            ("ICCV", 2025, "", "main", "comment"),
        ),
    ],
)
def test_venue_and_status(sightings: list[tuple[str, dict[str, Any]]], expected: tuple[Any, ...]) -> None:
    assert appearance(*sightings) == expected
    assert appearance(*reversed(sightings)) == expected


def test_a_claimed_edition_of_next_year_does_not_move_the_day_that_filters_go_by() -> None:
    columns = shown([("arxiv", {"title": "A thing", "comment": "CVPR 2026", "published": "2025-11-20"})])
    assert (columns["year"], columns["date"]) == (2026, "2025-11-20")


@pytest.mark.parametrize(
    ("status", "awards"),
    [
        ("ACL 2022 Best Paper", ["Best Paper"]),
        ("workshop: Best Paper", ["Best Paper"]),
        ("ACL 2022 Best Paper, Outstanding Paper", ["Best Paper", "Outstanding Paper"]),
        ("Oral", []),
        ("", []),
    ],
)
def test_awards_that_a_source_states(status: str, awards: list[str]) -> None:
    columns = shown([("acl", {"title": "A thing", "venue": "ACL", "year": 2022, "venue_status": status})])
    assert columns["awards"] == awards


def test_an_award_that_the_authors_tell() -> None:
    columns = shown([("arxiv", {"title": "A thing", "comment": "EMNLP 2025, Best Paper Award"})])
    assert columns["awards"] == ["Best Paper"]


def test_the_year_of_a_paper_without_any_date_is_that_of_its_arxiv_id() -> None:
    assert shown([("import", {"title": "A thing", "ids": ["arxiv:2107.05580"]})])["year"] == 2021
    assert shown([("import", {"title": "A thing", "ids": ["arxiv:math/0309136"]})])["year"] == 2003


def test_lists_are_kept_as_json() -> None:
    names = ['Ada "Owl" Quill', "Bo\\Reed", "Žofie Ålund\t", "陳大文"]
    columns = columns_of([("arxiv", {"title": "A thing", "authors": names, "keywords": ["grass", "grass"]})])
    assert columns["authors"] == compact(names)
    assert (columns["keywords"], columns["awards"]) == ('["grass"]', "[]")
