"""How the dashboard looks: theme options for the server, and the style of the classes that presenters write."""

from __future__ import annotations

_SHARED = {
    "font": "sans-serif",
    "headingFont": "serif",
    "baseRadius": "0.4rem",
    "linkUnderline": "false",
}
_LIGHT = {
    "primaryColor": "#2f5f8f",
    "backgroundColor": "#fcfbf9",
    "secondaryBackgroundColor": "#f2f0ec",
    "textColor": "#24231f",
    "linkColor": "#2f5f8f",
    "borderColor": "#dedad2",
}
_DARK = {
    "primaryColor": "#8fb6de",
    "backgroundColor": "#17191c",
    "secondaryBackgroundColor": "#212429",
    "textColor": "#dddbd6",
    "linkColor": "#8fb6de",
    "borderColor": "#363a40",
}

THEME = {
    **{f"theme.{name}": value for name, value in _SHARED.items()},
    **{f"theme.light.{name}": value for name, value in _LIGHT.items()},
    **{f"theme.dark.{name}": value for name, value in _DARK.items()},
}
"""Streamlit options. Without theme.base, the browser's preference decides between light and dark."""

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2f5f8f"/>'
    '<path d="M6 23 L13 15 L18 19 L26 8" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"'
    ' stroke-linejoin="round"/><circle cx="26" cy="8" r="2.6" fill="#fff"/></svg>'
)

