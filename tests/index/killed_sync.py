"""Run by test_sync.py in a process of its own: a sync whose process is killed at its nth batch."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import index.sync
from data.reader import Reader
from data.store import Store

home, nth = Path(sys.argv[1]), int(sys.argv[2])
spec = importlib.util.spec_from_file_location("fakes", Path(__file__).with_name("fakes.py"))
assert spec
assert spec.loader
fakes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fakes)
index.sync.BATCH_S = 0  # batches of one size
index.sync.sync(
    Store(home / "papers.sqlite"),
    Reader(home / "papers.sqlite"),
    fakes.FailingEncoder(nth, kill=True),
    home / "index",
    rebuild=False,
    progress=lambda done, total: None,
)
