"""What Streamlit runs: the dashboard behind the gate, which asks for the password in FRONTIER_PASSWORD, if there is one.

Streamlit finds `app` by reading this file, so the name and the way it is made must stay.
"""

from __future__ import annotations

import os

from starlette.middleware import Middleware
from streamlit.starlette import App

from app.gate import Gate

app = App("dashboard.py", middleware=[Middleware(Gate, password=os.environ.get("FRONTIER_PASSWORD", ""))])
