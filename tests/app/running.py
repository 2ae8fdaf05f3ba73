"""Pages run by Streamlit's own test runner, and what they show."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from app.views.frame import BUG


def ran(app: AppTest) -> AppTest:
    """The page after a run, which must not have failed."""
    app.run()
    assert not app.exception, app.exception
    html(app)
    return app


def html(app: AppTest) -> str:
    """All that a page shows as HTML, its style left out. It must not have failed by a bug."""
    shown = "".join(element.proto.body for element in app.get("html") if "<style>" not in element.proto.body)
    assert BUG not in shown
    return shown


def labelled(elements: Any, label: str) -> Any:
    """The widget with a label."""
    return next(element for element in elements if element.label == label)
