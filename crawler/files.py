"""Papers from a file of JSON lines, plain or gzip: Frontier's own form, or the arXiv metadata snapshot; or from Google
Scholar alert mails: a file of .eml or .html, an mbox, a maildir or a folder of such files; or from BibTeX (.bib).

The snapshot is Cornell-University/arxiv at https://www.kaggle.com/datasets/Cornell-University/arxiv (CC0), about three
million lines; each line says by its keys which of the two forms it has.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from crawler.bibtex import is_bibtex, read_bibtex
from crawler.mailbox import is_mail_path, mails_of
from crawler.sources._arxiv_text import is_withdrawn, names_of, parse_time, split_authors
from crawler.sources.scholar_alerts import parse_mail
from data.errors import InputError, MalformedId
from data.ids import PaperId, arxiv_id, parse_id, url_of
from data.records import BadRecord, MentionRecord, PaperRecord, Signal
from data.text import clean

SOURCE = "import"
SNAPSHOT = "arxiv_snapshot"
LONGEST_LINE = 16 * 1024 * 1024  # bytes
LONGEST_IMPORT_ID = 200  # characters

_SKIPPED_AT_ONCE = 1024 * 1024
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # UTF-8 has none, so only an escape can be one
_MONTHS = {m: i for i, m in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}  # noqa: SIM905


def read_records(path: Path, *, now: datetime) -> Iterator[PaperRecord | MentionRecord | BadRecord]:
    """The papers of a file, line by line, in constant memory. A line that is no paper is a BadRecord. Alert mails give
    their mentions too.

    `now` (UTC) dates the citation counts. Raises InputError where the file cannot be read or is cut short, after
    everything before that was yielded.
    """
    if is_mail_path(path):
        yield from _from_mails(path)
        return
    if is_bibtex(path):
        yield from read_bibtex(path, now=now)
        return
    yield from records_of(read_lines(path), now)


def records_of(lines: Iterable[tuple[bytes, str] | BadRecord], now: datetime) -> Iterator[PaperRecord | BadRecord]:
    """The papers of lines that `read_lines` gave. A line that is no paper is a BadRecord."""
    for line in lines:
        found = line if isinstance(line, BadRecord) else _object(*line)
        yield found if isinstance(found, BadRecord) else record_of(*found, now)


def is_lines(path: Path) -> bool:
    """Whether `read_records` reads the file line by line."""
    return not (is_mail_path(path) or is_bibtex(path))


class Openable(Protocol):
    """A file, wherever it lies; its text names it."""

    def open(self, mode: Literal["rb"], /) -> IO[bytes]: ...


def read_objects(path: Openable) -> Iterator[tuple[str, dict[str, Any]] | BadRecord]:
    """The JSON objects of a file, plain or gzip, line by line, in constant memory, each with where it stands. Blank lines are
    left out, a line that is no object is a BadRecord, and lone surrogates, which SQLite cannot store, are dropped.

    Raises InputError where the file cannot be read or is cut short, after everything before that was yielded.
    """
    for line in read_lines(path):
        yield line if isinstance(line, BadRecord) else _object(*line)


def read_lines(path: Openable) -> Iterator[tuple[bytes, str] | BadRecord]:
    """The lines of `read_objects` as they are, each with where it stands. Raises InputError as that does."""
    number, name = 0, str(path)
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            lines: IO[bytes] = gzip.GzipFile(fileobj=plain) if zipped else plain  # type: ignore[assignment]
            while line := lines.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                    while (rest := lines.readline(_SKIPPED_AT_ONCE)) and not rest.endswith(b"\n"):
                        pass
                    yield BadRecord(source=SOURCE, where=f"{name}:{number}", problem="a line of more than 16 MiB")
                    continue
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line.strip():
                    yield line, f"{name}:{number}"
    except EOFError as exc:
        raise InputError(str(path), f"is cut short after line {number}") from exc
    except (gzip.BadGzipFile, zlib.error) as exc:
        raise InputError(str(path), f"is damaged after line {number}: {exc}") from exc
    except OSError as exc:
        where = f" after line {number}" if number else ""
        raise InputError(str(path), f"cannot be read{where}: {exc.strerror or exc}") from exc


def _object(line: bytes, where: str) -> tuple[str, dict[str, Any]] | BadRecord:
    try:
        values = json.loads(line.decode())
        if b"\\u" in line and _SURROGATE.search(line):
            values = json.loads(json.dumps(values, ensure_ascii=False).encode("utf-8", "ignore"))
        if not isinstance(values, dict):
            raise ValueError(f"a {type(values).__name__}, not an object")
    except (ValueError, RecursionError) as exc:
        return BadRecord(source=SOURCE, where=where, problem=_problem(exc))
    return where, values


def record_of(where: str, values: Mapping[str, Any], now: datetime) -> PaperRecord | BadRecord:
    """The paper of one JSON object that stands at `where`, in either of the two forms."""
    try:
        if "versions" in values or "authors_parsed" in values:
            return snapshot_record(values)
        return own_record(values, now)
    except (ValueError, MalformedId) as exc:
        return BadRecord(source=SOURCE, where=where, problem=_problem(exc))


def _from_mails(path: Path) -> Iterator[PaperRecord | MentionRecord | BadRecord]:
    """InputError for a folder in which there are no mails."""
    count = 0
    for count, mail in enumerate(mails_of(path), 1):  # noqa: B007
        if mail.body is None:
            yield BadRecord(source=SOURCE, where=mail.where, problem=mail.problem)
            continue
        records = list(parse_mail(mail.body))
        yield from records or [BadRecord(source=SOURCE, where=mail.where, problem="no Google Scholar alert")]
    if not count:
        raise InputError(str(path), "a folder without mails", mend="mails end in .eml or .html")


def _problem(exc: Exception) -> str:
    if isinstance(exc, UnicodeDecodeError):
        return f"not UTF-8 at byte {exc.start + 1}"
    if isinstance(exc, json.JSONDecodeError):
        return f"not JSON: {exc.msg} at character {exc.pos + 1}"
    return "nested too deeply" if isinstance(exc, RecursionError) else str(exc)


# ---- Frontier's own form -----------------------------------------------------------------------------------------


def own_record(values: Mapping[str, Any], now: datetime) -> PaperRecord:
    """The paper of a line in Frontier's own form; `now` (UTC) dates its citation count. Values that are not what they should
    be count as not given. Raises ValueError without a title."""
    title = _title(values)
    named = clean(_text(values, "id"))
    ids, own = _ids(values, named)
    authors = _authors(values.get("authors"))
    published = _date(values.get("published"))
    year = _year(values.get("year")) or (published.year if published else None)
    url = clean(_text(values, "url"))
    import_id = "" if own or len(named) > LONGEST_IMPORT_ID else named
    source_id = import_id or (str(own) if own else "") or (str(ids[0]) if ids else "") or url
    if not source_id or len(source_id) > 4 * LONGEST_IMPORT_ID:
        source_id = _digest(named or f"{title}\n{authors}\n{year}")
    return PaperRecord(
        source=SOURCE,
        source_id=source_id,
        title=title,
        ids=ids,
        import_id=import_id,
        abstract=_text(values, "abstract") or _text(values, "summary"),
        authors=authors,
        year=year,
        published=published,
        day=_date(values.get("day")),
        venue=_text(values, "venue"),
        venue_status=_text(values, "venue_status"),
        url=url or (url_of(ids[0]) if ids else ""),
        categories=_words(values.get("categories"), None),
        comment=_text(values, "comment"),
        keywords=_words(values.get("keywords"), ";"),
        signals=_citations(values.get("citations"), now),
    )


def _title(values: Mapping[str, Any]) -> str:
    title = values.get("title")
    if not isinstance(title, str) or not title.strip():
        raise ValueError("no title")
    return title


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and key == "id" else ""


def _ids(values: Mapping[str, Any], named: str) -> tuple[tuple[PaperId, ...], PaperId | None]:
    """All ids of the line, and the one that its `id` spells, if it spells one."""
    out: dict[PaperId, None] = {}
    if (text := _text(values, "arxiv_id")) and (number := arxiv_id(text)):
        out[PaperId("arxiv", number)] = None
    if text := _text(values, "doi").strip():
        _try(out, text if "doi" in text[:20].lower() else f"doi:{text}")
    if text := _text(values, "url"):
        _try(out, text)
    own = _try(out, named) if named else None
    return tuple(out), own


def _try(out: dict[PaperId, None], text: str) -> PaperId | None:
    try:
        paper_id = parse_id(text)
    except MalformedId:
        return None
    out[paper_id] = None
    return paper_id


def _authors(value: Any) -> tuple[str, ...]:
    """Names as a list, as a list of objects with `name`, or as one string."""
    if isinstance(value, str):
        return split_authors(value)
    if not isinstance(value, list):
        return ()
    names = [v.get("name") if isinstance(v, dict) else v for v in value]
    return tuple([n for n in names if isinstance(n, str)])


def _words(value: Any, separator: str | None) -> tuple[str, ...]:
    """A list of texts, or one text with separators (None: white space)."""
    if isinstance(value, str):
        value = value.split(separator if separator is None or separator in value else ",")
    return tuple([v.strip() for v in value if isinstance(v, str) and v.strip()]) if isinstance(value, list) else ()


def _year(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value.strip()) == 4:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 1000 <= value <= 9999 else None


def _date(value: Any) -> date | None:
    """The day of an ISO date or time; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def _citations(value: Any, now: datetime) -> tuple[Signal, ...]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return ()
    return (Signal(name="citations", value=float(value), at=now),)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


