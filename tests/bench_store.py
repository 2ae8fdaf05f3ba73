"""Measurements of the store: importing, matching, and what a day costs in a large store. `tests/bench.py` runs them.

Everything is made up from fixed seeds. Words follow Zipf's law, as in real abstracts, so that full text meets common and
rare words as it does there.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from bench_common import NOW, Figure, seconds

from app.watching import derive
from app.wiring import Frontier
from crawler.files import snapshot_record
from data.facets import basis
from data.records import PaperRecord
from data.seeds import known_datasets
from data.showing import put_full_text
from data.store import Store
from index.facets import read_facets

VOCABULARY = 20_000
"""Made-up words; the n-th most frequent one comes n times less often than the first."""

COMMENTS = (
    "12 pages, 5 figures",
    "Accepted at ICML {year}",
    "To appear in CVPR {year}. Code at https://github.com/example/made-up-{n}",
    "24 pages, LaTeX, report {n}",
    "8 pages, 3 figures, comments welcome",
    "Submitted to a journal as manuscript {n}",
    "31 pages; v2 of {n}: typos corrected, references added",
    "9 pages, 2 tables, {n} words",
    "",
    "",
    "",
    "",
)
"""What authors say; some name venues or code. Word for word, three in eight were said before, as of real ones."""

_CATEGORIES = ("cs.LG", "cs.CV cs.LG", "cs.CL", "stat.ML cs.LG", "hep-ph", "math.CO", "astro-ph.GA")


def _words(chance: random.Random) -> list[str]:
    starts, vowels, ends = "b c d f g k l m n p r s t v st tr pl".split(), "aeiou", ["", "n", "r", "s", "l", "t"]  # noqa: SIM905
    out: dict[str, None] = {}
    while len(out) < VOCABULARY:
        syllables = 1 + len(out) // 2_000 // 4 + chance.randrange(1, 3)
        out["".join(chance.choice(starts) + chance.choice(vowels) + chance.choice(ends) for _ in range(syllables))] = (
            None
        )
    return list(out)


def snapshot_lines(count: int, *, first: int = 0, words: int = 150) -> Iterator[str]:
    """Lines in the form of the arXiv metadata snapshot, from paper number `first` on; abstracts of about `words` words."""
    vocabulary = _words(random.Random(1))
    chance = random.Random(first + 2)
    weights = list(accumulate(1 / (n + 2) for n in range(VOCABULARY)))
    for n in range(first, first + count):
        length = chance.randrange(words * 2 // 3, words * 4 // 3)
        text = chance.choices(vocabulary, cum_weights=weights, k=length + 9)
        month, year = n // 20_000 % 12 + 1, 2016 + n // 240_000
        people = [
            [text[i].capitalize(), chance.choice("ABCDEFGHIJKLMNOP") + "."]
            for i in range(9, 9 + chance.randrange(1, 7))
        ]
        sentences = [" ".join(text[i : i + 20]).capitalize() for i in range(9, len(text), 20)]
        abstract = ". ".join(sentences) + ".\n"
        wrapped = "  " + "\n".join(abstract[i : i + 76].strip() for i in range(0, len(abstract), 76)) + "\n"
        yield (
            json.dumps(
                {
                    "id": f"{year % 100:02d}{month:02d}.{n % 20_000 + 1:05d}",
                    "submitter": f"{people[0][1]} {people[0][0]}",
                    "authors": ", ".join(f"{given} {family}" for family, given in people),
                    "title": f"{' '.join(text[:9]).capitalize()} of order {n}",
                    "comments": chance.choice(COMMENTS).format(year=year + 1, n=n) or None,
                    "journal-ref": f"Phys.Rev.D76:0130{n % 100:02d},{year}" if n % 11 == 0 else None,
                    "doi": f"10.1103/PhysRevD.76.{n:07d}" if n % 11 == 0 else None,
                    "report-no": None,
                    "categories": chance.choice(_CATEGORIES),
                    "license": "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
                    "abstract": wrapped,
                    "versions": [
                        {"version": f"v{v}", "created": f"Mon, {v} {_MONTHS[month - 1]} {year} 19:18:42 GMT"}
                        for v in range(1, chance.randrange(2, 4))
                    ],
                    "update_date": f"{year}-{month:02d}-20",
                    "authors_parsed": [[family, given, ""] for family, given in people],
                }
            )
            + "\n"
        )


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def write_snapshot(path: Path, count: int, *, first: int = 0, words: int = 150) -> Path:
    """A file of snapshot lines."""
    with path.open("w") as file:
        file.writelines(snapshot_lines(count, first=first, words=words))
    return path


# ---- importing ---------------------------------------------------------------------------------------------------


def importing(folder: Path, papers: int, repeat: int) -> Iterator[Figure]:
    """A snapshot into a fresh store, beside `sqlite-utils insert --nl` of the same file, the two by turns."""
    lines = write_snapshot(folder / "snapshot.jsonl", papers)
    mine: list[Run] = []
    plain: list[Run] = []
    for n in range(repeat):
        plain.append(run("sqlite_utils", "insert", str(folder / f"plain{n}.db"), "papers", str(lines), "--nl"))
        mine.append(run("app.cli", "import", str(lines), home=folder / f"import{n}"))
    wall, cpu = (statistics.median(getattr(r, name) for r in plain) for name in ("wall_s", "cpu_s"))
    what = f"import of {papers:,} snapshot lines"
    yield Figure(what, papers / statistics.median(r.wall_s for r in mine), "papers/s", papers / wall, INSERT)
    cpu_s = statistics.median(r.cpu_s for r in mine)
    yield Figure(f"{what}, by CPU time", papers / cpu_s, "papers/s", papers / cpu, INSERT)


INSERT = "sqlite-utils insert --nl"


def memory(folder: Path, few: int, many: int) -> Iterator[Figure]:
    """The most memory that an import takes, of few and of many lines."""
    taken = []
    for papers in (few, many):
        lines = write_snapshot(folder / f"{papers}.jsonl", papers)
        taken.append(run("app.cli", "import", str(lines), home=folder / f"memory{papers}").peak_mb)
        lines.unlink()
    yield Figure(f"memory of an import of {few:,} lines", taken[0], "MB")
    yield Figure(f"memory of an import of {many:,} lines", taken[1], "MB", taken[0], f"of {few:,}")


@dataclass(frozen=True, slots=True)
class Run:
    """What a process took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(module: str, *arguments: str, home: Path | None = None) -> Run:
    """One command in a fresh process. Raises SystemExit when it fails."""
    environment = os.environ | ({"FRONTIER_HOME": str(home)} if home else {})
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} ended with {process.returncode}")
    return Run(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


# ---- a day -------------------------------------------------------------------------------------------------------

MODEL = "made-up"
DIMENSIONS = 384
A_DAY = 1_500
A_PAGE = 200
AREAS = [f"area-{n}" for n in range(12)]


def prepared(home: Path, papers: int, times: int = 1) -> Path:
    """A home with `times` times `papers` papers that are embedded, judged and read for data sets. Only `papers` of them are
    stored record by record; the rest are copies made by SQL, which is all that makes a million bearable."""
    store = filled(home / "papers.sqlite", papers, words=80)
    for n in range(1, times):
        with store.transaction() as conn:
            copy_papers(conn, papers, papers * n)
    finish(store)
    store.close()
    return home


def filled(path: Path, papers: int, *, words: int = 150) -> Store:
    """A new store of `papers` papers, stored record by record."""
    store = Store(path)
    for _ in store.put_stream("import", map(own_record, snapshot_lines(papers, words=words)), now=NOW):
        pass
    return store


def copy_papers(conn: sqlite3.Connection, papers: int, shift: int) -> None:
    """The papers 1 to `papers` again, with numbers that are higher by `shift`: copies that have ids, titles and match keys of
    their own, and share abstracts and people with what they are made from."""
    number = "({0} + :shift - 1)"
    arxiv = f"printf('%02d%02d.%05d', 16 + {number} / 240000, {number} / 20000 % 12 + 1, {number} % 20000 + 1)"
    other = {
        "id": "id + :shift",
        "paper_id": "paper_id + :shift",
        "key": f"'arxiv:' || {arxiv.format('id')}",
        "title": "title || ' ' || :shift",
        "title_key": "title_key || :shift",
        "source_id": arxiv.format("paper_id"),
        "value": f"CASE scheme WHEN 'arxiv' THEN {arxiv.format('paper_id')} ELSE value || '.' || :shift END",
        "match_keys.key": "random()",
    }
    for table, of in (
        ("papers", "id"),
        ("sightings", "paper_id"),
        ("paper_ids", "paper_id"),
        ("match_keys", "paper_id"),
    ):
        columns = [row[1] for row in conn.execute(f"PRAGMA table_info({table})")]
        values = ", ".join(other.get(f"{table}.{c}", other.get(c, c)) for c in columns)
        conn.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE {of} <= :papers",
            {"shift": shift, "papers": papers},
        )
    put_full_text(conn, shift + 1, shift + papers)