CSS = """
.stApp { --fr-line: color-mix(in srgb, currentColor 14%, transparent);
  --fr-soft: color-mix(in srgb, currentColor 7%, transparent);
  --fr-muted: color-mix(in srgb, currentColor 66%, transparent);
  --fr-accent: light-dark(#2f5f8f, #8fb6de);
  --fr-accent-soft: light-dark(#e4ecf4, #26323f);
  --fr-alert: light-dark(#a3341f, #f0a08e);
  --fr-good: light-dark(#3d7a4e, #86c498);
  --fr-warn: light-dark(#9a6a00, #e2b75c); }
.stMainBlockContainer { max-width: 54rem; padding: 1rem 1.5rem 4rem; }
.stAppHeader { background: transparent; height: 2.25rem; min-height: 2.25rem; }
.stMainBlockContainer, .stHtml { overflow-wrap: anywhere; }
.stHtml a { text-decoration: none; color: var(--fr-accent); }
.stHtml li { font-size: inherit; }
.stHtml a:hover { text-decoration: underline; }
.stHtml p { margin: 0; }
.stHtml th:first-child { overflow-wrap: normal; }
.stHtml h1, .stHtml h2, .stHtml h3 { font-family: "Source Serif", Georgia, serif; font-weight: 600;
  padding: 0; margin: 0; }
.stHtml summary { cursor: pointer; width: fit-content; }
.fr-muted, .fr-line, .fr-where, .fr-why { color: var(--fr-muted); }
.fr-alert, .stHtml a.fr-alert { color: var(--fr-alert); }
.fr-warn, .stHtml a.fr-warn { color: var(--fr-warn); }
.fr-math { white-space: normal; font-family: "Source Serif", Georgia, serif; }
.fr-math sup, .fr-math sub, .fr-abstract sup, .fr-abstract sub { font-size: 0.72em; line-height: 0; }
.fr-math sup sup, .fr-math sub sub, .fr-math sup sub, .fr-math sub sup { font-size: 1em; }

.st-key-fr-nav { border-bottom: 1px solid var(--fr-line); padding-bottom: 0.35rem; row-gap: 0; }
.fr-brand { font-family: "Source Serif", Georgia, serif; font-weight: 650; font-size: 1.15rem; margin-right: 0.75rem; }
.stHtml .fr-brand a { color: inherit; }
.fr-day { position: relative; }
.fr-day .fr-hint { position: absolute; right: 0; top: 0.5rem; font-size: 0.9rem; }
.fr-day h1 { font-size: 1.75rem; line-height: 1.2; }
.fr-day h1 + .fr-line { margin-top: 0.3rem; }
.fr-section { font-size: 1.15rem !important; margin: 1.25rem 0 0.25rem !important; }

[data-testid="stBaseButton-primaryFormSubmit"], [data-testid="stBaseButton-primary"] { color: light-dark(#ffffff, #17191c); }

.fr-volumes { display: flex; gap: 3px; align-items: flex-end; width: 19rem; max-width: 100%; }
@media (max-width: 640px) { [data-testid="stElementContainer"]:has(.fr-volumes), .fr-hint { display: none; } }
.stMainBlockContainer [data-testid="stVerticalBlock"] { gap: 0.6rem; }
.stHtml a.fr-volume { flex: 1 1 0; min-width: 0; text-align: center; color: var(--fr-muted); }
.stHtml a.fr-volume:hover { text-decoration: none; color: var(--fr-accent); }
.fr-column { display: flex; align-items: flex-end; height: 2.6rem; border-bottom: 1px solid var(--fr-line); }
.fr-column span { display: block; width: 100%; border-radius: 2px 2px 0 0; min-height: 0;
  background: color-mix(in srgb, var(--fr-accent) 42%, transparent); }
.fr-volume:hover .fr-column span { background: color-mix(in srgb, var(--fr-accent) 70%, transparent); }
.fr-now .fr-column span { background: var(--fr-accent); }
.stHtml a.fr-now { color: var(--fr-accent); font-weight: 650; }
.fr-tick { display: block; font-size: 0.68rem; line-height: 1.15; margin-top: 0.2rem; }

.fr-card { display: flex; gap: 0.75rem; padding: 1rem 0; border-top: 1px solid var(--fr-line); }
.fr-card:first-child { border-top: 0; padding-top: 0.25rem; }
.fr-rank { flex: 0 0 1.6rem; text-align: right; color: var(--fr-muted); font-variant-numeric: tabular-nums;
  font-size: 0.85rem; padding-top: 0.3rem; }
.fr-body { flex: 1 1 0; min-width: 0; }
.stHtml .fr-card h3 { font-size: 1.12rem; line-height: 1.32; }
.stHtml a.fr-title { color: inherit; }
.stHtml a.fr-title:visited { color: var(--fr-muted); }
.stHtml a.fr-title:hover { color: var(--fr-accent); }
.stHtml .fr-authors { font-size: 0.92rem; margin-top: 0.15rem; }
.fr-where, .fr-why { font-size: 0.85rem; }
.fr-where b { font-weight: 600; }
.fr-marks { display: flex; flex-wrap: wrap; gap: 0.3rem; margin: 0.35rem 0; }
.fr-chip, .fr-badge { font-size: 0.78rem; line-height: 1.3; border-radius: 0.35rem; padding: 0.12rem 0.45rem; }
.fr-chip { background: var(--fr-accent-soft); color: var(--fr-accent); }
.fr-chip b { font-weight: 650; }
.fr-lane { opacity: 0.8; }
.fr-badge { border: 1px solid var(--fr-line); color: var(--fr-muted); }
.stHtml a.fr-badge { color: var(--fr-accent); }
.fr-badge.fr-alert { color: var(--fr-alert); border-color: currentColor; }
.fr-card details { margin-top: 0.25rem; }
.fr-card summary { font-size: 0.85rem; }
.fr-card summary b.fr-open { font-weight: 400; color: var(--fr-accent); margin-right: 0.6rem; }
.fr-abstract { max-width: 44rem; line-height: 1.55; }
.stHtml .fr-abstract + .fr-abstract { margin-top: 0.6rem; }
.fr-card .fr-abstract { font-size: 0.95rem; padding-top: 0.35rem; }
.stHtml section + .fr-muted { margin-top: 0.6rem; font-size: 0.9rem; }
.fr-pager { display: flex; justify-content: space-between; border-top: 1px solid var(--fr-line); padding-top: 0.9rem;
  color: var(--fr-muted); }
.fr-pager a { padding: 0.25rem 0; }

.fr-notice { border-left: 3px solid var(--fr-accent); background: var(--fr-soft); padding: 0.6rem 0.9rem;
  border-radius: 0 0.35rem 0.35rem 0; }
.fr-notice.fr-error { border-color: var(--fr-alert); }
.fr-mend { color: var(--fr-muted); }

.stHtml .fr-head h1 { font-size: 1.7rem; line-height: 1.22; }
.stHtml .fr-head .fr-authors { font-size: 1rem; margin-top: 0.5rem; }
.fr-head .fr-where { font-size: 0.92rem; }
.stHtml .fr-links { display: flex; flex-wrap: wrap; gap: 0.4rem; margin-top: 0.6rem; }
.fr-link { border: 1px solid var(--fr-line); border-radius: 0.4rem; padding: 0.2rem 0.7rem; font-size: 0.9rem; }
.stHtml a.fr-link:hover { text-decoration: none; border-color: var(--fr-accent); }
.stHtml .fr-note { border-left: 3px solid var(--fr-line); margin: 0 0 0.8rem; padding: 0.1rem 0 0.1rem 0.9rem;
  font-family: "Source Serif", Georgia, serif; font-style: italic; max-width: 44rem; }
.fr-bars { display: grid; gap: 0.4rem; max-width: 36rem; font-size: 0.9rem; }
.fr-bar { display: grid; grid-template-columns: 14.5rem 1fr 2.8rem; gap: 0.7rem; align-items: center; }
.fr-track { background: var(--fr-soft); border-radius: 3px; height: 0.55rem; overflow: hidden; }
.fr-fill { display: block; height: 100%; background: var(--fr-accent); }
.fr-weak { color: var(--fr-muted); }
.fr-weak .fr-fill { background: color-mix(in srgb, currentColor 45%, transparent); }
.fr-number { text-align: right; font-variant-numeric: tabular-nums; }
.stHtml ul.fr-nearest, .stHtml ul.fr-mentions { list-style: none; padding: 0; margin: 0; }
.fr-nearest li { display: flex; gap: 0.7rem; margin: 0 0 0.45rem; }
.fr-nearest .fr-number { flex: 0 0 2.6rem; color: var(--fr-muted); font-size: 0.85rem; padding-top: 0.1rem; }
.stHtml a.fr-near { color: inherit; }
.fr-mentions li { margin: 0 0 0.45rem; }
.fr-mentions .fr-muted, .fr-nearest .fr-muted { font-size: 0.85rem; }
.fr-signals { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: 1rem; }
.fr-signal { margin: 0; font-size: 0.85rem; }
.fr-area { height: 3.5rem; background: color-mix(in srgb, var(--fr-accent) 55%, transparent); margin: 0.25rem 0; }

.stHtml .fr-table { width: 100%; border-collapse: collapse; font-size: 0.88rem; border: 0; margin: 0; }
.fr-table th, .fr-table td { text-align: left; padding: 0.35rem 0.6rem 0.35rem 0; border: 0;
  border-bottom: 1px solid var(--fr-line); vertical-align: top; }
.fr-table th { font-weight: 500; color: var(--fr-muted); font-size: 0.8rem; }
.stHtml .fr-table .fr-right { text-align: right; font-variant-numeric: tabular-nums; }

.fr-source { padding: 0.9rem 0; border-top: 1px solid var(--fr-line); }
.fr-source:first-child { border-top: 0; }
.stHtml .fr-source h3 { font-size: 1.08rem; display: flex; align-items: baseline; gap: 0.5rem; flex-wrap: wrap; }
.fr-dot { width: 0.6rem; height: 0.6rem; border-radius: 50%; background: var(--fr-good); align-self: center; }
.fr-verdict { font-size: 0.85rem; font-weight: 400; color: var(--fr-muted); font-family: "Source Sans", sans-serif; }
.fr-v-degraded .fr-dot, .fr-v-stalled .fr-dot { background: var(--fr-warn); }
.fr-v-waiting .fr-dot, .fr-v-quiet .fr-dot { background: color-mix(in srgb, var(--fr-good) 45%, transparent); }
.fr-spark { letter-spacing: 0.08em; color: var(--fr-accent); white-space: nowrap; }
.fr-v-failed .fr-dot { background: var(--fr-alert); }
.fr-v-failed .fr-verdict { color: var(--fr-alert); }
.fr-v-degraded .fr-verdict, .fr-v-stalled .fr-verdict { color: var(--fr-warn); }
.fr-v-off .fr-dot { background: transparent; border: 1px solid var(--fr-muted); }
.stHtml .fr-source p { font-size: 0.92rem; }
.fr-numbers { display: flex; flex-wrap: wrap; gap: 0.3rem 1.4rem; margin: 0.5rem 0 0; padding: 0 !important; }
.fr-numbers div { display: flex; flex-direction: column; }
.fr-numbers dt { font-size: 0.75rem; color: var(--fr-muted); font-weight: 400; }
.fr-numbers dd { margin: 0; font-variant-numeric: tabular-nums; }
.fr-items { margin-top: 0.5rem; font-size: 0.88rem; }
.stHtml .fr-items ul { margin: 0.1rem 0 0; padding-left: 1.1rem; }

@media (max-width: 40rem) {
  [data-testid="stButtonGroup"] button { padding-left: 0.5rem; padding-right: 0.5rem; }
  .stMainBlockContainer { padding: 0.5rem 1rem 3rem; }
  .fr-day h1 { font-size: 1.4rem; }
  .stHtml .fr-head h1 { font-size: 1.35rem; }
  .fr-card { gap: 0.5rem; }
  .fr-rank { flex-basis: 1.25rem; }
  .fr-bar { grid-template-columns: 1fr 2.8rem; gap: 0.1rem 0.7rem; }
  .fr-bar .fr-track { grid-row: 2; grid-column: 1; }
  .fr-bar .fr-number { grid-row: 2; grid-column: 2; }
  .fr-table thead { display: none; }
  .fr-table, .fr-table tbody, .fr-table tr, .fr-table td { display: block; }
  .fr-table tr { padding: 0.4rem 0; border-bottom: 1px solid var(--fr-line); }
  .stHtml .fr-table td { border: 0; padding: 0.05rem 0; display: flex; gap: 0.6rem; text-align: left; }
  .stHtml .fr-table td.fr-right { text-align: left; }
  .fr-table td::before { content: attr(data-label); flex: 0 0 6.5rem; color: var(--fr-muted); font-size: 0.8rem; }
}
"""