# ---- the arXiv metadata snapshot -----------------------------------------------------------------------------------


def snapshot_record(values: Mapping[str, Any]) -> PaperRecord:
    """The paper of a line of the snapshot. Raises ValueError without a title, MalformedId without an arXiv id."""
    number = _text(values, "id").strip()
    own = PaperId("arxiv", number)
    ids = {own: None}
    for one in _text(values, "doi").split():
        _try(ids, f"doi:{one}")
    abstract, comment = _text(values, "abstract"), _text(values, "comments")
    versions = values.get("versions")
    last, first = _versions(versions if isinstance(versions, list) else [])
    return PaperRecord(
        source=SNAPSHOT,
        source_id=number,
        title=_title(values),
        ids=tuple(ids),
        abstract=abstract,
        authors=_parsed_names(values.get("authors_parsed")) or split_authors(_text(values, "authors")),
        year=first.year if first else None,
        published=first,
        updated=_date(values.get("update_date")),
        url=url_of(own),
        categories=tuple(_text(values, "categories").split()),
        comment=comment,
        journal_ref=_text(values, "journal-ref"),
        version=last,
        withdrawn=is_withdrawn(comment, abstract),
    )


def _versions(versions: list[Any]) -> tuple[int | None, date | None]:
    """The newest version's number, and the day of the first."""
    last, first = None, None
    for version in versions:
        if not isinstance(version, dict):
            continue
        name = str(version.get("version", "")).removeprefix("v")
        if name.isdecimal():
            last = max(last or 0, int(name))
        if name == "1":
            first = _sent(str(version.get("created", "")))
    return last, first


def _sent(text: str) -> date | None:
    """The UTC day of `Mon, 2 Apr 2007 19:18:42 GMT`."""
    parts = text.split()
    if len(parts) == 6 and parts[5] == "GMT" and parts[2] in _MONTHS:
        try:
            return date(int(parts[3]), _MONTHS[parts[2]], int(parts[1]))
        except ValueError:
            return None
    when = parse_time(text)
    return when.date() if when else None


def _parsed_names(people: Any) -> tuple[str, ...]:
    """Names from [last, first, suffix, ...]."""
    if not isinstance(people, list):
        return ()
    parts = [
        [p if isinstance(p, str) else "" for p in (*one, "", "", "")[:3]] for one in people if isinstance(one, list)
    ]
    return names_of([(last, first, suffix) for last, first, suffix in parts])
