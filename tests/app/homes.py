"""Homes that take in each other's libraries."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from app.jobs import Imported, import_file
from app.library_file import library_lines
from app.wiring import Frontier
from data.library import entries
from data.reader import Reader
from data.store import Store
from tests.conftest import NOW


class Home:
    """A FRONTIER_HOME with its store, read as it is now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.frontier = Frontier({"FRONTIER_HOME": str(folder), "FRONTIER_NOW": NOW.isoformat()})
        self.store: Store = self.frontier.open_store()
        self.reader: Reader = self.frontier.open_reader()

    def export(self, path: Path) -> Path:
        path.write_text("".join(line + "\n" for line in library_lines(self.reader)), "utf-8")
        return path

    def take(self, path: Path) -> Imported:
        return import_file(self.frontier, path)

    def done(self, text: str) -> list[tuple[str, str, datetime]]:
        paper_id = self.reader.lookup(text)
        return [(e.kind, e.value, e.at) for e in entries(self.reader, [paper_id]).get(paper_id, [])]

    def close(self) -> None:
        self.reader.close()
        self.store.close()


def written(path: Path, *lines: Any) -> Path:
    head = {"frontier": "library", "version": 1}
    texts = [line if isinstance(line, str) else json.dumps(line) for line in (head, *lines)]
    path.write_text("".join(text + "\n" for text in texts), "utf-8")
    return path