_FOUND_AND_PAPER = """
.stHtml mark { background: light-dark(#f6e7b4, #574a1c); color: inherit; border-radius: 0.15rem; padding: 0 0.1rem; }
.fr-askeds { display: flex; flex-wrap: wrap; gap: 0.35rem; }
.fr-asked { border: 1px solid var(--fr-line); border-radius: 0.4rem; padding: 0.1rem 0.55rem; font-size: 0.85rem; }
.stHtml .fr-asked a { padding: 0 0.25rem; font-weight: 650; }
.stHtml .fr-likeness { font-size: 0.82rem; color: var(--fr-muted); margin-top: 0.25rem; }
.stHtml ol.fr-steps { list-style: none; padding: 0; margin: 0; }
.fr-steps li { display: flex; gap: 0.8rem; margin: 0; padding: 0 0 0.6rem; }
.stHtml a.fr-step { color: inherit; }
.fr-year { flex: 0 0 2.8rem; color: var(--fr-muted); font-variant-numeric: tabular-nums; }
.fr-steps li > span:last-child { border-left: 2px solid var(--fr-line); padding-left: 0.8rem; }
.fr-steps .fr-self > span:last-child { border-color: var(--fr-accent); color: var(--fr-accent); }
.fr-steps .fr-muted { font-size: 0.85rem; }
.fr-excerpt { color: var(--fr-muted); font-size: 0.88rem; max-width: 44rem; }
.stHtml blockquote.fr-excerpt, .stHtml .fr-excerpt blockquote { margin: 0.15rem 0 0; padding: 0 0 0 0.8rem;
  border-left: 2px solid var(--fr-line); color: inherit; }
.stHtml .fr-known { margin-top: 0.5rem; font-size: 0.85rem; }
"""
CSS += _FOUND_AND_PAPER

