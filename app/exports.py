"""Papers in other people's forms."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence

from data.papers import Paper

_SPECIAL = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}"}


def paper_line(paper: Paper, ids: Sequence[str]) -> str:
    """One paper as a JSON line with the field names that `frontier import` reads; importing it again changes nothing."""
    by_scheme = dict(i.split(":", 1) for i in ids if ":" in i)
    line = {
        "id": paper.key,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": list(paper.authors),
        "year": paper.year,
        "published": paper.published.isoformat() if paper.published else None,
        "venue": paper.venue,
        "venue_status": paper.venue_status,
        "arxiv_id": by_scheme.get("arxiv"),
        "doi": by_scheme.get("doi"),
        "url": paper.url,
        "keywords": list(paper.keywords),
        "categories": list(paper.categories),
        "comment": paper.comment,
        "day": paper.day.isoformat() if paper.day else None,
        "ids": list(ids),
    }
    return json.dumps({k: v for k, v in line.items() if v not in (None, "", [])}, ensure_ascii=False)


def bibtex(paper: Paper, ids: Sequence[str]) -> str:
    """One paper as a BibTeX entry: @inproceedings where a venue is known, else @misc with its arXiv eprint."""
    arxiv = next((i.removeprefix("arxiv:") for i in ids if i.startswith("arxiv:")), "")
    doi = next((i.removeprefix("doi:") for i in ids if i.startswith("doi:")), "")
    at_venue = bool(paper.venue) and paper.venue != "arXiv"
    fields = {
        "title": "{" + _tex(paper.title) + "}",
        "author": " and ".join(_tex(a) for a in paper.authors),
        "year": str(paper.year or ""),
        "booktitle": _tex(paper.venue) if at_venue else "",
        "eprint": arxiv,
        "archiveprefix": "arXiv" if arxiv else "",
        "primaryclass": paper.categories[0] if arxiv and paper.categories else "",
        "doi": doi,
        "url": paper.url,
    }
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{'inproceedings' if at_venue else 'misc'}{{{_bibtex_key(paper)},\n{body}\n}}"


def told_apart(entries: Iterable[str]) -> list[str]:
    """BibTeX entries with different keys, as BibTeX refuses equal ones: a key that is used again gets a number."""
    seen: set[str] = set()
    out = []
    for entry in entries:
        head, _, rest = entry.partition(",")
        key, number = head, 2
        while key in seen:
            key, number = f"{head}-{number}", number + 1
        seen.add(key)
        out.append(f"{key},{rest}")
    return out


def _bibtex_key(paper: Paper) -> str:
    surname = paper.authors[0].rsplit(" ", 1)[-1] if paper.authors else "anonymous"
    words = [w for w in re.findall(r"\w+", paper.title) if len(w) > 3]
    raw = f"{surname}{paper.year or ''}{words[0] if words else paper.id}"
    plain = unicodedata.normalize("NFKD", raw).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", plain) or f"paper{paper.id}"


def _tex(text: str) -> str:
    return "".join(_SPECIAL.get(c, c) for c in text)
