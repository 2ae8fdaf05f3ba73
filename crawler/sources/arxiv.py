"""arXiv: the day's papers, checked against the day's listing; and any window of the past.

Which way papers come:

- The daily run reads the announcement feed, then the listing page of each category, and takes as the papers of a day
  exactly what the listing of that day names. The feed alone cannot be trusted: it is known to serve yesterday's batch
  under today's date. A listing that is short is filled from the feed, from its further pages, or from OAI-PMH.
- The first days, days that no run saw, and windows that are asked for, come from OAI-PMH, resumed where it broke off.

The feed and OAI-PMH are programs' interfaces with terms of their own (`terms`); listing pages go by robots.txt, which
allows /list. Documented at https://info.arxiv.org/help/rss.html, https://info.arxiv.org/help/oa/index.html and
https://info.arxiv.org/help/api/user-manual.html; all ask for one request in three seconds.

The cursor's keys: `verified`, the newest day whose listing is known to be complete for `categories`; `oai:SET`, a list
that is owed or half read; `through:SET`, the day up to which OAI-PMH was read; `window:SET`, a half-read window; `again`, a
day whose listing was short, so that it is read again even if the feed has not changed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from crawler.source import Cursor, Expect, Failure, Fetch, MoveCursor, Notice, Output, Page, Standing, Window
from crawler.sources._arxiv_calendar import OUT_BY, is_overdue, no_announcement, standing
from crawler.sources._arxiv_pages import SOURCE, Listing, parse_api, parse_feed, parse_listing, parse_oai
from crawler.sources._arxiv_text import EASTERN, covers, expected_day, previous_day, set_spec
from crawler.sources._arxiv_text import category as spelled
from crawler.sources._table import Options, Secrets, Table
from data.errors import PageError
from data.records import BadRecord, PaperRecord

__all__ = ["ArxivById", "ArxivSource", "expected_day"]

TERMS = "https://info.arxiv.org/help/api/tou.html"
CATEGORIES_A_FEED = 60  # joined in one feed's address
ENTRIES_A_PAGE = 2000  # what /list shows at most
MAX_RESTARTS = 2  # of one OAI-PMH list whose token was refused
SAME_BATCH = 0.5  # a feed with less than this share of its papers on the listing is another day's
IDS_A_REQUEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What the listing of one category says of its new and cross-listed papers."""

    day: date
    ids: frozenset[str]  # those that were got
    total: int
    from_oai: frozenset[str] = frozenset()
    filled: bool = False  # some of them are not from its pages

    @property
    def missing(self) -> int:
        return max(0, self.total - len(self.ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """How far the check of one day has come; it travels from request to request in their contexts."""

    now: datetime
    expected: date
    weekend: bool
    verified: date | None
    again: bool  # the listing was short in an earlier run
    feeds: tuple[tuple[str, ...], ...]  # categories of each feed still to be asked
    todo: tuple[str, ...] = ()  # categories whose listing is still to be read
    feed_day: date | None = None
    feed: Mapping[str, PaperRecord] = field(default_factory=dict)  # new and cross, by id
    replaced: frozenset[str] = frozenset()
    feed_lost: Mapping[str, str] = field(default_factory=dict)  # category -> problem
    read: Mapping[str, _Read] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)  # category -> problem of its listing
    short: Mapping[str, str] = field(default_factory=dict)  # category -> problem of filling up its listing
    confirmed: Mapping[str, str] = field(default_factory=dict)  # OAI-PMH was asked about an empty day -> problem
    topics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # categories of what was given, by id
    sent: frozenset[str] = frozenset()
    listing_oai: frozenset[str] = frozenset()  # categories whose OAI-PMH list is under way in this run
    held: Mapping[str, PaperRecord] = field(default_factory=dict)  # cross-listed, perhaps new in a category to come

    @property
    def done(self) -> bool:
        """The expected day's listing is known to be complete since an earlier run."""
        return self.verified is not None and self.verified >= self.expected

    def wants(self, day: date) -> bool:
        """Whether the listing of this day is still to be taken in."""
        return self.verified is None or day > self.verified or day >= self.expected

    @property
    def empty(self) -> bool:
        """Every listing was read, is of the expected day, and has no entries."""
        return (
            bool(self.read)
            and not self.lost
            and all(r.day >= self.expected and not r.total for r in self.read.values())
        )


class ArxivSource:
    """New, cross-listed and replaced papers of some categories, day by day.

    ValueError for a category that cannot be one. The base addresses are those of arXiv unless told otherwise.
    """

    name = SOURCE
    terms = TERMS

    def __init__(
        self,
        categories: Sequence[str],
        first_days: int = 14,
        *,
        rss: str = "https://rss.arxiv.org",
        site: str = "https://arxiv.org",
        oai: str = "https://oaipmh.arxiv.org/oai",
    ) -> None:
        self.categories = tuple(dict.fromkeys(spelled(c) for c in categories))
        self.first_days = first_days
        self._rss, self._site, self._oai = rss.rstrip("/"), site.rstrip("/"), oai

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """The feed of the day (and lists that an earlier run left half read); or the window's OAI-PMH lists."""
        if not self.categories:
            return
        if window.since or window.until:
            for category in self.categories:
                yield self._windowed(category, cursor, window)
            return
        expected = expected_day(window.now)
        known = cursor.get("categories")
        followed = known is None or set(self.categories) <= set(known)
        verified = _day(cursor.get("verified"))
        size = CATEGORIES_A_FEED
        check = _Check(
            now=window.now,
            expected=expected,
            weekend=window.now.astimezone(EASTERN).weekday() >= 5,
            verified=verified if followed else None,
            again=_day(cursor.get("again")) == expected,
            feeds=tuple(self.categories[i : i + size] for i in range(0, len(self.categories), size)),
        )
        owed: dict[str, str] = {}
        under_way = set()
        for category in self.categories:
            spec = set_spec(category)
            if isinstance(half := cursor.get(f"oai:{spec}"), Mapping):
                yield self._resumed(category, f"oai:{spec}", half, window, previous_day(expected))
                under_way.add(category)
                continue
            reached = [d for d in (_day(cursor.get(f"through:{spec}")),) if d]
            if verified and (known is None or category in known):
                reached.append(verified)
            since = max(reached, default=None)
            if since is None:
                owed[category] = (window.now.date() - timedelta(days=self.first_days)).isoformat()
            elif since < previous_day(expected):
                owed[category] = since.isoformat()
        yield self._feed(replace(check, listing_oai=frozenset(under_way | owed.keys())), owed)

    def _windowed(self, category: str, cursor: Cursor, window: Window) -> Fetch:
        since = window.since.isoformat() if window.since else ""
        until = window.until.isoformat() if window.until else ""
        key = f"window:{set_spec(category)}"
        half = cursor.get(key)
        if not isinstance(half, Mapping) or (half.get("from"), half.get("until")) != (since, until):
            half = {"from": since, "until": until}
        return self._resumed(category, key, half, window, None)

    def _resumed(self, category: str, key: str, half: Mapping[str, Any], window: Window, through: date | None) -> Fetch:
        """Go on with a list by its token, which lives until midnight UTC; else from its start."""
        context = {
            "step": "list",
            "category": category,
            "key": key,
            "from": str(half.get("from") or ""),
            "until": str(half.get("until") or ""),
            "through": through.isoformat() if through else "",
        }
        alive = half.get("day") == window.now.date().isoformat()
        return self._list(context, str(half.get("token") or "") if alive else "")

    def _list(self, context: Mapping[str, Any], token: str = "", priority: int = 0) -> Fetch:
        if token:
            return Fetch(
                url=f"{self._oai}?verb=ListRecords&resumptionToken={quote(token, safe='')}",
                kind="api",
                context=context,
                priority=priority,
            )
        url = f"{self._oai}?verb=ListRecords&metadataPrefix=arXivRaw&set={set_spec(context['category'])}"
        url += f"&from={context['from']}" if context["from"] else ""
        url += f"&until={context['until']}" if context["until"] else ""
        return Fetch(url=url, kind="api", context=context, priority=priority)

    def _feed(self, check: _Check, owed: Mapping[str, str]) -> Fetch:
        trusted = check.done and not check.again
        return Fetch(
            url=f"{self._rss}/rss/{'+'.join(check.feeds[0])}",
            kind="api",
            context={"step": "feed", "check": check, "owed": owed},
            conditional=trusted,
            remember=True,
            priority=100,
        )

    def _listing(self, check: _Check) -> Fetch:
        category = check.todo[0]
        return Fetch(
            url=f"{self._site}/list/{category}/new",
            kind="page",
            context={"step": "listing", "category": category, "check": check, "so_far": None},
            priority=50,
            about=f"{len(check.feed)} new and cross-listed papers of the feed wait for the listing that confirms them",
        )

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """Records of one page, what to ask next, and how far the source has come."""
        step = page.fetch.context["step"]
        if step == "feed":
            return self._parse_feed(page)
        if step == "listing":
            return self._parse_listing(page)
        if step == "fill":
            return self._parse_fill(page)
        return self._parse_list(page)

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A lost feed is replaced by the listings, a lost listing by the feed or by OAI-PMH."""
        context = failure.fetch.context
        problem = _problem(failure)
        if context["step"] == "feed":
            check: _Check = context["check"]
            lost = {**check.feed_lost, **dict.fromkeys(check.feeds[0], problem)}
            yield from self._owed(context["owed"], check)
            yield from self._after_feed(replace(check, feed_lost=lost, todo=(*check.todo, *check.feeds[0])))
        elif context["step"] == "listing":
            if context["so_far"] is not None:  # only its second page is lost
                yield from self._take(context["check"], context["category"], context["so_far"])
            else:
                check = context["check"]
                yield from self._advance(replace(check, lost={**check.lost, context["category"]: problem}))
        elif context["step"] == "fill":
            yield from self._filled(context, problem)
        else:
            yield Notice(
                text=f"the OAI-PMH list of {context['category']} broke off ({problem}); the next run goes on with it",
                lost=True,
            )

    def _parse_feed(self, page: Page) -> Iterator[Output]:
        check: _Check = page.fetch.context["check"]
        feed = None if page.not_modified else parse_feed(page.body)
        yield from self._owed(page.fetch.context["owed"], check)
        if feed is not None:
            yield from feed.bad
            replaced = {r.source_id: r for r in feed.papers if r.update_only}
            yield from replaced.values()
            fresh = {r.source_id: r for r in feed.papers if not r.update_only}
            check = replace(
                check,
                feed={**check.feed, **fresh},
                feed_day=check.feed_day or feed.day,
                replaced=check.replaced | replaced.keys(),
                # A verified day with an empty feed is a weekend or a holiday: nothing to check.
                todo=check.todo if check.done and not fresh else (*check.todo, *check.feeds[0]),
            )
        yield from self._after_feed(check)

    def _owed(self, owed: Mapping[str, str], check: _Check) -> Iterator[Output]:
        """Note first that these lists are owed, so that a run that ends early cannot forget them; then ask."""
        if owed:
            yield MoveCursor(
                values={
                    f"oai:{set_spec(c)}": {"from": since, "until": "", "token": "", "day": ""}
                    for c, since in owed.items()
                }
            )
        for category, since in owed.items():
            yield self._list(
                {
                    "step": "list",
                    "category": category,
                    "key": f"oai:{set_spec(category)}",
                    "from": since,
                    "until": "",
                    # Not the expected day itself: the answers are cached for hours, and may still lack it.
                    "through": previous_day(check.expected).isoformat(),
                }
            )

    def _after_feed(self, check: _Check) -> Iterator[Output]:
        check = replace(check, feeds=check.feeds[1:])
        if check.feeds:
            yield self._feed(check, {})
        elif check.todo:
            yield self._listing(check)
        elif nothing := no_announcement(check.verified, check.now):
            yield nothing
        else:
            yield Notice(text=f"the papers of {check.verified} are all here since an earlier run")

    # ---- the listing of one category ----------------------------------------------------------------------------

    def _parse_listing(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        listing = parse_listing(page.body)
        so_far: Listing | None = context["so_far"]
        if so_far is not None:
            listing = _joined(so_far, listing)
        elif _missing(listing):
            yield Fetch(
                url=f"{page.fetch.url}?skip={listing.shown}&show={ENTRIES_A_PAGE}",
                kind="page",
                context={**context, "so_far": listing},
                priority=page.fetch.priority,
            )
            return
        yield from self._take(context["check"], context["category"], listing)

    def _take(self, check: _Check, category: str, listing: Listing) -> Iterator[Output]:
        """The papers of one listing; where it shows fewer than its total, fill up from the feed, else from OAI-PMH."""
        yield from listing.bad
        if check.wants(listing.day):
            yield from (r for i, r in listing.papers["replace"].items() if i not in check.replaced)
        check = replace(check, replaced=check.replaced | listing.papers["replace"].keys())
        found = {s: {i: _joint(check.feed.get(i), r) for i, r in listing.papers[s].items()} for s in ("new", "cross")}
        short = _missing(listing)
        if short:
            found = _filled_from_feed(check, category, listing, found)
        for kind in ("new", "cross"):
            check = yield from self._give(check, category, listing.day, kind, found[kind].values())
        ids = frozenset([*found["new"], *found["cross"]])
        read = _Read(day=listing.day, ids=ids, total=_total(listing), filled=short)
        check = replace(check, read={**check.read, category: read})
        if read.missing:
            context = {
                "step": "fill",
                "category": category,
                "from": listing.day.isoformat(),
                "until": "",
                "check": check,
                "restarts": 0,
            }
            yield self._list(context, priority=50)
        else:
            yield from self._advance(check)

    def _give(
        self, check: _Check, category: str, day: date, kind: str, records: Iterable[PaperRecord]
    ) -> Generator[PaperRecord, None, _Check]:
        """Yield the records as papers of this day; returns the check with them noted."""
        later = check.todo[1:] if check.todo and check.todo[0] == category else check.todo
        wanted = check.wants(day)
        sent, held, topics = set(check.sent), dict(check.held), dict(check.topics)
        for record in records:
            topics[record.source_id] = record.categories
            if not wanted or record.source_id in sent:
                continue
            dated = replace(record, day=day, announce_type=kind, update_only=False)
            if kind == "cross" and record.categories and any(covers(c, record.categories[0]) for c in later):
                held.setdefault(record.source_id, dated)  # its own category's listing says whether it is new today
                continue
            sent.add(record.source_id)
            yield dated
        return replace(check, sent=frozenset(sent), held=held, topics=topics)

    def _parse_fill(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        check: _Check = context["check"]
        category = context["category"]
        answer = parse_oai(page.body)
        if answer.error == "badResumptionToken" and context["restarts"] < MAX_RESTARTS:
            yield self._list({**context, "restarts": context["restarts"] + 1}, priority=50)
            return
        if answer.error and answer.error != "noRecordsMatch":
            raise PageError(f"arXiv OAI-PMH: {answer.error}: {answer.problem}")
        read = check.read[category]
        fresh = [r for r in answer.records if r.day == read.day and r.source_id not in read.ids]
        own = [r for r in fresh if r.categories and covers(category, r.categories[0])]
        for kind, records in (("new", own), ("cross", [r for r in fresh if r not in own])):
            check = yield from self._give(check, category, read.day, kind, records)
        more = {r.source_id for r in fresh}
        read = replace(read, ids=read.ids | more, from_oai=read.from_oai | more)
        context = {**context, "check": replace(check, read={**check.read, category: read})}
        if answer.token:
            yield self._list(context, answer.token, priority=50)
        else:
            yield from self._filled(context)

    def _filled(self, context: Mapping[str, Any], problem: str = "") -> Iterator[Output]:
        check: _Check = context["check"]
        if context.get("confirm"):
            confirmed = {**check.confirmed, context["category"]: problem}
            yield from self._confirm_or_close(replace(check, confirmed=confirmed))
            return
        yield from self._advance(replace(check, short={**check.short, context["category"]: problem}))

    def _advance(self, check: _Check) -> Iterator[Output]:
        check = replace(check, todo=check.todo[1:])
        if check.todo:
            yield self._listing(check)
        else:
            yield from self._confirm_or_close(check)

    def _confirm_or_close(self, check: _Check) -> Iterator[Output]:
        """Whether an empty day is empty, OAI-PMH is asked category by category; then the check ends."""
        doubtful = check.empty and is_overdue(check.expected, check.now) and no_announcement(None, check.now) is None
        category = next((c for c in check.read if c not in check.confirmed), None) if doubtful else None
        if category is None:
            yield from self._close(check)
            return
        day = check.expected.isoformat()
        context = {"step": "fill", "confirm": True, "category": category, "from": day, "until": day}
        yield self._list({**context, "check": check, "restarts": 0}, priority=50)

    # ---- the end of the day's check -----------------------------------------------------------------------------

    def _close(self, check: _Check) -> Iterator[Output]:
        """Give what was held back, judge the feed, say what was expected and what is missing, move the cursor."""
        check = replace(check, read={c: _with_others(check, c) for c in check.read})
        yield from (record for i, record in check.held.items() if i not in check.sent)
        from_feed = yield from self._leftovers(check)
        for day in sorted({r.day for r in check.read.values()}):
            if check.wants(day):
                reads = [r for r in check.read.values() if r.day == day]
                count = len(_union(r.ids for r in reads)) + sum(r.missing for r in reads)
                yield Expect(what=f"arXiv {day}", count=count)
        yield from _feed_notices(check)
        for category, read in check.read.items():
            if read.missing:
                problem = check.short.get(category)
                yield Notice(
                    text=f"{read.missing} of {read.total} papers of {category} announced on {read.day} "
                    f"could not be fetched{f' ({problem})' if problem else ''}",
                    lost=True,
                )
        yield from self._verdict(check, from_feed=from_feed)

    def _leftovers(self, check: _Check) -> Generator[Output, None, int]:
        """The feed's papers that no listing named: of a category whose listing is lost or old, or of another day.

        Returns how many of them are believed to be of the feed's day.
        """
        listed = _union(r.ids for r in check.read.values())
        feed_day = check.feed_day or check.expected
        unread = {c for c in self.categories if c in check.lost}
        unread |= {c for c, r in check.read.items() if r.day < feed_day}
        doubted = {c for c in unread if not self._trusted(check, c, unread, listed)}
        unchecked = 0
        for number, record in check.feed.items():
            if number in listed:
                continue
            open_to = {c for c in unread - doubted if any(covers(c, k) for k in record.categories)}
            if open_to:
                unchecked += 1
                yield replace(record, day=feed_day)
            else:
                yield replace(record, announce_type="")  # real, but not of this day: OAI-PMH or an earlier run has it
        asked_oai = {c: p for c, p in check.lost.items() if c in doubted or c in check.feed_lost}
        for names, problem in _by_problem(asked_oai):
            yield Notice(text=f"no listing page of {names} ({problem}): OAI-PMH is asked instead")
        for names, problem in _by_problem({c: p for c, p in check.lost.items() if c not in asked_oai}):
            yield Notice(
                text=f"no listing page of {names} ({problem}): "
                f"these papers of {feed_day} are the feed's, without a cross-check"
            )
        since = (check.verified or previous_day(check.expected)).isoformat()
        yield from self._owed({c: since for c in asked_oai if c not in check.listing_oai}, check)
        if unchecked and unread - doubted - check.lost.keys():
            yield Notice(
                text=f"{unchecked} papers of the feed of {feed_day} are taken without a cross-check: "
                f"the listing pages of {', '.join(sorted(unread - doubted - check.lost.keys()))} are of an earlier day"
            )
        return unchecked

    def _trusted(self, check: _Check, category: str, unread: set[str], listed: frozenset[str]) -> bool:
        """Whether the feed's date can be believed for a category whose own listing of that day is not there."""
        mine = {i: r for i, r in check.feed.items() if any(covers(category, k) for k in r.categories)}
        if category in check.read:  # an earlier day's listing: is the feed that same batch?
            old = check.read[category].ids
            return sum(i in old for i in mine) < SAME_BATCH * len(mine)
        if not mine or (check.feed_day and check.feed_day < check.expected):
            return False  # nothing of the expected day to believe
        others = [c for c in check.read if c not in unread]
        known = [i for i, r in mine.items() if any(covers(c, k) for c in others for k in r.categories)]
        if not known:
            known = [i for i, r in check.feed.items() if any(covers(c, k) for c in others for k in r.categories)]
        return sum(i in listed for i in known) >= SAME_BATCH * len(known)

    def _verdict(self, check: _Check, *, from_feed: int) -> Iterator[Output]:
        if not check.read:
            if not check.done and not from_feed and (missed := standing(None, check.now)):
                yield missed
            return
        days = [r.day for r in check.read.values()]
        newest = max(days)
        if check.empty:
            yield _empty_day(check)
            return
        if not from_feed and (said := standing(newest, check.now)):
            yield said
        if behind := [c for c, r in check.read.items() if r.day < newest]:
            yield Notice(text=f"the listing of {', '.join(behind)} is older than {newest}")
        complete = not check.lost and not any(r.missing for r in check.read.values())
        complete = complete and set(check.read) >= set(self.categories)
        if not complete:
            return
        filled = newest.isoformat() if any(r.filled for r in check.read.values()) else None
        if check.verified is None or min(days) > check.verified:
            yield MoveCursor(values={"verified": min(days).isoformat(), "categories": list(self.categories)})
        if filled or check.again:
            yield MoveCursor(values={"again": filled})

    # ---- OAI-PMH lists ------------------------------------------------------------------------------------------

    def _parse_list(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        answer = parse_oai(page.body)
        restarts, deleted = context.get("restarts", 0), context.get("deleted", 0) + answer.deleted
        start = {"from": context["from"], "until": context["until"], "token": "", "day": ""}
        if answer.error == "badResumptionToken":
            if restarts >= MAX_RESTARTS:
                raise PageError(f"arXiv OAI-PMH: {answer.error} again and again: {answer.problem}")
            yield MoveCursor(values={context["key"]: start})
            yield self._list({**context, "restarts": restarts + 1, "deleted": 0})
            return
        if answer.error and answer.error != "noRecordsMatch":
            raise PageError(f"arXiv OAI-PMH: {answer.error}: {answer.problem}")
        yield from answer.records
        yield from answer.bad
        if answer.token:
            today = page.fetched_at.date().isoformat()
            yield MoveCursor(values={context["key"]: {**start, "token": answer.token, "day": today}})
            yield self._list({**context, "deleted": deleted}, answer.token)
            return
        if deleted:
            yield Notice(text=f"{deleted} records of {context['category']} are marked as deleted and were skipped")
        done: dict[str, Any] = {context["key"]: None}
        if context["through"]:
            done[f"through:{set_spec(context['category'])}"] = context["through"]
        yield MoveCursor(values=done)


class ArxivById:
    """The papers with these arXiv ids, by the query API: for papers that threads mention.

    Ids are bare (`2107.05580`, `math/0309136`). https://info.arxiv.org/help/api/user-manual.html
    """

    name = SOURCE
    terms = TERMS

    def __init__(self, ids: Iterable[str], *, api: str = "https://export.arxiv.org/api/query") -> None:
        self.ids = tuple(dict.fromkeys(ids))
        self._api = api

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """One request for up to a hundred ids."""
        for i in range(0, len(self.ids), IDS_A_REQUEST):
            yield self._ask(self.ids[i : i + IDS_A_REQUEST])

    def _ask(self, ids: Sequence[str]) -> Fetch:
        return Fetch(
            url=f"{self._api}?id_list={quote(','.join(ids), safe=',/')}&start=0&max_results={len(ids)}",
            kind="api",
            context={"ids": tuple(ids)},
        )

    def parse(self, page: Page) -> Iterator[Output]:
        """The papers found; those that arXiv does not return are named in a Notice."""
        answer = parse_api(page.body)
        if answer.problem:
            raise PageError(f"arXiv API: {answer.problem}")
        yield from answer.records
        yield from answer.bad
        found = {r.source_id for r in answer.records}
        if missing := [i for i in page.fetch.context["ids"] if i not in found]:
            yield Notice(text=f"arXiv returned nothing for {len(missing)} of the ids asked: {', '.join(missing[:20])}")

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A refused request (400: one id is malformed) is asked again in halves, down to the id that is refused."""
        ids = failure.fetch.context["ids"]
        if failure.status == 400 and len(ids) > 1:
            yield self._ask(ids[: len(ids) // 2])
            yield self._ask(ids[len(ids) // 2 :])
        elif failure.status == 400:
            yield BadRecord(source=SOURCE, where=ids[0], problem="arXiv refuses the id")
        else:
            yield Notice(text=f"{len(ids)} papers could not be asked for at arXiv ({_problem(failure)})", lost=True)


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _problem(failure: Failure) -> str:
    return failure.problem or f"HTTP {failure.status}"


def _total(listing: Listing) -> int:
    return sum(listing.totals.get(s, 0) for s in ("new", "cross"))


def _missing(listing: Listing) -> bool:
    return any(len(listing.papers[s]) < listing.totals.get(s, 0) for s in ("new", "cross"))


def _joined(first: Listing, second: Listing) -> Listing:
    """Two pages of one listing as one; the second alone if the day has changed in between."""
    if first.day != second.day:
        return second
    return Listing(
        day=first.day,
        totals={s: max(first.totals.get(s, 0), second.totals.get(s, 0)) for s in first.totals | second.totals},
        shown=first.shown + second.shown,
        papers={s: first.papers[s] | second.papers[s] for s in first.papers},
        bad=first.bad + second.bad,
    )


def _filled_from_feed(
    check: _Check, category: str, listing: Listing, found: dict[str, dict[str, PaperRecord]]
) -> dict[str, dict[str, PaperRecord]]:
    """Add the feed's papers to a short listing, where they are of the same batch and make up its totals exactly."""
    shown = [i for s in found.values() for i in s]
    if check.feed_day != listing.day or sum(i in check.feed for i in shown) < SAME_BATCH * max(1, len(shown)):
        return found
    more: dict[str, dict[str, PaperRecord]] = {s: dict(papers) for s, papers in found.items()}
    for number, record in check.feed.items():
        if number not in shown and any(covers(category, k) for k in record.categories):
            own = bool(record.categories) and covers(category, record.categories[0])
            more["new" if own else "cross"][number] = record
    return more if all(len(more[s]) == listing.totals.get(s, 0) for s in more) else found


def _with_others(check: _Check, category: str) -> _Read:
    """What was read of one category, and the papers of its listing that were got by way of another's."""
    read = check.read[category]
    if not read.missing:
        return read
    others = _union(r.ids for r in check.read.values() if r.day == read.day)
    known = {i for i in others if any(covers(category, topic) for topic in check.topics.get(i, ()))}
    return replace(read, ids=read.ids | known)


def _by_problem(lost: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Categories that failed in the same way, named together."""
    for problem in dict.fromkeys(lost.values()):
        yield ", ".join(c for c, p in lost.items() if p == problem), problem


def _joint(fed: PaperRecord | None, listed: PaperRecord) -> PaperRecord:
    """What feed and listing say of one paper: the feed's words, and the comment, which only the listing has."""
    if fed is None:
        return listed
    return replace(
        fed,
        comment=fed.comment or listed.comment,
        journal_ref=fed.journal_ref or listed.journal_ref,
        withdrawn=fed.withdrawn or listed.withdrawn,
    )


def _empty_day(check: _Check) -> Standing:
    """What it means that the listing of the expected day has no entries."""
    day, retry = check.expected, "asked for again by the next run"
    if nothing := no_announcement(None, check.now):
        return nothing
    if not is_overdue(day, check.now):
        text = f"the listing of {day} has no entries yet; due by {OUT_BY:%H:%M} US/Eastern"
        return Standing(verdict="waiting", text=text)
    if found := len(_union(r.ids for r in check.read.values())):
        text = f"the listing of {day} has no entries, but OAI-PMH has {found} papers of that day, which were taken; {retry}"
    elif problem := next((p for p in check.confirmed.values() if p), ""):
        text = f"the listing of {day} has no entries, and OAI-PMH could not say whether that is so ({problem}); {retry}"
    elif check.feed_lost or check.feed or check.feed_day != day:
        shows = "could not be fetched" if check.feed_lost else f"of {check.feed_day} has {len(check.feed)} papers"
        text = f"the listing of {day} has no entries, but the feed {shows}; {retry}"
    else:
        text = f"nothing was announced for {day}: feed and listing of the day are empty, and OAI-PMH has no paper of it"
        return Standing(verdict="quiet", text=text)
    return Standing(verdict="stalled", text=text)


def _feed_notices(check: _Check) -> Iterator[Notice]:
    """What was wrong with the feed, and how its papers were got all the same."""
    for names, problem in _by_problem(check.feed_lost):
        so = ": the day is taken from the listing pages" if check.read else ""
        yield Notice(text=f"the feed of {names} could not be fetched ({problem}){so}")
    if check.weekend and not check.feed:
        return  # as it should be
    reads = {c: r for c, r in check.read.items() if r.day >= check.expected and c not in check.feed_lost}
    listed = _union(r.ids for r in reads.values())
    absent = listed - check.feed.keys()
    if not absent:
        return
    by_oai = len(absent & _union(r.from_oai for r in reads.values()))
    ways = [f"{len(absent) - by_oai} were taken from the listing pages"] if len(absent) > by_oai else []
    ways += [f"{by_oai} from OAI-PMH"] if by_oai else []
    parts = ", ".join(f"{c} {n}" for c, r in reads.items() if (n := len(r.ids & absent)))
    hits = len(listed & check.feed.keys())
    if check.feed and hits < SAME_BATCH * len(check.feed):
        fault = f"is stale: {hits} of its {len(check.feed)} papers are on the day's listing"
    else:
        fault = f"is short: it has {hits} of {len(listed)} papers"
    yield Notice(text=f"the feed of {check.feed_day} {fault}; {', '.join(ways)} ({parts})")


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _arxiv_options(options: Options) -> Table:
    return Table("sources.arxiv", options, ("categories", "first_days", "rss_url", "site_url", "oai_url", "api_url"))


def from_config(options: Options, secrets: Secrets) -> ArxivSource:
    """The source out of [sources.arxiv]. Raises ConfigError."""
    table = _arxiv_options(options)
    more = table.keywords({"first_days": "first_days", "rss": "rss_url", "site": "site_url", "oai": "oai_url"})
    table.keywords({"api": "api_url"})  # used by `by_id_from_config`, checked here
    return ArxivSource(table.texts("categories", spelled), **more)


def by_id_from_config(ids: Iterable[str], options: Options) -> ArxivById:
    """The look-up of single arXiv papers, under the options of [sources.arxiv]. Raises ConfigError."""
    return ArxivById(ids, **_arxiv_options(options).keywords({"api": "api_url"}))