_ACTIONS = """
.fr-actions { display: flex; flex-wrap: wrap; gap: 0.3rem; margin-top: 0.45rem; }
.fr-act { font: inherit; font-size: 0.8rem; white-space: nowrap; max-width: 100%; overflow: hidden; text-overflow: ellipsis; line-height: 1.3; min-height: 1.6rem; padding: 0.12rem 0.6rem; cursor: pointer;
  color: var(--fr-muted); background: transparent; border: 1px solid var(--fr-line); border-radius: 0.35rem; }
.fr-act:hover { color: var(--fr-accent); border-color: currentColor; }
.fr-act[aria-pressed="true"] { color: var(--fr-accent); background: var(--fr-accent-soft); border-color: currentColor;
  font-weight: 600; }
.fr-act[aria-pressed="true"]::before { content: "✓ " / ""; }
.fr-act:focus-visible, .fr-dialog button:focus-visible { outline: 2px solid var(--fr-accent); outline-offset: 1px; }
.st-key-_read_all button { min-height: 2rem; padding: 0.2rem 0.75rem; }
.fr-tag { border-style: dashed; }
.fr-card { scroll-margin: 3rem 0 1rem; }
.fr-card:focus { outline: none; }
.fr-card.fr-current { box-shadow: -0.5rem 0 0 -0.3rem var(--fr-accent); }
.fr-card.fr-current:focus-visible { outline: 2px solid var(--fr-accent); outline-offset: 0.15rem; border-radius: 0.35rem; }
.stHtml .fr-read a.fr-title { color: var(--fr-muted); font-weight: 450; }
.fr-line .fr-act { color: inherit; }
.fr-fresh, .fr-explores { color: var(--fr-good); border-color: currentColor; }
.fr-watched { color: var(--fr-good); font-weight: 600; }
.fr-more summary { color: var(--fr-muted); }
.fr-whole { margin-top: 0.8rem; }
.fr-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.stHtml .fr-tour h2 { font-size: 1.05rem; margin-bottom: 0.2rem; }
.fr-months { display: flex; flex-wrap: wrap; gap: 0.6rem 2rem; margin-top: 0.4rem; }
.stHtml .fr-month { border-collapse: collapse; font-size: 0.82rem; font-variant-numeric: tabular-nums; margin: 0; }
.fr-month caption { text-align: left; color: var(--fr-muted); padding: 0 0 0.2rem 0.35rem; caption-side: top; }
.fr-month th, .fr-month td { border: 0; padding: 1px; min-width: 1.9rem; text-align: center; font-weight: 400; color: var(--fr-muted); }
.stHtml a.fr-date { display: block; min-width: 1.75rem; padding: 0.2rem 0; border-radius: 0.25rem; color: inherit;
  background: color-mix(in srgb, var(--fr-accent) var(--fr-heat), transparent); }
.stHtml .fr-month td a.fr-date { color: light-dark(#24231f, #dddbd6); }
.fr-date[aria-current] { outline: 2px solid var(--fr-accent); font-weight: 650; }
@media (hover: none) { .fr-hint { display: none; } }
.fr-toast { position: fixed; left: 50%; bottom: 1.2rem; transform: translateX(-50%); z-index: 1000; width: max-content; max-width: min(34rem, 92vw);
  display: flex; opacity: 0; pointer-events: none; gap: 0.8rem; align-items: center; padding: 0.55rem 0.9rem; border-radius: 0.4rem; font-size: 0.9rem;
  background: light-dark(#24231f, #e9e7e2); color: light-dark(#fcfbf9, #17191c); box-shadow: 0 2px 12px rgb(0 0 0 / 0.3); }
.fr-toast.fr-shown { opacity: 1; pointer-events: auto; }
.fr-toast span { overflow-wrap: anywhere; }
.fr-toast .fr-act { flex: none; color: inherit; border-color: currentColor; }
.fr-toast [hidden] { display: none; }
.fr-dialog { border: 1px solid var(--fr-line); border-radius: 0.5rem; padding: 1.1rem 1.3rem; width: min(26rem, 92vw);
  background: var(--st-background-color); color: var(--st-text-color); }
.fr-dialog::backdrop { background: rgb(0 0 0 / 0.4); }
.fr-dialog h2 { font-size: 1.1rem; padding: 0; margin: 0 0 0.6rem; }
.fr-dialog table { width: 100%; font-size: 0.9rem; margin-bottom: 0.8rem; border-collapse: collapse; }
.fr-dialog th, .fr-dialog td { text-align: left; padding: 0.15rem 0.6rem 0.15rem 0; font-weight: 400; border: 0; }
.fr-dialog kbd { border: 1px solid var(--fr-line); border-radius: 0.25rem; padding: 0 0.35rem; font-family: inherit;
  background: var(--fr-soft); color: inherit; }
.fr-ask label { display: block; font-weight: 600; margin-bottom: 0.4rem; }
.fr-ask input { width: 100%; box-sizing: border-box; font: inherit; color: inherit; margin-bottom: 0.8rem;
  background: transparent; border: 1px solid color-mix(in srgb, currentColor 45%, transparent); border-radius: 0.35rem;
  padding: 0.35rem 0.5rem; }
.fr-dialog button { font: inherit; font-size: 0.9rem; padding: 0.2rem 0.9rem; cursor: pointer; color: inherit;
  background: var(--fr-soft); border: 1px solid var(--fr-line); border-radius: 0.35rem; }
"""
CSS += _ACTIONS

