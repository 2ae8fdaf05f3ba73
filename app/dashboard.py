"""The dashboard: the script that Streamlit runs. `app.serve` starts it with the options it needs."""

from __future__ import annotations

import streamlit as st

from app.markup import href
from app.views import style


def main() -> None:
    """Style, menu, and the page that the address names."""
    today = st.Page("views/today.py", title="Today", url_path="today", default=True)
    search = st.Page("views/search.py", title="Search", url_path="search")
    paper = st.Page("views/paper.py", title="Paper", url_path="paper", visibility="hidden")
    chart = st.Page("views/map.py", title="Map", url_path="map")
    trends = st.Page("views/trends.py", title="Trends", url_path="trends")
    venues = st.Page("views/conferences.py", title="Conferences", url_path="conferences")
    roadmap = st.Page("views/roadmap.py", title="Roadmap", url_path="roadmap")
    library = st.Page("views/library.py", title="Library", url_path="library")
    settings = st.Page("views/settings.py", title="Settings", url_path="settings")
    sources = st.Page("views/sources.py", title="Sources", url_path="sources")
    menu = [today, search, chart, trends, venues, roadmap, library, sources, settings]
    page = st.navigation([*menu, paper], position="hidden")
    st.set_page_config(page_title=f"{page.title} · Frontier", page_icon=style.ICON, layout="wide")
    st.html(f"<style>{style.CSS}</style>")
    with st.container(horizontal=True, key="fr-nav", vertical_alignment="center", gap="small"):
        st.html(f'<span class="fr-brand"><a href="{href("", {})}" target="_self">Frontier</a></span>', width="content")
        for entry in menu:
            st.page_link(entry, label=entry.title)
    page.run()


if __name__ == "__main__":
    main()
