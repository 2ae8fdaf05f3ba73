"""The browser's half of `app.views.actions`: what it shows, and the script that hears clicks and keys.

Everything that is shown from data goes through textContent. The module lives as long as the browser's page, and is
started anew whenever Streamlit shows another page or sends new data: each start ends the listeners of the one before.
"""

from __future__ import annotations

KEYS = (
    ("j", "next paper"),
    ("k", "previous paper"),
    ("l", "like"),
    ("d", "dislike"),
    ("s", "save"),
    ("m", "mark as read"),
    ("h", "hide"),
    ("t", "tag"),
    ("a", "open or close the abstract"),
    ("o", "open the paper"),
    ("u", "undo the last action"),
    ("/", "search"),
    ("?", "show the keys"),
)

_ROWS = "".join(f"<tr><th scope='row'><kbd>{key}</kbd></th><td>{meaning}</td></tr>" for key, meaning in KEYS)

HTML = f"""
<div class="fr-toast" role="status" aria-live="polite">
  <span></span> <button type="button" class="fr-act" data-fr-act="undo" hidden>Undo</button>
</div>
<dialog class="fr-dialog fr-keys" aria-labelledby="fr-keys-title">
  <form method="dialog">
    <h2 id="fr-keys-title">Keys</h2>
    <table>{_ROWS}</table>
    <button type="submit">Close</button>
  </form>
</dialog>
<dialog class="fr-dialog fr-ask" aria-labelledby="fr-ask-title">
  <form>
    <label id="fr-ask-title" for="fr-ask-value">Tag this paper</label>
    <input id="fr-ask-value" list="fr-ask-tags" maxlength="100" autocomplete="off">
    <datalist id="fr-ask-tags"></datalist>
    <div><button type="submit">Keep</button> <button type="button" value="cancel">Cancel</button></div>
  </form>
</dialog>
"""