_LIBRARY = """
.stHtml .fr-done { font-size: 0.85rem; color: var(--fr-muted); margin-top: 0.35rem; }
.stHtml .fr-done a, .stHtml a.fr-inline { text-decoration: underline; }
.stHtml .fr-own-note { border-left: 3px solid var(--fr-accent); margin: 0.5rem 0 0; padding: 0.1rem 0 0.1rem 0.9rem;
  max-width: 44rem; font-size: 0.95rem; }
.fr-own-note .fr-muted { font-size: 0.8rem; }
.stHtml ul.fr-events { list-style: none; padding: 0; margin: 0; }
.stHtml .fr-events li { margin: 0; padding: 0.6rem 0; border-bottom: 1px solid var(--fr-line); }
.fr-events .fr-muted { font-size: 0.85rem; }
.fr-new { font-size: 0.75rem; color: var(--fr-accent); border: 1px solid currentColor; border-radius: 0.35rem;
  padding: 0 0.35rem; margin-left: 0.3rem; }
.fr-moved { color: var(--fr-accent); }
.fr-run { border: 1px solid var(--fr-line); border-radius: 0.4rem; padding: 0.7rem 0.9rem; }
.stHtml .fr-run ul { list-style: none; padding: 0; margin: 0.3rem 0 0; font-size: 0.9rem; }
.stHtml .fr-run li { margin: 0; }
"""
CSS += _LIBRARY

