"""Several interests of one reader, and the day dealt out among them. Pure functions.

An interest is a focus area, a saved search or (if wished) a tag. Likes belong to every interest that they fit; each
interest learns from its own likes alone, so that two never average into one in the middle. In the list, each interest
has places of its own, a paper stands once, under its best interest, and a share of the places explores.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from ranking.feed import Ranked, Reason

if TYPE_CHECKING:
    from index.encoders import Vectors

Kind: TypeAlias = Literal["area", "search", "tag", "rest"]

REST = "rest"
"""The interest of what was liked and fits no other."""

EXPLORING = "exploring"
"""The signal of the reason that a paper carries which stands in the list to explore."""

TRUST = 20.0
"""Likes at which an interest's own model counts half of what it says against an area's zero-shot relevance."""

_SURE = 1e-6
"""How near to 0 and 1 a chance may come before its odds are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What one model is learnt from: papers to the user's liking and not. `name` is `area:rl`, `search:7`, `tag:thesis` or
    REST; `title` is what people see."""

    name: str
    title: str
    likes: tuple[int, ...] = ()
    dislikes: tuple[int, ...] = ()

    @property
    def kind(self) -> Kind:
        before, colon, _ = self.name.partition(":")
        return before if colon and before in ("area", "search", "tag") else REST  # type: ignore[return-value]


def sorted_out(
    titles: Mapping[str, str],
    fitting: Mapping[int, Collection[str]],
    likes: Collection[int],
    dislikes: Collection[int],
) -> list[Interest]:
    """The interests with the likes and dislikes that fit them, in the order of `titles` (name to what people see), REST
    last. `fitting` are the names of the interests that each paper fits; what fits none is REST's.

    A paper that was liked and disliked is not looked at twice: the library keeps the later word.
    """
    out = []
    for name, title in titles.items():
        out.append(
            Interest(
                name=name,
                title=title,
                likes=tuple(sorted(i for i in likes if name in fitting.get(i, ()))),
                dislikes=tuple(sorted(i for i in dislikes if name in fitting.get(i, ()))),
            )
        )
    alone = {i for i in (*likes, *dislikes) if not any(name in titles for name in fitting.get(i, ()))}
    rest = Interest(
        name=REST,
        title="other papers that you liked",
        likes=tuple(sorted(alone.intersection(likes))),
        dislikes=tuple(sorted(alone.intersection(dislikes))),
    )
    return [*out, rest]


def improved(relevance: float, chance: float, prior: float, likes: int) -> float:
    """An area's zero-shot relevance, corrected by what its own likes taught: the model's odds against its `prior` are
    multiplied in, to the power likes / (likes + TRUST), as both look at the same words. In [0, 1]."""
    share = likes / (likes + TRUST)
    logit = _logit(relevance) + share * (_logit(chance) - _logit(prior))
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


def _logit(chance: float) -> float:
    inside = min(1 - _SURE, max(_SURE, chance))
    return math.log(inside / (1 - inside))


def best_interest(chances: Mapping[str, float], fitting: Collection[str] = ()) -> str:
    """The interest under which a paper is listed, "" for none: of those that it fits, the one whose model gives it the
    best chance; where it fits none that has a model, the best of all that have one."""
    among = {name: c for name, c in chances.items() if name in fitting} or chances
    return max(sorted(among), key=lambda name: among[name], default="")


def dealt(
    ranked: Sequence[Ranked],
    interest_of: Mapping[int, str],
    quotas: Mapping[str, float],
    *,
    k: int,
    explore: float = 0.0,
    titles: Mapping[str, str] | None = None,
) -> list[Ranked]:
    """The first `k` places of a day, dealt out. `ranked` is best first; `interest_of` says under which interest each paper
    stands; papers under none (or one without a quota) stand under "".

    `quotas` are the interests' shares, of any sum. Every place goes to the interest that is furthest behind its share
    and has papers left, to its best one; so every beginning of the list keeps the shares, too. Of every 1 / `explore`
    places the last goes to a paper that scores best without what is known of the user and is not listed otherwise; it
    carries a reason EXPLORING. Papers keep their scores: a list so dealt out is not in their order. `titles` are what
    people call the interests.
    """
    if not quotas:
        return list(ranked[:k])
    k = min(k, len(ranked))
    every = round(1 / explore) if explore > 0 else 0
    exploring = [n for n in range(k) if every and n % every == every - 1]
    chosen = _by_turns(ranked, interest_of, quotas, k - len(exploring))
    listed = {r.paper.id for r in chosen}
    unknown = sorted(
        (r for r in ranked if r.paper.id not in listed and r.belongs), key=lambda r: (-_impersonal(r), r.paper.id)
    )
    out: list[Ranked] = []
    spare, main = iter(unknown), iter(chosen)
    for place in range(k):
        item = next(spare, None) if place in exploring else None
        if item is not None:
            out.append(_explores(item))
        elif (following := next(main, None)) is not None:
            out.append(replace(following, interest=(titles or {}).get(interest_of.get(following.paper.id, ""), "")))
    return out


def _by_turns(
    ranked: Sequence[Ranked], interest_of: Mapping[int, str], quotas: Mapping[str, float], count: int
) -> list[Ranked]:
    waiting: dict[str, list[Ranked]] = {}
    for item in ranked:
        name = interest_of.get(item.paper.id, "")
        waiting.setdefault(name if name in quotas else "", []).append(item)
    for items in waiting.values():
        items.reverse()  # the best is taken from the end
    order = {name: n for n, name in enumerate(quotas)}
    taken = dict.fromkeys(waiting, 0)
    out: list[Ranked] = []
    while len(out) < count and any(waiting.values()):
        # Webster's method: the place goes to the largest share / (2 taken + 1)
        name = max(
            (n for n, items in waiting.items() if items),
            key=lambda n: (quotas.get(n, 0.0) / (2 * taken[n] + 1), -order.get(n, len(order))),
        )
        taken[name] += 1
        out.append(waiting[name].pop())
    return out


def _impersonal(item: Ranked) -> float:
    """The score without what is known of the user."""
    known = [r for r in item.reasons if r.signal != "personal"]
    total = sum(r.weight for r in known)
    return sum(r.weight * r.value for r in known) / total if total else 0.0


def _explores(item: Ranked) -> Ranked:
    reason = Reason(
        signal=EXPLORING,
        value=1.0,
        weight=0.0,
        contribution=0.0,
        text="exploring: it is here to learn what else you like",
    )
    return replace(item, reasons=(*item.reasons, reason))


def informative(vectors: Vectors, doubt: Sequence[float], count: int) -> list[int]:
    """Rows of the papers that are worth asking about, best first: those that stand together for as much doubt as possible.

    `vectors` are unit rows, shape (n, dim); `doubt` in [0, 1] says how little is known of each. Greedily, each next paper
    is the one that comes nearest to what no earlier one is near to, weighed by doubt (facility location, Nemhauser, Wolsey
    and Fisher 1978), so that questions are spread and no outlier is asked about for being one. Deterministic.
    """
    near = np.maximum(0.0, vectors @ vectors.T).astype(np.float64)
    weight = np.asarray(doubt, np.float64)
    covered = np.zeros(len(weight))
    out: list[int] = []
    while len(out) < min(count, len(weight)):
        gain = np.maximum(near - covered, 0.0) @ weight
        gain[out] = -1.0
        best = int(gain.argmax())
        out.append(best)
        covered = np.maximum(covered, near[best])
    return out


def doubt(chance: float, prior: float) -> float:
    """How little a chance says, in [0, 1]: 1 where it is the prior's, 0 where it is sure either way."""
    even = 1 / (1 + math.exp(-(_logit(chance) - _logit(prior))))
    return 4 * even * (1 - even)
