"""Papers into a Zotero library: what is there already is not written twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.exports import Item, parted
from app.jobs import secrets
from app.wiring import Frontier
from crawler.files import own_record
from crawler.zotero import KEY_VARIABLE, values_of
from cron.zotero import Zotero
from data.errors import MalformedId, UsageError
from data.journals import JOURNALS
from data.text import title_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of papers for Zotero: how many are new in `library`, how many were there, and why others were refused."""

    library: str
    new: int
    known: int
    failed: tuple[str, ...]


def to_zotero(
    frontier: Frontier,
    items: Sequence[Item],
    *,
    library: str = "",
    collection: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> Sent:
    """Write papers that the library does not have, by DOI, arXiv id or address, with their tags; safe to repeat.

    `library` is a user's number or groups/NUMBER, "" for that of the key's owner. Raises UsageError without a key,
    FrontierError when the library cannot be read or written; what was written before stays.
    """
    key = secrets(frontier).get(KEY_VARIABLE, "").strip()
    if not key:
        raise UsageError(
            f"a Zotero library needs its key in {KEY_VARIABLE}",
            mend="make one that may write at https://www.zotero.org/settings/keys/new",
        )
    zotero = Zotero(key=key, sleep=sleep, library=library, api=frontier.config.zotero.api_url)
    there = {name for data in zotero.items() for name in _names_of(data, frontier)}
    new = [item for item in items if there.isdisjoint(_names(item))]
    if not new:
        return Sent(library=zotero.library, new=0, known=len(items), failed=())
    held = zotero.collection(collection) if collection else ""
    refused = list(zotero.add([zotero_item(item, held) for item in new]))
    return Sent(
        library=zotero.library,
        new=len(new) - len(refused),
        known=len(items) - len(new),
        failed=tuple(f"{new[one.place].paper.key} was not written: {one.reason}" for one in refused),
    )


def _names(item: Item) -> Iterator[str]:
    """What a paper is known by: its ids and its address; one without any by its title."""
    yield from item.ids
    if item.url:
        yield item.url
    elif not (item.id_of("arxiv") or item.id_of("doi")):
        yield title_key(item.paper.title)


def _names_of(data: Mapping[str, Any], frontier: Frontier) -> Iterator[str]:
    values = values_of(data)
    with suppress(ValueError, MalformedId):
        yield from map(str, own_record(values, frontier.now()).ids)
    yield from filter(None, (values["url"], title_key(values["title"])))


def zotero_item(item: Item, collection: str = "") -> dict[str, Any]:
    """A paper as the API takes it: conferencePaper, journalArticle, or preprint. Field names:
    https://api.zotero.org/schema."""
    paper, arxiv = item.paper, item.id_of("arxiv")
    made: dict[str, Any] = {
        "title": paper.title,
        "creators": [_creator(name) for name in paper.authors],
        "abstractNote": paper.abstract,
        "date": paper.published.isoformat() if paper.published else str(paper.year or ""),
        "DOI": item.id_of("doi"),
        "url": item.url,
        "tags": [{"tag": tag} for tag in item.tags],
        "collections": [collection] if collection else [],
    }
    if not item.venue:
        place = {"repository": "arXiv", "archiveID": f"arXiv:{arxiv}"} if arxiv else {}
        return {"itemType": "preprint", **made, **place}
    extra = {"extra": f"arXiv:{arxiv}"} if arxiv else {}
    if item.venue in JOURNALS:
        return {"itemType": "journalArticle", **made, "publicationTitle": item.venue, **extra}
    name = paper.appeared if paper.appeared.startswith(item.venue) else item.venue
    return {"itemType": "conferencePaper", **made, "proceedingsTitle": name, **extra}


def _creator(name: str) -> dict[str, str]:
    found = parted(name)
    if found:
        return {"creatorType": "author", "lastName": found[0], "firstName": found[1]}
    return {"creatorType": "author", "name": name}
