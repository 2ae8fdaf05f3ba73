"""Papers from a BibTeX file as reference managers write it (Zotero, JabRef, Mendeley, Google Scholar, DBLP)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from crawler.sources._bibtex import Entry, entries
from data.errors import InputError
from data.ids import arxiv_id
from data.records import BadRecord, PaperRecord

LARGEST = 64 * 1024 * 1024  # bytes of a file

_ARXIV = re.compile(r"arxiv[:\s/.]+(?:org/)?(?:abs/|pdf/)?(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})", re.I)
_YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
_VENUES = ("booktitle", "journal", "journaltitle")
_SAY_ARXIV = ("journal", "journaltitle", "note", "howpublished", "number", "url")
"""Fields in which managers hide an arXiv id: `journal = {arXiv preprint arXiv:1706.03762}`."""


def is_bibtex(path: Path) -> bool:
    """Whether a file's name says that it is BibTeX."""
    return path.suffix.lower() in (".bib", ".bibtex")


def read_bibtex(path: Path, *, now: datetime) -> Iterator[PaperRecord | BadRecord]:
    """The entries of a file as papers; one without a title is a BadRecord. A file that is not UTF-8 is read as Latin-1, as
    older managers write. `now` is UTC. Raises InputError where it cannot be read or holds no entries."""
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(str(path), f"is larger than {LARGEST // 1024**2} MiB")
        raw = path.read_bytes()
    except OSError as exc:
        raise InputError(str(path), f"cannot be read: {exc.strerror or exc}") from exc
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    count = 0
    for count, entry in enumerate(entries(text.replace("\r\n", "\n")), 1):  # noqa: B007
        yield _record(entry, f"{path}: @{entry.kind}{{{entry.key[:80]}", now)
    if not count:
        raise InputError(str(path), "holds no BibTeX entries", mend="they look like @article{key, title = {...}}")


def _record(entry: Entry, where: str, now: datetime) -> PaperRecord | BadRecord:
    from crawler.files import SOURCE, own_record

    venue = next((v for name in _VENUES if (v := entry.plain(name))), "")
    values: dict[str, Any] = {
        "title": " ".join(entry.plain("title").split()),
        "abstract": entry.plain("abstract"),
        "authors": list(entry.names("author")),
        "year": (_YEAR.findall(entry.plain("year") or entry.plain("date")) or [None])[0],
        "venue": "" if "arxiv" in venue.lower() else venue,
        "doi": entry.plain("doi").removeprefix("https://doi.org/"),
        "arxiv_id": _arxiv(entry) or "",
        "url": entry.plain("url"),
    }
    try:
        return own_record(values, now)
    except ValueError as exc:
        return BadRecord(source=SOURCE, where=where, problem=str(exc))


def _arxiv(entry: Entry) -> str | None:
    """The arXiv id: an `eprint` unless another archive's, else what a field spells."""
    eprint, archive = entry.plain("eprint"), entry.plain("archiveprefix") or entry.plain("eprinttype")
    if eprint and archive.lower() in ("", "arxiv") and (found := arxiv_id(eprint.removeprefix("arXiv:"))):
        return found
    for name in _SAY_ARXIV:
        if match := _ARXIV.search(entry.plain(name)):
            return arxiv_id(match[1])
    return None
