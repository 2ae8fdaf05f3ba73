"""A paper's page where there is an archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from app.archive.build import build
from app.archive.reading import pull
from app.wiring import Frontier
from tests.app.running import html, labelled, ran

SCRIPT = Path(__file__).resolve().parents[2] / "app" / "dashboard.py"


def page(asked: str) -> AppTest:
    app = AppTest.from_file(str(SCRIPT), default_timeout=60)
    app.run()
    app.switch_page("views/paper.py")
    app.query_params["id"] = asked
    return ran(app)


def test_similar_papers_of_the_archive_on_request(frontier: Frontier, write: Callable[..., str]) -> None:
    build(frontier, [write()])
    pull(frontier, ["arxiv:2511.00001"])
    reader, store = frontier.open_reader(), frontier.open_store()
    place = reader.lookup("arxiv:2511.00001")
    ((_, text_hash, text),) = reader.texts([place])
    encoder = frontier.encoder()
    store.put_vectors(encoder.name, [(place, text_hash, encoder.encode([text])[0].tobytes())])
    store.close()
    reader.close()
    app = page("arxiv:2511.00001")
    assert "A study of trains" not in html(app)
    labelled(app.button, "Look there").click()
    shown = html(ran(app))
    assert "A study of trains without rails" in shown
    assert 'href="https://arxiv.org/abs/2511.00002"' in shown  # the desk does not have it


def test_without_an_archive_there_is_nothing_of_it(frontier: Frontier, home: Path, write: Callable[..., str]) -> None:
    build(frontier, [write()])
    pull(frontier, ["arxiv:2511.00001"])
    (home / "frontier.toml").write_text("")
    assert not [b for b in page("arxiv:2511.00001").button if b.label == "Look there"]
