"""Settings: areas, weights, interests and the digest, written to frontier.toml beside what the user wrote there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import streamlit as st

from app import markup, presenters_settings, previews, run_now, settings
from app.services import Services
from app.settings import Key, SettingsFile, Value
from app.views import frame
from app.wiring import find_home
from data.config import DIGEST_WEEKDAYS, AreaConfig, Config, WeightsConfig, parse
from data.errors import ConfigError, FrontierError
from data.seeds import defaults

PARTS = {"areas": "Areas", "weights": "Weights and interests", "digest": "Digest", "look": "Look"}
ADD = "+"
"""Chosen in place of an area: add one."""

HEAVIEST = 2.0
"""Where a weight's slider ends, unless the file says more."""

_WEIGHTS = {
    "relevance": "how well a paper fits your areas",
    "freshness": "how new it is",
    "attention": "upvotes, threads, stars",
    "venue": "accepted somewhere, and as what",
    "citations": "how often it is cited for its age",
    "novelty": "how far from what came before it",
    "personal": "the chance that you like it, learnt from your likes",
}


def show(services: Services) -> None:
    """The page."""
    st.html('<div class="fr-day"><h1>Settings</h1></div>')
    part = frame.choice("part", list(PARTS), "areas")
    frame.tabs(
        "Part",
        list(PARTS),
        part,
        key="_part",
        said=PARTS.__getitem__,
        then=lambda name: frame.remember(part=name, area=""),
    )
    file = _opened(services)
    if said := st.session_state.pop("_settings_said", ""):
        st.html(said)
    config = parse(file.table, defaults())
    match part:
        case "weights":
            _weights(services, file, config)
        case "digest":
            _digest(services, file, config)
        case "look":
            _look()
        case _:
            _areas(services, file, config)
    st.html(
        f'<p class="fr-line">Kept in <code>{markup.text(file.path, 400)}</code>, beside your own comments there.</p>'
    )


# ---- the file


def _opened(services: Services) -> SettingsFile:
    """The file as this page first read it: what is saved is checked against that."""
    path = services.frontier.home.config
    known: SettingsFile | None = st.session_state.get("_settings_file")
    if known is None or known.path != path:
        _keep(settings.read(path))
    elif settings.read(path) != known:
        st.html(markup.notice("frontier.toml has changed since this page read it, in another tab or an editor."))
        if st.button("Read it again"):
            _keep(settings.read(path))
            st.rerun()
    file: SettingsFile = st.session_state["_settings_file"]
    return file


def _keep(file: SettingsFile) -> None:
    st.session_state["_settings_file"] = file
    st.session_state["_settings_version"] = st.session_state.get("_settings_version", 0) + 1


def _key(name: str) -> str:
    """A widget's key that is new whenever the file was read again, so that it shows what the file says."""
    return f"_set_{st.session_state['_settings_version']}_{name}"


def _save(
    file: SettingsFile,
    changes: Mapping[Key, Value],
    *,
    removed: tuple[Key, ...] = (),
    then: str | Callable[[], str],
    **address: str,
) -> None:
    """Write, say so and what comes then (or do that), and show the page anew with these values in its address. What cannot
    be written is said in one line; the form keeps what was typed."""
    try:
        written = settings.write(file, changes, removed)
    except FrontierError as error:
        st.html(markup.error_notice(error))
        return
    if written == file:
        st.html(markup.notice("Nothing is different, so nothing was written."))
        return
    _keep(written)
    st.session_state["_settings_said"] = markup.notice(f"Saved. {then if isinstance(then, str) else then()}")
    frame.remember(**address)
    st.rerun()


def _changed(prefix: Key, old: Any, new: Mapping[str, Value]) -> dict[Key, Value]:
    """The values that differ from those in force."""

    def same(value: Value, before: Any) -> bool:
        return bool(before == (tuple(value) if isinstance(value, list) else value))

    return {(*prefix, name): value for name, value in new.items() if not same(value, getattr(old, name))}


# ---- areas


def _areas(services: Services, file: SettingsFile, config: Config) -> None:
    names = [*config.areas, ADD]
    chosen = frame.choice("area", names, names[0])
    frame.follow("_set_area", chosen)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Area",
            names,
            key="_set_area",
            format_func=lambda n: "A new area" if n == ADD else config.areas[n].title or n,
            on_change=lambda: frame.remember(area=st.session_state["_set_area"]),
        )
        st.button("New area", disabled=chosen == ADD, on_click=lambda: frame.remember(area=ADD))
    area = config.areas.get(chosen, AreaConfig())
    if area.lanes:
        st.html(
            f'<p class="fr-line">Shown as the larger of its lanes {markup.text(", ".join(area.lanes))}:'
            " those have the words.</p>"
        )
    with st.form(_key(f"form_{chosen}"), border=False):
        title = st.text_input("Title", area.title, max_chars=80, key=_key(f"title_{chosen}"))
        edited = replace(area, title=title.strip())
        if not area.lanes:
            edited = replace(edited, **_words_of(chosen, area))
        with st.container(horizontal=True):
            tried = st.form_submit_button("Preview what would match") if not area.lanes else False
            saved = st.form_submit_button("Save", type="primary")
    name = _new_name(edited.title, config) if chosen == ADD else chosen
    if tried:
        _preview_area(services, name or "new", edited)
    if saved:
        _save_area(file, config, chosen, name, edited)
    _take_away(file, chosen)


