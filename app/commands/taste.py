"""A round of questions: what the personal model would most like to know."""

from __future__ import annotations

import click

from app.commands._common import json_option, print_json, say
from app.wiring import Frontier

_ANSWERS = {"y": "like", "n": "dislike", "s": "", "q": ""}


@click.command()
@click.option("-k", default=10, type=click.IntRange(1, 50), show_default=True, help="How many papers.")
@json_option
def pick(k: int, as_json: bool) -> int:
    """Which of these would you read? About ten papers, spread over what is new and chosen for what your answers teach.

    y likes a paper, n dislikes it, s skips it, q ends. Every answer counts at once. With --json, the papers are listed and
    nothing is asked: answer with 'frontier like' and 'frontier dislike'.
    """
    from app.commands.read import where, who
    from app.services import Services, paper_json
    from app.tasting import questions
    from data.library import mark

    frontier = Frontier()
    services = Services(frontier)
    try:
        asked = questions(services, k)
        known = services.reader.ids_of([q.paper.id for q in asked])
    finally:
        services.close()
    if as_json:
        print_json(
            {
                "papers": [
                    paper_json(
                        q.paper, ids=known.get(q.paper.id, ()), chance=_rounded(q.chance), abstract=q.paper.abstract
                    )
                    for q in asked
                ]
            }
        )
        return 0
    if not asked:
        say("nothing to ask about: no new paper has a vector ('frontier sync' makes them)")
        return 0
    given = {"like": 0, "dislike": 0}
    for number, question in enumerate(asked, 1):
        paper = question.paper
        click.echo(
            f"\n{number} of {len(asked)}  {paper.title}\n{who(paper)} · {where(paper)} · {paper.key} · {paper.short}"
        )
        if paper.abstract:
            click.echo(paper.abstract[:500] + ("…" if len(paper.abstract) > 500 else ""))
        answer = click.prompt(
            "would you read it? y, n, s (skip), q (end)", type=click.Choice(list(_ANSWERS)), show_choices=False
        )
        if answer == "q":
            break
        if kind := _ANSWERS[answer]:
            store = frontier.open_store()
            try:
                mark(store, [paper.id], kind, now=frontier.now())
            finally:
                store.close()
            given[kind] += 1
    say(f"{given['like']} liked, {given['dislike']} disliked; 'frontier feed' goes by it")
    return 0


def _rounded(chance: float | None) -> float | None:
    return None if chance is None else round(chance, 4)