JS = """
const SHOWN_MS = 8000, AGAIN_MS = 3000, LATEST_MS = 60000
const kept = { queue: [], number: 0, told: 0, paper: "", place: -1, button: "", open: new Set(), where: "", wait: AGAIN_MS,
  searching: false, hiding: 0, again: 0, undo: false, begun: false }
let listening = null

export default function ({ data, setTriggerValue, parentElement }) {
  listening?.abort()
  const mine = (listening = new AbortController())
  const heard = { signal: mine.signal }
  const toast = parentElement.querySelector(".fr-toast"), keys = parentElement.querySelector(".fr-keys")
  const ask = parentElement.querySelector(".fr-ask")

  // ---- to the server: all that it is not done with, every time; a page that is left leaves the rest to the next one

  const remember = () => { try { sessionStorage.setItem("fr-presses", JSON.stringify(kept.queue)) } catch {} }
  const send = () => setTriggerValue("act", kept.queue.slice())
  const add = (kind, paper, on, value) => kept.queue.push({ number: ++kept.number, kind, paper, on, value })
  const press = (kind, paper, on, value) => {
    add(kind, paper, on, value)
    remember()
    send()
  }
  if (!kept.begun) {
    kept.begun = true
    try {
      for (const left of JSON.parse(sessionStorage.getItem("fr-presses") ?? "[]"))
        if (left.kind !== "undo") add(left.kind, left.paper, left.on, left.value)
    } catch {}
    if (kept.queue.length) send()
  }
  const before = kept.queue.length
  kept.queue = kept.queue.filter((one) => one.number > data.done)
  remember()
  clearTimeout(kept.again)
  if (kept.queue.length < before || !kept.queue.length) kept.wait = AGAIN_MS
  if (kept.queue.length) {
    kept.again = setTimeout(send, kept.wait)
    kept.wait = Math.min(LATEST_MS, kept.wait * 2)
  }
  window.addEventListener("beforeunload", (event) => { if (kept.wait > AGAIN_MS * 2) event.preventDefault() }, heard)

  // ---- what is said

  const hide = () => {
    toast.classList.remove("fr-shown")
    toast.querySelector("span").textContent = ""
    toast.querySelector("button").hidden = true
  }
  if (data.told && data.told.number > kept.told) {
    kept.told = data.told.number
    toast.querySelector("span").textContent = data.told.text
    kept.undo = data.told.undo
    toast.querySelector("button").hidden = !kept.undo
    toast.classList.add("fr-shown")
    clearTimeout(kept.hiding)
    kept.hiding = setTimeout(hide, SHOWN_MS)
  }

  // ---- cards

  const cards = () => [...document.querySelectorAll(".fr-card")].filter((card) => card.querySelector("[data-fr-id]"))
  const idOf = (element) => element?.querySelector("[data-fr-id]")?.dataset.frId ?? ""
  const current = () => cards().find((card) => idOf(card) === kept.paper) ?? null
  const choose = (card) => {
    for (const other of document.querySelectorAll(".fr-current")) if (other !== card) other.classList.remove("fr-current")
    card.classList.add("fr-current")
    kept.paper = idOf(card)
    kept.place = cards().indexOf(card)
  }
  const focus = (card, scroll) => {
    choose(card)
    card.tabIndex = -1
    card.focus({ preventScroll: true })
    if (scroll) card.scrollIntoView({ block: "nearest" })
  }
  const move = (step) => {
    const all = cards(), now = all.indexOf(current())
    const next = all[now < 0 ? 0 : Math.min(all.length - 1, Math.max(0, now + step))]
    kept.button = ""
    if (next) focus(next, true)
  }

  // Search is shown part by part, over what is left of the page before: its box is focused anew until it is used.
  const searchBox = () => document.querySelector('[data-testid="stMain"] input[aria-label="Search"]')
  const used = () => { if (searchBox() && document.activeElement === searchBox()) kept.searching = false }

  // After a run the cards are new elements: the chosen one, its focus and what was open come back.
  const restore = () => {
    const where = location.pathname + location.search
    if (where !== kept.where) Object.assign(kept, { where, paper: "", place: -1, button: "", open: new Set() })
    for (const part of document.querySelectorAll("details[data-fr-part]:not([open])"))
      if (kept.open.has(nameOf(part))) part.open = true
    if (kept.searching && location.pathname.endsWith("/search")) searchBox()?.focus()
    if (!kept.paper || document.querySelector(".fr-current")) return
    const all = cards(), card = current() ?? all[Math.min(kept.place, all.length - 1)]
    if (!card) return
    choose(card)
    if (document.activeElement !== document.body) return
    const button = kept.button && card.querySelector(`[data-fr-act="${kept.button}"]`)
    if (button) button.focus({ preventScroll: true })
    else focus(card, false)
  }
  const nameOf = (part) => `${part.closest("[data-fr-id]")?.dataset.frId ?? ""}:${part.dataset.frPart}`
  let waiting = 0
  const observer = new MutationObserver(() => { waiting ||= requestAnimationFrame(() => { waiting = 0; restore() }) })
  observer.observe(document.querySelector('[data-testid="stMain"]') ?? document.body, { childList: true, subtree: true })
  mine.signal.addEventListener("abort", () => observer.disconnect())
  restore()

  // ---- what a button does

  const undo = () => {
    if (!kept.undo) return
    kept.undo = false
    hide()
    press("undo", 0, true, "")
  }
  const show = (dialog) => { if (!dialog.open) dialog.showModal() }
  const asking = (paper) => {
    const box = ask.querySelector("input")
    box.value = ""
    ask.querySelector("datalist").replaceChildren(...data.tags.map((tag) => new Option(tag, tag)))
    ask.dataset.paper = paper
    show(ask)
    box.focus()
  }
  const run = (button) => {
    const kind = button.dataset.frAct, set = button.dataset.frOn, value = button.dataset.frValue ?? ""
    const paper = Number(button.closest("[data-fr-id]")?.dataset.frId ?? 0)
    const card = button.closest(".fr-card")
    if (card) choose(card)
    kept.button = set ? "" : kind
    if (kind === "keys") return show(keys)
    if (kind === "undo") return undo()
    if (kind === "tag" && !set) return asking(paper)
    const on = set ? set === "true" : button.getAttribute("aria-pressed") !== "true"
    if (!set) {
      button.setAttribute("aria-pressed", String(on))
      const other = { like: "dislike", dislike: "like" }[kind]
      if (on && other) button.parentElement.querySelector(`[data-fr-act="${other}"]`)?.setAttribute("aria-pressed", "false")
    }
    press(kind, paper, on, value)
  }
  document.addEventListener("click", (event) => {
    if (event.isTrusted) kept.searching = false  // not the click of `search`
    const button = event.target.closest?.("[data-fr-act]")
    if (button) { event.preventDefault(); run(button) }
  }, heard)
  document.addEventListener("focusin", (event) => {
    const card = event.target.closest?.(".fr-card")
    if (card && idOf(card)) choose(card)
  }, heard)
  document.addEventListener("toggle", (event) => {
    const part = event.target
    if (!part.matches?.("details[data-fr-part]")) return
    if (part.open) kept.open.add(nameOf(part))
    else kept.open.delete(nameOf(part))
  }, { ...heard, capture: true })
  ask.addEventListener("submit", (event) => {
    event.preventDefault()
    const value = ask.querySelector("input").value.trim()
    ask.close()
    if (value) press("tag", Number(ask.dataset.paper), true, value)
  }, heard)
  ask.querySelector('[value="cancel"]').addEventListener("click", () => ask.close(), heard)

  // ---- keys

  const search = () => {
    kept.searching = true
    if (location.pathname.endsWith("/search")) return restore()
    const link = document.querySelector('[data-testid="stPageLink-NavLink"][href$="search"]')
    if (link) link.click()
    else location.assign("./search")
  }
  const target = () => current() ?? document.querySelector(".fr-whole")
  const does = { l: "like", d: "dislike", s: "save", m: "read", h: "hide", t: "tag" }
  const typing = 'input:not([type="radio"]):not([type="checkbox"]), textarea, select, [contenteditable="true"],'
    + ' [role="combobox"], [role="listbox"], [role="menu"], [role="slider"]'
  document.addEventListener("keydown", (event) => {
    used()
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (document.querySelector("dialog[open]")) return
    // For a moment after a dialog is closed, the focus is still within it.
    if (event.target.closest?.(typing) && !event.target.closest("dialog")) return
    const key = event.key
    if (key === "j") move(1)
    else if (key === "k") move(-1)
    else if (key === "o") target()?.querySelector("a.fr-title")?.click()
    else if (key === "a") {
      const part = target()?.querySelector('details[data-fr-part="abstract"]')
      if (part) part.open = !part.open
    } else if (key === "u") undo()
    else if (key === "/") search()
    else if (key === "?") show(keys)
    else if (does[key]) {
      const button = target()?.querySelector(`[data-fr-act="${does[key]}"]:not([data-fr-on])`)
      if (!button) return
      run(button)
      kept.button = ""
    } else return
    event.preventDefault()
  }, heard)
  toast.dataset.frReady = ""

  return () => {
    mine.abort()
    clearTimeout(kept.again)
  }
}
"""