def finish(store: Store) -> None:
    """Vectors, relevance and data sets for all papers of a store, as their work would have left them."""
    chance = random.Random(3)
    known = [row.name for row in known_datasets()]
    with store.transaction() as conn:
        conn.execute("DELETE FROM waiting")
        ids = [row[0] for row in conn.execute("SELECT id FROM papers ORDER BY id")]
        conn.execute(
            "CREATE TEMP TABLE kept AS SELECT sql, name FROM sqlite_master WHERE name IN ('vectors_ai', 'vectors_au')"
        )
        for (name,) in conn.execute("SELECT name FROM temp.kept").fetchall():
            conn.execute(f"DROP TRIGGER {name}")
        conn.executemany(
            "INSERT INTO vectors (paper_id, model, text_hash, vector, seq) SELECT id, ?2, text_hash, ?3, ?1 FROM papers"
            " WHERE id = ?1",
            ((i, MODEL, chance.randbytes(4 * DIMENSIONS)) for i in ids),
        )
        for (sql,) in conn.execute("SELECT sql FROM temp.kept").fetchall():
            conn.execute(sql)
        conn.execute("UPDATE counters SET value = (SELECT max(seq) FROM vectors) WHERE name = 'vectors'")
        conn.execute("INSERT INTO vector_counts SELECT model, count(*) FROM vectors GROUP BY model")
        conn.executemany(
            "INSERT INTO area_scores (paper_id, area, score, basis) VALUES (?, ?, ?, ?)",
            ((i, area, chance.random(), MODEL) for i in ids for area in chance.sample(AREAS, 2)),
        )
        conn.execute("INSERT INTO facet_texts SELECT id, text_hash, ? FROM papers", (basis(),))
        conn.executemany(
            "INSERT INTO facets (paper_id, kind, name, introduces) VALUES (?, 'dataset', ?, ?)",
            ((i, f"MadeUp{i}Bench", 1) if i % 40 == 0 else (i, chance.choice(known), 0) for i in ids if i % 3),
        )
        conn.executemany(
            "INSERT INTO waiting_for (kind, basis) VALUES (?, ?)",
            [("embed", MODEL), ("score", MODEL), ("facets", basis())],
        )


