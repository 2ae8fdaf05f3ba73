"""Feeds out of the store: what there are feeds of, what stands in each, and their files.

An entry keeps its id for good (`data.feed_keys`), and its text does not change with the weather: of a paper's reasons only
those are told that stay what they are (STEADY), so that a reader does not show the paper anew for every upvote.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.keys import feed_token
from app.looking import found_by, saved_searches
from app.services import Services
from app.wiring import Frontier
from cron.feeds import FORMS, Entry, FeedContent, Form, Outline, opml, render, uri
from data import watching
from data.errors import FrontierError, InputError, UsageError
from data.feed_keys import publish, published_keys
from data.latex import to_html
from data.library import entries as library_entries
from data.library import hidden
from data.locks import hold
from data.papers import Paper
from data.text import clean
from data.watching import Event, Watch

if TYPE_CHECKING:
    from ranking.feed import Ranked, Reason

SpecKind = Literal["day", "area", "search", "tag", "watch", "interest"]
WRITTEN: Mapping[SpecKind, str] = {
    "day": "day", "area": "areas", "search": "searches", "tag": "tags", "watch": "watches", "interest": "interests",
}  # fmt: skip
"""What [feeds] write calls each kind."""

STEADY = ("relevance", "venue", "novelty")
"""Signals whose reasons stand in a feed. The others (points, citations, age, the user's taste) change from day to day."""

AMONG = 20_000
"""The latest papers, among which those that a saved search finds are looked for."""

INTEREST_DAYS = 14
"""Days with papers out of which an interest's feed has the likeliest."""

MANIFEST = ".feeds.json"
OPML_FILE = "feeds.opml"
DASHBOARD = "http://localhost:8501/"
"""Where `frontier dashboard` listens, unless the configuration says where people find it."""

PING_S = (5.0, 20.0)
"""Seconds within which a hub must take a connection, and answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSpec:
    """One feed that there is. `name` is safe in files and addresses and stays the same; `value` is the area, the tag, the
    interest or the number of the watch."""

    name: str
    title: str
    kind: SpecKind
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedsDone:
    """What writing the feeds did: `changed` files are new or different, `removed` are of feeds that are gone. `notes` say
    what could not be done, and why."""

    feeds: int
    changed: int
    removed: int
    folder: Path
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Literal["ok", "partial"]:
        return "partial" if self.notes else "ok"

    @property
    def line(self) -> str:
        said = f"{self.feeds} feeds, {self.changed} files new or changed, {self.removed} removed"
        return "; ".join([said, *self.notes])


# ---- what there are feeds of -----------------------------------------------------------------------------------------


def specs(services: Services) -> list[FeedSpec]:
    """Every feed there is: the ranked day, areas as configured, then searches, tags, watches and interests."""
    out = [FeedSpec(name="day", title="The ranked day", kind="day")]
    out += [
        FeedSpec(name=f"area-{_slug(name)}", title=services.area_title(name), kind="area", value=name)
        for name in services.areas
    ]
    known = watching.watches(services.reader)
    out += [
        FeedSpec(name=f"search-{w.id}", title=f"Search: {w.value}", kind="search", value=str(w.id))
        for w in known
        if w.kind == "search"
    ]
    tags = sorted({e.value for of in library_entries(services.reader, kinds=["tag"]).values() for e in of})
    out += [FeedSpec(name=f"tag-{_slug(tag.casefold())}", title=f"Tag: {tag}", kind="tag", value=tag) for tag in tags]
    out += [
        FeedSpec(name=f"watch-{w.id}", title=f"Watch: {w.kind} {w.value}", kind="watch", value=str(w.id)) for w in known
    ]
    return out + _interests(services)


def _interests(services: Services) -> list[FeedSpec]:
    """The interests that have a model; without enough likes there are none, and SciPy need not be imported."""
    from app.services import LEAST_LIKES
    from data.library import count_likes

    if count_likes(services.reader) < LEAST_LIKES:
        return []
    from app.personalising import Personal

    personal = Personal(services.frontier, services.reader)
    return [
        FeedSpec(
            name="-".join(["interest", *map(_slug, i.name.split(":", 1))]),
            title=f"For you: {i.title}",
            kind="interest",
            value=i.name,
        )
        for i in personal.interests
        if len(i.likes) >= LEAST_LIKES
    ]


def spec_named(services: Services, name: str) -> FeedSpec:
    """The feed of that name. Raises UsageError."""
    for spec in specs(services):
        if spec.name == name:
            return spec
    raise UsageError(f"no feed {name[:80]!r}", mend="'frontier feeds' lists those there are")


def _slug(text: str) -> str:
    """A name as lower-case ASCII words with hyphens; where that loses something, a digest makes it one of its own."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]
    if slug == text:
        return slug
    return "-".join(filter(None, (slug, hashlib.sha256(text.encode()).hexdigest()[:6])))


# ---- what stands in one ----------------------------------------------------------------------------------------------


def content(services: Services, spec: FeedSpec) -> FeedContent:
    """What stands in a feed now, at most [feeds] entries, the newest. Remembers under which id a paper is published.

    Raises UnknownArea for a search whose area is gone, UsageError for a watch that is, StoreError.
    """
    about, made = _FILLED[spec.kind](services, spec)
    return FeedContent(
        id=uri("feed", spec.name),
        title=f"Frontier: {spec.title}",
        about=about,
        home=_home(services.frontier),
        entries=made,
    )


def _home(frontier: Frontier) -> str:
    return frontier.config.digest.dashboard_url or frontier.config.serve.public_url or DASHBOARD


def _most(services: Services) -> int:
    return services.frontier.config.feeds.entries


def _day(services: Services, spec: FeedSpec) -> tuple[str, list[Entry]]:
    ranked = services.feed(k=_most(services)).ranked
    return "The best papers of the latest day, best first.", _papers(services, ranked)


def _area(services: Services, spec: FeedSpec) -> tuple[str, list[Entry]]:
    """The latest days of an area, and of the last of them the best; where days do not fill it, the latest papers without one."""
    reader, today, most = services.reader, services.frontier.now().date(), _most(services)
    where = services.filter(areas=[spec.value], until=today)
    unseen = hidden(reader)
    ids: list[int] = []
    for day, _ in reader.days():
        if day <= today and len(ids) < most:
            ids += [i for i in reader.passing(reader.announced(day, day), where) if i not in unseen]
    if len(ids) < most:
        unseen |= set(ids)
        ids += [i for i in reader.newest(where, most + len(unseen)) if i not in unseen]
    ranked = services.rank(ids, today=today, areas=services.leaves([spec.value]))
    latest = sorted(ranked, key=lambda r: _age(r.paper), reverse=True)[:most]
    return f"New papers of the focus area {spec.title}.", _in_order(_papers(services, latest))


def _search(services: Services, spec: FeedSpec) -> tuple[str, list[Entry]]:
    watch = next((w for w in saved_searches(services) if str(w.id) == spec.value), None)
    if watch is None:
        raise UsageError(f"the saved search {spec.value} is not there any more")
    reader = services.reader
    where = services.filter(until=services.frontier.now().date())
    found = found_by(services, watch, reader.newest(where, AMONG)) - hidden(reader)
    papers = sorted(reader.papers(found), key=lambda p: (_age(p), p.id), reverse=True)
    about = f"Papers that the saved search “{watch.value}” finds."
    return about, _in_order(_explained(services, [p.id for p in papers[: _most(services)]]))


def _tag(services: Services, spec: FeedSpec) -> tuple[str, list[Entry]]:
    done = library_entries(services.reader, kinds=["tag"])
    at = {i: e.at for i, of in done.items() for e in of if e.value == spec.value}
    latest = sorted(at, key=lambda i: (at[i], i), reverse=True)[: _most(services)]
    return f"Papers that you gave the tag {spec.value}.", _in_order(_explained(services, latest, came=at))


def _interest(services: Services, spec: FeedSpec) -> tuple[str, list[Entry]]:
    reader, today = services.reader, services.frontier.now().date()
    unseen = hidden(reader)
    days = [day for day, _ in reader.days() if day <= today][:INTEREST_DAYS]
    ids = [i for day in days for i in reader.announced(day, day) if i not in unseen]
    chances = services.chances(ids)
    of = chances.by_paper if chances else {}
    fitting = [i for i in ids if chances and chances.interest.get(i) == spec.value and spec.value in of.get(i, {})]
    best = sorted(fitting, key=lambda i: (-of[i][spec.value], i))[: _most(services)]
    about = f"What you are likeliest to like of the last {INTEREST_DAYS} days with papers."
    return about, _in_order(_explained(services, best))


def _watch(services: Services, spec: FeedSpec) -> tuple[str, list[Entry]]:
    watch = next((w for w in watching.watches(services.reader) if str(w.id) == spec.value), None)
    if watch is None:
        raise UsageError(f"the watch {spec.value} is not there any more")
    told = watching.events(services.reader, told=True)
    events = [e for e in told if e.watch == (watch.kind, watch.value)][-_most(services) :]
    return f"What happened to what you watch: {watch.kind} {watch.value}.", _events(services, watch, events[::-1])


_FILLED: Mapping[SpecKind, Callable[[Services, FeedSpec], tuple[str, list[Entry]]]] = {
    "day": _day, "area": _area, "search": _search, "tag": _tag, "watch": _watch, "interest": _interest,
}  # fmt: skip


# ---- entries ---------------------------------------------------------------------------------------------------------


def _age(paper: Paper) -> date:
    return paper.day or paper.date or date.min


def _in_order(made: list[Entry]) -> list[Entry]:
    """The newest first; those of one day by their ids, so that another ranking does not change the file."""
    return sorted(sorted(made, key=lambda e: e.id), key=lambda e: e.published, reverse=True)


def _explained(services: Services, paper_ids: Sequence[int], came: Mapping[int, datetime] | None = None) -> list[Entry]:
    ranked = services.rank(paper_ids, today=services.frontier.now().date(), with_hidden=True)
    return _papers(services, ranked, came)


def _papers(services: Services, ranked: Sequence[Ranked], came: Mapping[int, datetime] | None = None) -> list[Entry]:
    """Entries of papers; `came` says when those came into the feed that were known long before."""
    ids = [r.paper.id for r in ranked]
    keys, when = _keys(services, ids), _times(services, [r.paper for r in ranked], came or {})
    return [_entry(r.paper, _why(r.reasons), keys[r.paper.id], *when[r.paper.id]) for r in ranked]


def _why(reasons: Sequence[Reason]) -> str:
    return " · ".join(clean(r.text) for r in reasons if r.signal in STEADY and r.text)


def _entry(paper: Paper, why: str, key: str, published: datetime, updated: datetime) -> Entry:
    abstract = paper.abstract or paper.note
    parts = [*abstract.split("\n\n"), paper.comment]
    told = "".join(f"<p>{to_html(part)}</p>" for part in parts if part)
    return Entry(
        id=uri("paper", key),
        title=clean(paper.title),
        html=f"{told}<p><em>{escape(why)}</em></p>" if why else told,
        summary=why,
        url=_web(paper.url),
        authors=paper.authors,
        categories=paper.categories,
        published=published,
        updated=updated,
    )


def _events(services: Services, watch: Watch, events: Sequence[Event]) -> list[Entry]:
    """An event as an entry: it is what it is about, and never changes."""
    ids = [e.paper_id for e in events]
    papers = {p.id: p for p in services.reader.papers(ids)}
    keys = _keys(services, list(papers))
    out = []
    for event in events:
        paper = papers.get(event.paper_id)
        about = f"<p>{escape(event.text)}</p>"
        if paper:
            about += f"<p>{to_html(paper.title)}</p><p>{escape(', '.join(paper.authors[:10]))}</p>"
        out.append(
            Entry(
                id=uri("event", event.kind, keys.get(event.paper_id, str(event.paper_id)), event.subject or "-"),
                title=clean(f"{event.text}: {paper.title}" if paper and paper.title not in event.text else event.text),
                html=about,
                summary=clean(event.text),
                url=_web(paper.url) if paper else "",
                authors=paper.authors if paper else (),
                categories=(event.kind,),
                published=event.at.astimezone(UTC),
                updated=event.at.astimezone(UTC),
            )
        )
    return out


def _web(url: str) -> str:
    return url if url.startswith(("http://", "https://")) else ""


def _keys(services: Services, paper_ids: Sequence[int]) -> dict[int, str]:
    """The ids with which papers stand in feeds, kept now for those that never did."""
    known = published_keys(services.reader, paper_ids)
    if new := [i for i in paper_ids if i not in known]:
        store = services.frontier.open_store()
        try:
            publish(store, new)
        finally:
            store.close()
        known |= published_keys(services.reader, new)
    return known


def _times(
    services: Services, papers: Sequence[Paper], came: Mapping[int, datetime]
) -> dict[int, tuple[datetime, datetime]]:
    """The day of a paper, and when it came to be known or something about it changed last. A paper without a day is of the
    day on which it was published, else became known."""
    ids = [p.id for p in papers]
    seen = watching.watched_papers(services.reader, ids)
    changed = {i: of.added_at for i, of in seen.items()}
    for change in watching.changes_since(services.reader, 0, ids):
        changed[change.paper_id] = change.at
    out = {}
    for paper in papers:
        day = paper.day or paper.published or paper.date
        published = datetime.combine(day, time(), UTC) if day else seen[paper.id].added_at.astimezone(UTC)
        last = max(published, changed[paper.id], came.get(paper.id, published))
        out[paper.id] = (published, last.astimezone(UTC))
    return out


# ---- files and addresses ---------------------------------------------------------------------------------------------


def folder_of(frontier: Frontier) -> Path:
    """Where the files of feeds are."""
    return frontier.home.folder / Path(frontier.config.feeds.folder).expanduser()


def address_of(frontier: Frontier, name: str, form: Form) -> str:
    """The secret address of a feed over `frontier serve`; "" without [serve] public_url."""
    public = frontier.config.serve.public_url.rstrip("/")
    return f"{public}/feeds/{feed_token(frontier.home, name)}/{name}.{form}" if public else ""


def rendered(frontier: Frontier, spec: FeedSpec, made: FeedContent, form: Form) -> bytes:
    """The bytes of a feed, as its file and its address have them."""
    address = address_of(frontier, spec.name, form)
    return render(made, form, address=address, hub=frontier.config.serve.hub if address else "")


def outlines(frontier: Frontier, listed: Sequence[FeedSpec]) -> bytes:
    """OPML of feeds: by their addresses, or without [serve] public_url by their files."""
    folder = folder_of(frontier).resolve()
    return opml(
        "Frontier",
        [
            Outline(
                title=spec.title,
                address=address_of(frontier, spec.name, "atom") or (folder / f"{spec.name}.atom").as_uri(),
                home=_home(frontier),
            )
            for spec in listed
        ],
    )


def write_feeds(frontier: Frontier) -> FeedsDone:
    """Write the feeds that [feeds] write names, in every form, and feeds.opml; remove those of feeds that are gone, and tell
    the WebSub hub of those that changed. What did not change is not touched.

    One at a time; safe to kill and to run again: a file is whole or as it was, and a hub that was not told is told the next
    time. A feed that cannot be made keeps its files and is named in `notes`. Raises StoreError, and InputError when the
    folder cannot be written.
    """
    folder = folder_of(frontier)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with hold(folder / ".lock"):
            return _write(frontier, folder)
    except OSError as exc:
        raise InputError(str(exc.filename or folder), exc.strerror or str(exc), mend="check [feeds] folder") from exc


def _write(frontier: Frontier, folder: Path) -> FeedsDone:
    notes: list[str] = []
    services = Services(frontier)
    try:
        listed = [s for s in specs(services) if WRITTEN[s.kind] in frontier.config.feeds.write]
        wanted = [f"{s.name}.{form}" for s in listed for form in FORMS] + [OPML_FILE]
        manifest = _Manifest.read(folder / MANIFEST)
        gone = [name for name in manifest.told if name not in wanted]
        manifest.own(wanted)  # before any of them is there, so that a killed run leaves no file that nobody knows
        changed = 0
        for spec in listed:
            try:
                made = content(services, spec)
            except FrontierError as exc:
                notes.append(f"{spec.name}: {exc}")
                continue
            for form in FORMS:
                changed += _put(folder / f"{spec.name}.{form}", rendered(frontier, spec, made, form))
        changed += _put(folder / OPML_FILE, outlines(frontier, listed))
    finally:
        services.close()
    for name in gone:
        (folder / name).unlink(missing_ok=True)
        _aside(folder / name).unlink(missing_ok=True)
    manifest.keep(wanted)
    if note := _tell_hub(frontier, folder, manifest, listed):
        notes.append(note)
    return FeedsDone(feeds=len(listed), changed=changed, removed=len(gone), folder=folder, notes=tuple(notes))


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _put(path: Path, body: bytes) -> bool:
    """Write a file aside and rename it into place, unless it is the same; say whether it was written.

    Only the user may read it: it may hold a secret address, and always what he reads."""
    with suppress(FileNotFoundError):
        if path.read_bytes() == body:
            return False
    aside = _aside(path)
    aside.unlink(missing_ok=True)
    aside.touch(mode=0o600)
    aside.write_bytes(body)
    aside.replace(path)
    return True


class _Manifest:
    """The names of the files that are ours, each with the digest of what the hub was last told of; "" for nothing."""

    def __init__(self, path: Path, told: dict[str, str]) -> None:
        self.path = path
        self.told = told

    @classmethod
    def read(cls, path: Path) -> _Manifest:
        """The manifest; an empty one where there is none that can be read. Names that lead elsewhere are not ours."""
        try:
            known = json.loads(path.read_bytes())
        except (OSError, ValueError):
            known = {}
        names = known.get("files", {}) if isinstance(known, dict) else {}
        return cls(path, {str(n): str(d) for n, d in dict(names).items() if re.fullmatch(r"[a-z0-9][\w.-]*", str(n))})

    def own(self, names: Sequence[str]) -> None:
        self._save({**dict.fromkeys(names, ""), **self.told})

    def keep(self, names: Sequence[str]) -> None:
        self._save({name: self.told.get(name, "") for name in names})

    def _save(self, told: dict[str, str]) -> None:
        self.told = told
        _put(self.path, (json.dumps({"files": dict(sorted(told.items()))}, indent=1) + "\n").encode())


def _tell_hub(frontier: Frontier, folder: Path, manifest: _Manifest, listed: Sequence[FeedSpec]) -> str:
    """Tell the hub of files that are not what it was told of; "" or why it could not be told.

    Publishers say hub.mode=publish and the addresses, https://pubsubhubbub.github.io/PubSubHubbub/pubsubhubbub-core-0.4.html#rfc.section.7.
    """
    hub = frontier.config.serve.hub
    if not (hub and frontier.config.serve.public_url):
        return ""
    now = {name: hashlib.sha256(body).hexdigest() for name, body in _bodies(folder, listed)}
    news = [name for name, digest in now.items() if manifest.told.get(name) != digest]
    if not news:
        return ""
    import requests

    form_of = {f"{s.name}.{form}": (s.name, form) for s in listed for form in FORMS}
    topics = [address_of(frontier, *form_of[name]) for name in news]
    try:
        answer = requests.post(hub, data=[("hub.mode", "publish"), *(("hub.url", t) for t in topics)], timeout=PING_S)
    except (requests.RequestException, UnicodeError) as exc:
        return f"the hub {hub} was not reached and is told the next time ({type(exc).__name__})"
    if not answer.ok:
        return f"the hub {hub} answered {answer.status_code} and is told again the next time"
    manifest.told |= {name: now[name] for name in news}
    manifest.keep(list(manifest.told))
    return ""


def _bodies(folder: Path, listed: Sequence[FeedSpec]) -> Iterator[tuple[str, bytes]]:
    for spec in listed:
        for form in FORMS:
            with suppress(FileNotFoundError):
                yield f"{spec.name}.{form}", (folder / f"{spec.name}.{form}").read_bytes()