def _words_of(chosen: str, area: AreaConfig) -> dict[str, Any]:
    description = st.text_area(
        "Description: what its papers are about, in whole sentences",
        area.description,
        max_chars=4000,
        height=150,
        key=_key(f"description_{chosen}"),
    )
    landmarks = st.text_area(
        "Landmarks: one paper a line, by id or address", "\n".join(area.landmarks), key=_key(f"landmarks_{chosen}")
    )
    keywords = st.text_area(
        "Keywords: one a line, as they stand in titles and abstracts",
        "\n".join(area.keywords),
        key=_key(f"keywords_{chosen}"),
    )
    return {"description": description.strip(), "landmarks": _lines(landmarks), "keywords": _lines(keywords)}


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _new_name(title: str, config: Config) -> str:
    """What an area is called in frontier.toml, out of its title; "" where nothing is left of it, or it is taken."""
    name = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:40]
    return "" if name in config.areas else name


def _preview_area(services: Services, name: str, area: AreaConfig) -> None:
    st.html('<h2 class="fr-section">Would match best, of the newest papers</h2>')
    if not area.description:
        st.html(markup.notice("Write a description first: papers are compared with it."))
        return
    try:
        with st.spinner("Comparing the newest papers with these words …"):
            found = previews.would_match(services, name, area)
    except FrontierError as error:
        st.html(markup.error_notice(error))
        return
    unknown = [name for name in area.landmarks if services.reader.find(name) is None]
    st.html(presenters_settings.unknown_landmarks(unknown))
    st.html(presenters_settings.matches(found, services.frontier.config.ranking.area_threshold))


def _save_area(file: SettingsFile, config: Config, chosen: str, name: str, area: AreaConfig) -> None:
    if not name:
        st.html(markup.notice("Give the area a title in Latin letters that no other area has."))
        return
    new: dict[str, Value] = {"title": area.title}
    if not area.lanes:
        new |= {"description": area.description, "landmarks": list(area.landmarks), "keywords": list(area.keywords)}
    changes = _changed(("areas", name), config.areas.get(chosen, AreaConfig()), new)
    words = any(key[-1] in ("description", "landmarks", "keywords") for key in changes)
    _save(file, changes, then=_compare if words else "The new title is shown from now on.", area=name)