def own_record(line: str, *, announced: bool = False) -> PaperRecord:
    """The paper of a snapshot line, as the snapshot's or as a listing's."""
    record = snapshot_record(json.loads(line))
    if announced:
        return replace(record, source="arxiv", day=NOW.date(), announce_type="new")
    return record


def a_day(home: Path, number: int) -> dict[str, float]:
    """What a day of A_DAY new papers takes, in CPU seconds by part; network and encoding are left out, for they are the same
    in every store. `number` tells the days apart."""
    lines = snapshot_lines(A_DAY, first=2_000_000 + number * A_DAY)
    records = [own_record(line, announced=True) for line in lines]
    frontier = Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": NOW.isoformat()})
    took: dict[str, float] = {}

    @contextmanager
    def part(name: str) -> Iterator[None]:
        started = time.process_time()
        yield
        took[name] = took.get(name, 0.0) + time.process_time() - started

    with part("open"):
        store, reader = frontier.open_store(), frontier.open_reader()
    with part("ask"):
        reader.uncounted("semantic_scholar", NOW, 1_000)
        reader.recent_threads("hacker_news", NOW)
        reader.unknown_arxiv_ids(500)
    with part("store"):
        for start in range(0, A_DAY, A_PAGE):
            page = f"https://arxiv.example/list?skip={start}"
            batch = records[start : start + A_PAGE]
            store.put("arxiv", batch, now=NOW, cursor={"from": start}, validators=(page, f'"{number}"', ""))
    with part("embed"):
        waiting = reader.to_embed(MODEL)
        for start in range(0, len(waiting), 256):
            rows = reader.texts(waiting[start : start + 256])
            store.put_vectors(MODEL, [(i, text, b"\0" * 4 * DIMENSIONS) for i, text, _ in rows])
    with part("index"):
        _, last = reader.vector_state(MODEL)
        assert sum(1 for _ in reader.vectors_since(MODEL, last - len(waiting))) == len(waiting) == A_DAY
    with part("judge"):
        unjudged = reader.to_score(MODEL, MODEL)
        reader.vectors(MODEL, unjudged)
        reader.texts(unjudged)
        store.put_area_scores(MODEL, ((i, dict.fromkeys(AREAS, 0.5)) for i in unjudged))
    with part("pairs"):
        reader.open_pairs()
    with part("data sets"):
        assert read_facets(store, reader) == len(unjudged) == A_DAY
    with part("events"):
        derive(frontier)
    reader.close()
    store.close()
    return took