_MAP = """
.stMainBlockContainer:has(.fr-wide) { max-width: 76rem; }
"""
CSS += _MAP

_TRENDS_AND_ROADS = """
.fr-trend { position: relative; width: 16rem; max-width: 100%; height: 3.3rem; display: block; border-bottom: 1px solid var(--fr-line);
  forced-color-adjust: none; }
.fr-trend-band, .fr-trend-line { position: absolute; inset: 0; }
.fr-trend-band { background: color-mix(in srgb, var(--fr-accent) 24%, transparent); }
.fr-trend-line { background: var(--fr-accent); }
.fr-trend-top { position: absolute; left: 0; top: -0.3rem; font-size: 0.68rem; color: var(--fr-muted); }
.fr-trend-ends { font-size: 0.8rem; }
@media (max-width: 40rem) {
  .st-key-fr-nav { column-gap: 0; row-gap: 0.15rem; padding-bottom: 0.2rem; }
  .st-key-fr-nav .fr-brand { margin-right: 0.2rem; }
  .st-key-fr-nav [data-testid="stPageLink"] a { padding: 0.1rem 0.3rem; margin: 0; }
  .st-key-fr-nav [data-testid="stPageLink"] p { font-size: 0.85rem; }
  .fr-trend { width: 14.5rem; }
}
.fr-rising { color: var(--fr-good); }
.fr-falling { color: var(--fr-alert); }
.stHtml ol.fr-road { list-style: none; padding: 0; margin: 0.5rem 0 0; }
.stHtml .fr-stone { display: grid; grid-template-columns: 3.5rem 1fr; margin: 0; padding: 0.55rem 0;
  border-bottom: 1px solid var(--fr-line); }
.fr-stone h3 { font-size: 1.02rem; }
.fr-year { color: var(--fr-muted); }
.stHtml ul.fr-plan { padding-left: 1.2rem; }
.stHtml .fr-plan li { margin: 0.3rem 0; break-inside: avoid; }
.fr-plan .fr-muted { font-size: 0.85rem; }
@media print {
  .st-key-fr-nav, .fr-noprint, .stAppHeader, [data-testid="stSidebar"] { display: none !important; }
  .stApp, .stMain, [data-testid="stAppViewContainer"] { position: static !important; overflow: visible !important;
    height: auto !important; background: #ffffff; color: #000000; }
  .stMainBlockContainer { max-width: none; padding: 0; }
  .stHtml a { color: inherit; }
}
"""
CSS += _TRENDS_AND_ROADS
