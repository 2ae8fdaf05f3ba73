"""What Frontier needs, checked one by one; each check says how to mend what is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from app.wiring import Frontier
from data.errors import FrontierError

FREE_SPACE_WANTED = 1 << 30
"""Bytes: a store of 100,000 papers with vectors and index takes about this much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding: `broken` must be mended, `note` is worth knowing."""

    name: str
    state: Literal["ok", "note", "broken"]
    text: str


def examine() -> list[Check]:
    """All checks. A check that meets an expected error is `broken` with that error's line."""
    try:
        frontier = Frontier()
    except FrontierError as exc:
        return [Check(name="configuration", state="broken", text=str(exc))]
    checks: list[tuple[str, Callable[[Frontier], Check]]] = [
        ("configuration", _configuration),
        ("home", _home),
        ("store", _store),
        ("model", _model),
        ("index", _index),
        ("device", _device),
        ("sources", _sources),
        ("mail", _mail),
    ]
    out = []
    for name, check in checks:
        try:
            out.append(check(frontier))
        except FrontierError as exc:
            out.append(Check(name=name, state="broken", text=str(exc)))
    return out


def _configuration(frontier: Frontier) -> Check:
    from app.jobs import enabled_sources, secrets
    from crawler.registry import build
    from crawler.source import SourceOff

    for name in enabled_sources(frontier):
        with suppress(SourceOff):
            build(name, frontier.config.sources[name], secrets(frontier))
    where = frontier.home.config
    text = f"{where} is in order" if where.exists() else f"no {where}: the shipped configuration is in force"
    return Check(name="configuration", state="ok", text=text)


def _home(frontier: Frontier) -> Check:
    folder = frontier.home.folder
    nearest = next(p for p in (folder, *folder.parents) if p.exists())
    if not os.access(nearest, os.W_OK):
        return Check(
            name="home", state="broken", text=f"{nearest} cannot be written: set FRONTIER_HOME to another folder"
        )
    free = shutil.disk_usage(nearest).free
    state: Literal["ok", "note"] = "ok" if free >= FREE_SPACE_WANTED else "note"
    return Check(name="home", state=state, text=f"{folder}, {free / (1 << 30):.1f} GiB free")


def _store(frontier: Frontier) -> Check:
    if not frontier.home.store.exists():
        return Check(name="store", state="note", text="no papers yet: run 'frontier up'")
    reader = frontier.open_reader()
    try:
        return Check(name="store", state="ok", text=f"{reader.count():,} papers, {reader.check()}")
    finally:
        reader.close()


def _model(frontier: Frontier) -> Check:
    encoder = frontier.encoder()
    return Check(name="model", state="ok", text=f"{encoder.name}, vectors of length {encoder.dim}")


def _index(frontier: Frontier) -> Check:
    if not frontier.home.store.exists():
        return Check(name="index", state="note", text="nothing to index yet")
    reader = frontier.open_reader()
    try:
        waiting = len(reader.to_embed(frontier.encoder().name))
        index = frontier.open_index(reader)
    finally:
        reader.close()
    if index is None or waiting:
        return Check(name="index", state="note", text=f"{waiting:,} papers wait to be embedded: run 'frontier sync'")
    return Check(name="index", state="ok", text=f"{len(index):,} vectors, fresh")


def _device(frontier: Frontier) -> Check:
    import torch

    if torch.cuda.is_available():
        return Check(name="device", state="ok", text=f"embedding on {torch.cuda.get_device_name()}")
    package = "faiss-gpu" if importlib.util.find_spec("faiss") and shutil.which("nvidia-smi") else "faiss-cpu"
    return Check(name="device", state="ok", text=f"embedding on the CPU, {package}, Python {sys.version.split()[0]}")


def _sources(frontier: Frontier) -> Check:
    from app.jobs import enabled_sources

    on = enabled_sources(frontier)
    if not on:
        return Check(name="sources", state="broken", text="every source is switched off: enable one in frontier.toml")
    if not frontier.config.crawl.contact:
        text = f"{', '.join(on)}; set [crawl] contact so that sources can reach you"
        return Check(name="sources", state="note", text=text)
    return Check(name="sources", state="ok", text=", ".join(on))


def _mail(frontier: Frontier) -> Check:
    digest = frontier.config.digest
    if not digest.smtp_host or not digest.to:
        return Check(name="mail", state="note", text="no digest is sent: set [digest] to, sender and smtp_host")
    if digest.smtp_user and not frontier.environment.get("FRONTIER_SMTP_PASSWORD"):
        return Check(
            name="mail", state="broken", text="[digest] smtp_user is set: put its password into FRONTIER_SMTP_PASSWORD"
        )
    return Check(name="mail", state="ok", text=f"to {digest.to} through {digest.smtp_host}:{digest.smtp_port}")