def _compare() -> str:
    """Begin to compare the papers with an area's new words; says so, or why not."""
    try:
        run_now.start(frame.frontier(os.environ), fetch=False)
    except (FrontierError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        return f"Papers are compared with it by the next 'frontier sync' (not now: {why})."
    return "Papers are compared with it now; the page Sources tells how far that is."


def _take_away(file: SettingsFile, chosen: str) -> None:
    """Remove an area of the user's own, or what he changed of a shipped one."""
    if chosen not in file.table.get("areas", {}):
        return
    shipped = chosen in defaults()["areas"]
    if st.button("Back to what ships with Frontier" if shipped else "Remove this area", key=_key(f"away_{chosen}")):
        then = _compare if shipped else "The area is gone from frontier.toml."
        _save(file, {}, removed=(("areas", chosen),), then=then, area=chosen if shipped else "")


# ---- weights


def _weights(services: Services, file: SettingsFile, config: Config) -> None:
    ranking = config.ranking
    st.html('<h2 class="fr-section">What counts in the score</h2>')
    weights: dict[str, Value] = {}
    columns = st.columns(2)
    for n, name in enumerate(f.name for f in fields(WeightsConfig)):
        now = float(getattr(ranking.weights, name))
        value = columns[n % 2].slider(
            name.capitalize(), 0.0, max(HEAVIEST, now), now, 0.05, key=_key(f"w_{name}"), help=_WEIGHTS.get(name)
        )
        weights[name] = now if abs(value - now) < 1e-6 else round(value, 2)
    st.html('<h2 class="fr-section">Interests</h2>')
    explore = round(
        st.slider(
            "Share of the list that your likes do not foretell", 0.0, 0.5, ranking.explore, 0.05, key=_key("explore")
        ),
        2,
    )
    tags = st.toggle("Each tag is an interest of its own", ranking.tag_interests, key=_key("tags"))
    other: dict[str, Value] = {"explore": explore, "tag_interests": tags}
    changes = {
        **_changed(("ranking", "weights"), ranking.weights, weights),
        **_changed(("ranking",), ranking, other),
    }
    st.html('<h2 class="fr-section">The latest day as it would be</h2>')
    try:
        tried = replace(ranking, weights=WeightsConfig(**weights), explore=explore, tag_interests=tags)  # type: ignore[arg-type]
        if not any(weights.values()):
            raise ConfigError("ranking.weights", "all are 0", mend="give at least one signal a weight")
        st.html(presenters_settings.places(previews.reranked(services, tried)))
    except FrontierError as error:
        st.html(markup.error_notice(error))
    if st.button(f"Save {markup.plural(len(changes), 'change')}", type="primary", disabled=not changes):
        _save(file, changes, then="Today is ranked so from now on.")


# ---- digest and look


MAIL_HEIGHT = 800
"""Pixels of a mail's preview; it scrolls."""


def _digest(services: Services, file: SettingsFile, config: Config) -> None:
    digest = config.digest
    st.html(
        '<h2 class="fr-section">The daily mail</h2><p class="fr-line">The password of the mail server is never kept'
        " here: put it into the environment as FRONTIER_SMTP_PASSWORD.</p>"
    )
    with st.form(_key("digest"), border=False):
        new: dict[str, Value] = {}
        for name, label in (
            ("to", "To"), ("sender", "From"), ("smtp_host", "Mail server"),
            ("smtp_user", "User at the mail server"), ("dashboard_url", "Address of this dashboard, for links"),
        ):  # fmt: skip
            new[name] = st.text_input(label, getattr(digest, name), max_chars=400, key=_key(name)).strip()
        new["smtp_port"] = st.number_input("Port", 1, 65535, digest.smtp_port, key=_key("smtp_port"))
        kinds = ["starttls", "tls", "none"]
        new["smtp_security"] = st.selectbox(
            "Security", kinds, index=kinds.index(digest.smtp_security), key=_key("smtp_security")
        )
        new["per_area"] = st.number_input("Papers per interest", 1, 100, digest.per_area, key=_key("per_area"))
        minimum = st.number_input("Least score", 0.0, 1.0, digest.minimum, 0.05, key=_key("minimum"))
        new["minimum"] = digest.minimum if abs(minimum - digest.minimum) < 1e-6 else round(minimum, 2)
        for name, label, kinds in (
            ("form", "How often", ["daily", "weekly"]),
            ("weekday", "Day of the weekly mail", list(DIGEST_WEEKDAYS)),
            ("quiet", "A day with nothing new", ["tell", "skip"]),
        ):
            now = kinds.index(getattr(digest, name))
            new[name] = st.selectbox(label, kinds, index=now, format_func=_said, key=_key(name))
        saved = st.form_submit_button("Save", type="primary")
    if saved:
        _save(file, _changed(("digest",), digest, new), then="The next mail is made so.")
    _preview_mail(services, config)


def _said(choice: str) -> str:
    return {"tell": "Say why", "skip": "Send nothing"}.get(choice, choice.capitalize())


def _preview_mail(services: Services, config: Config) -> None:
    """The mail as it would be if none had been sent, with what is saved."""
    from app.mailing import digest_of, profiles_of
    from cron.render import fitted, render_html, subject

    profiles = {p.name: p for p in profiles_of(config.digest)}
    name = next(iter(profiles))
    if len(profiles) > 1:
        name = st.selectbox("Whose mail", list(profiles), key=_key("profile"))
    if not st.button("Preview the mail", key=_key("preview_mail")):
        return
    try:
        digest = fitted(digest_of(services, profile=profiles[name], anew=True))
    except FrontierError as error:
        st.html(markup.error_notice(error))
        return
    st.html(f'<h2 class="fr-section">{markup.text(subject(digest), 200)}</h2>')
    st.iframe(presenters_settings.mail_frame(render_html(digest)), height=MAIL_HEIGHT, alt="Preview of the mail")


def _look() -> None:
    st.html(
        '<h2 class="fr-section">Light and dark</h2><p class="fr-line">The dashboard follows your browser. To choose'
        " otherwise on this device, open the menu ⋮ at the top right: Settings, then Theme.</p>"
    )
    if os.environ.get("FRONTIER_PASSWORD"):
        st.html('<p><a href="./sign-out" target="_self">Sign out on this device</a></p>')


# ---- the page


def opened() -> None:
    """The page, which also tells how to mend a file that cannot be read; nothing is written then."""
    path = find_home(frame.environment(os.environ)).config
    try:
        settings.read(path)
    except FrontierError as error:
        st.html('<div class="fr-day"><h1>Settings</h1></div>')
        st.html(
            markup.error_notice(error)
            + '<p class="fr-line">Nothing is written from here until the file can be read. Open'
            f" <code>{markup.text(path, 400)}</code> in a text editor, mend what the line above names, and load this page"
            " again; <code>frontier config check</code> says what is still wrong.</p>"
        )
        return
    frame.page(show)


if __name__ == "__main__":
    opened()