def daily(small: Path, large: Path, names: tuple[str, str], repeat: int) -> Iterator[Figure]:
    """What a day takes in a small and in a large store, the two by turns; the first day of each is not counted."""
    took: dict[Path, list[float]] = {small: [], large: []}
    for number in range(repeat + 1):
        for home in (small, large):
            seconds = sum(a_day(home, number).values())
            if number:
                took[home].append(seconds)
    few, many = (statistics.median(took[home]) for home in (small, large))
    yield Figure(f"a day into {names[0]} papers", few, "s CPU")
    yield Figure(f"a day into {names[1]} papers", many, "s CPU", few, f"into {names[0]}")


def matching(store: Path, papers: int, count: int) -> float:
    """Sightings a second that find their paper in a store of `papers`, which is not changed: half of them proceedings pages
    of papers that are there, under a title that differs a little, and half new ones."""
    half = count // 2
    known = map(own_record, snapshot_lines(half))
    pages = [
        replace(
            r, source="pages", source_id=f"page {n}", title=retitled(r.title, n), ids=(), journal_ref="", venue="ICML"
        )
        for n, r in enumerate(known)
    ]
    new = map(own_record, snapshot_lines(half, first=papers))
    seen = [record for pair in zip(pages, new, strict=True) for record in pair]
    added = 0

    def put() -> None:
        nonlocal added
        for start in range(0, len(seen), 500):
            added += copied.put("pages", seen[start : start + 500], now=NOW).new

    with tempfile.TemporaryDirectory(dir=store.parent) as fresh:
        copied = Store(Path(shutil.copy(store, fresh)))
        rate = len(seen) / seconds(put)
        copied.close()
    if abs(added - half) > half // 20:
        raise SystemExit(f"matching went wrong: {added} of {half} new papers")
    return rate


def retitled(title: str, number: int) -> str:
    """A title as proceedings print it: an article more, an ending more or less, or a name before a colon; which of them, goes
    by `number`."""
    words = title.split()
    longest = max(range(len(words)), key=lambda i: len(words[i]))
    match number % 4:
        case 0:
            words.insert(2, "the")
        case 1:
            words[longest] += "s"
        case 2:
            words[longest] = words[longest][:-1]
        case _:
            words.insert(0, f"{words[0]}Net:")
    return " ".join(words)


def figures(folder: Path, quick: bool) -> Iterator[Figure]:
    """All figures of the store; the large store has 1,000,000 papers for a day, 150,000 for matching (quick: 12,000)."""
    yield from importing(folder, *((5_000, 1) if quick else (50_000, 3)))
    yield from memory(folder, *((5_000, 15_000) if quick else (30_000, 120_000)))
    few, times = (2_000, 6) if quick else (10_000, 100)
    homes = prepared(folder / "small", few), prepared(folder / "large", few, times)
    yield from daily(*homes, (f"{few:,}", f"{few * times:,}"), 1 if quick else 3)
    for home in homes:
        shutil.rmtree(home)
    small, large = (3_000, 12_000) if quick else (10_000, 150_000)
    rates: dict[int, list[float]] = {small: [], large: []}
    for papers in rates:
        filled(folder / f"{papers}.sqlite", papers).close()
    for _ in range(1 if quick else 3):
        for papers, taken in rates.items():
            taken.append(matching(folder / f"{papers}.sqlite", papers, 5_000))
    few_known, many_known = statistics.median(rates[small]), statistics.median(rates[large])
    yield Figure(f"matching into {small:,} papers", few_known, "papers/s")
    yield Figure(f"matching into {large:,} papers", many_known, "papers/s", few_known, f"into {small:,}")
