"""The map in the browser: a plain 2D canvas, drawn point by point into one image, without WebGL and without a frame.

Everything that is shown from data goes through textContent or fillText. What was looked at last stays where it was when
Streamlit runs the page again with the same papers.
"""

from __future__ import annotations

from streamlit.components import v2

_COLOURS = (
    ("#2a64a8", "#79aeea"),
    ("#b85400", "#f2a45f"),
    ("#1f7f4f", "#6ccf96"),
    ("#8344b8", "#c59cf2"),
    ("#b32a5f", "#f28fb2"),
    ("#00747f", "#52c7d2"),
    ("#776c00", "#d6cb5c"),
    ("#7a4f2c", "#cfa983"),
)
"""Colours of the areas in order, light and dark; further areas begin again. The page's own muted colour is for no area."""

_SWATCHES = "\n".join(
    f".fr-map .fr-map-c{n} {{ background: light-dark({light}, {dark}); }}" for n, (light, dark) in enumerate(_COLOURS)
)

HTML = """
<div class="fr-map">
  <div class="fr-map-legend" role="group" aria-label="Areas shown on the map"></div>
  <div class="fr-map-field">
    <canvas tabindex="0" role="application" aria-describedby="fr-map-how"></canvas>
    <div class="fr-map-zoom" role="group" aria-label="Zoom">
      <button type="button" data-zoom="in" aria-label="Zoom in">+</button>
      <button type="button" data-zoom="out" aria-label="Zoom out">−</button>
      <button type="button" data-zoom="all" aria-label="Show all">⤢</button>
    </div>
    <div class="fr-map-card" hidden><a dir="auto"></a><span></span></div>
  </div>
  <p class="fr-map-how" id="fr-map-how">Larger points are talked of more. Drag and zoom with the pointer, or with the arrow
    keys, + and −; 0 shows all, Enter opens the marked paper.</p>
  <p class="fr-hidden" role="status"></p>
  <h2 class="fr-map-near">Papers in the middle</h2>
  <ol class="fr-map-list"></ol>
</div>
"""

CSS = (
    """
.fr-map { font-size: 0.9rem; color: var(--st-text-color); }
.fr-map-legend { display: flex; flex-wrap: wrap; gap: 0.35rem; margin-bottom: 0.5rem; }
.fr-map button { font: inherit; font-size: 0.82rem; line-height: 1.3; color: inherit; background: transparent; cursor: pointer;
  border: 1px solid color-mix(in srgb, currentColor 22%, transparent); border-radius: 0.35rem; }
.fr-map-legend button { display: flex; align-items: center; gap: 0.4rem; padding: 0.2rem 0.55rem; min-height: 1.6rem; }
.fr-map-legend button[aria-pressed="false"] { text-decoration: line-through; border-style: dashed; }
.fr-map-legend button[aria-pressed="false"] i { opacity: 0.25; }
.fr-map-legend i { width: 0.7rem; height: 0.7rem; border-radius: 50%; flex: none; }
.fr-map-legend small { font-size: 0.78rem; opacity: 0.8; font-variant-numeric: tabular-nums; }
.fr-map .fr-map-none { background: light-dark(#8b887f, #7f838a); }
.fr-map-field { position: relative; height: min(70vh, 44rem); min-height: 20rem; overflow: hidden; border-radius: 0.4rem;
  border: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.fr-map canvas { display: block; width: 100%; height: 100%; touch-action: none; cursor: grab;
  background-color: light-dark(#fcfbf9, #17191c); color: light-dark(#24231f, #dddbd6); }
.fr-map canvas.fr-map-over { cursor: pointer; }
.fr-map canvas:focus-visible, .fr-map button:focus-visible, .fr-map a:focus-visible { outline: 2px solid light-dark(#2f5f8f, #8fb6de);
  outline-offset: -2px; }
.fr-map-zoom { position: absolute; top: 0.5rem; right: 0.5rem; display: flex; flex-direction: column; gap: 0.25rem; }
.fr-map-zoom button { width: 2rem; height: 2rem; font-size: 1.05rem; background: light-dark(#fcfbf9, #17191c); }
.fr-map-card { position: absolute; left: 0; top: 0; max-width: min(20rem, 82%); padding: 0.45rem 0.7rem; pointer-events: none;
  border-radius: 0.4rem; background: light-dark(#ffffff, #26292e); box-shadow: 0 1px 8px rgb(0 0 0 / 0.28);
  overflow-wrap: anywhere; }
.fr-map-card[hidden] { display: none; }
.fr-map-card.fr-map-touch { pointer-events: auto; }
.fr-map-card a { display: block; color: inherit; font-weight: 600; line-height: 1.3; text-decoration: none; }
.fr-map-card span, .fr-map-list span { font-size: 0.82rem; opacity: 0.82; }
.fr-map-how { font-size: 0.82rem; opacity: 0.82; margin: 0.4rem 0 0; }
.fr-map h2.fr-map-near { font-family: "Source Serif", Georgia, serif; font-size: 1.15rem; font-weight: 600; padding: 0;
  margin: 1.1rem 0 0.4rem; }
.fr-map-list { margin: 0; padding-left: 1.6rem; }
.fr-map-list li { margin: 0 0 0.4rem; overflow-wrap: anywhere; }
.fr-map-list a { color: light-dark(#2f5f8f, #8fb6de); text-decoration: none; margin-right: 0.5rem; }
.fr-map-list a:hover { text-decoration: underline; }
"""
    + _SWATCHES
)

JS = """
const NEAR_PX = 10, TOUCH_PX = 22, STILL_PX = 5, LISTED = 10, DEEPEST = 400, CELLS = 160, LEVELS = 12, PAN = 0.12
const COLOURS = %COLOURS%
const begun = new WeakMap()   // what is drawn, by its element
const looked = new Map()      // where each map was last looked at

const numbers = (text, Kind) => new Kind(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer)
const rgb = (text) => (text.match(/[\\d.]+/g) ?? ["128", "128", "128"]).slice(0, 3).map((v) => Math.round(Number(v)))

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".fr-map")
  if (!root || begun.get(root)?.made === data.made) return
  begun.get(root)?.end()
  begun.set(root, begin(root, data))
}

function begin(root, data) {
  const mine = new AbortController(), heard = { signal: mine.signal }
  const field = root.querySelector(".fr-map-field"), canvas = root.querySelector("canvas"), card = root.querySelector(".fr-map-card")
  const status = root.querySelector('[role="status"]'), list = root.querySelector(".fr-map-list")
  const legend = root.querySelector(".fr-map-legend")
  const context = canvas.getContext("2d", { alpha: false })
  const count = data.count
  const toUnit = (all) => Float32Array.from(all, (v) => v / 65535)
  const xs = toUnit(numbers(data.x, Uint16Array)), ys = toUnit(numbers(data.y, Uint16Array))
  const area = numbers(data.area, Uint8Array), heat = numbers(data.attention, Uint8Array)
  const ids = numbers(data.ids, Uint32Array), venue = numbers(data.venue, Uint16Array), titles = data.titles.split("\\n")
  const shown = new Uint8Array(256).fill(1)
  const view = looked.get(data.made) ?? { x: 0.5, y: 0.5, zoom: 1 }
  looked.set(data.made, view)
  let marked = -1, width = 1, height = 1, ratio = 1, image = null, pixels = null, frame = 0, listing = 0

  const address = (i) => `./paper?id=p${ids[i]}`
  const open = (i) => location.assign(address(i))
  const about = (i) => [data.venues[venue[i]], data.areas[area[i]].title].filter(Boolean).join(" · ")

  // Points of no area are drawn first, and those that are talked of more later, over the others.
  const order = new Uint32Array(count)
  {
    const turn = (i) => (area[i] === data.areas.length - 1 ? 0 : 256) + heat[i], starts = new Uint32Array(513)
    for (let i = 0; i < count; i++) starts[turn(i) + 1]++
    for (let t = 0; t < 512; t++) starts[t + 1] += starts[t]
    for (let i = 0; i < count; i++) order[starts[turn(i)]++] = i
  }

  // A grid over the map, so that what is under the pointer is found without looking at every point.
  const cell = (v) => Math.min(CELLS - 1, Math.max(0, Math.floor(v * CELLS)))
  const cells = new Uint32Array(CELLS * CELLS + 1), inCell = new Uint32Array(count)
  {
    for (let i = 0; i < count; i++) cells[cell(ys[i]) * CELLS + cell(xs[i]) + 1]++
    for (let c = 0; c < CELLS * CELLS; c++) cells[c + 1] += cells[c]
    const next = cells.slice()
    for (let i = 0; i < count; i++) inCell[next[cell(ys[i]) * CELLS + cell(xs[i])]++] = i
  }

  // ---- where things are on the screen, in CSS pixels

  const margin = 0.92
  const scaleX = () => width * margin * view.zoom, scaleY = () => height * margin * view.zoom
  const left = (i) => width / 2 + (xs[i] - view.x) * scaleX(), top = (i) => height / 2 + (ys[i] - view.y) * scaleY()
  const base = count > 20000 ? 1.2 : count > 5000 ? 1.7 : count > 800 ? 2.4 : 3.4
  const grown = () => Math.min(2.6, 1 + 0.28 * Math.log2(Math.max(1, view.zoom)))
  const radius = (i) => base * grown() * (1 + 1.5 * (heat[i] / 255))

  const nearest = (px, py, within) => {
    const x = view.x + (px - width / 2) / scaleX(), y = view.y + (py - height / 2) / scaleY()
    const dx = within / scaleX(), dy = within / scaleY()
    let best = -1, least = within * within
    for (let cy = cell(y - dy); cy <= cell(y + dy); cy++) for (let cx = cell(x - dx); cx <= cell(x + dx); cx++) {
      for (let n = cells[cy * CELLS + cx]; n < cells[cy * CELLS + cx + 1]; n++) {
        const i = inCell[n]
        if (!shown[area[i]]) continue
        const far = (left(i) - px) ** 2 + (top(i) - py) ** 2
        if (far < least) { least = far; best = i }
      }
    }
    return best
  }

  // ---- drawing: each point is a small mask of coverage, blended into one image

  const mask = (r) => {
    const reach = Math.ceil(r), side = 2 * reach + 1, cover = new Uint8Array(side * side)
    for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
      const edge = r + 0.5 - Math.hypot(x - reach, y - reach)
      cover[y * side + x] = Math.round(Math.min(1, Math.max(0, edge)) * 225)
    }
    return { reach, side, cover }
  }
  const stamp = (X, Y, { reach, side, cover }, colour) => {
    const w = canvas.width, h = canvas.height, [red, green, blue] = colour
    const fromX = Math.max(0, reach - X), toX = Math.min(side, w + reach - X)
    const fromY = Math.max(0, reach - Y), toY = Math.min(side, h + reach - Y)
    for (let y = fromY; y < toY; y++) {
      let at = (Y - reach + y) * w + X - reach + fromX
      for (let x = fromX; x < toX; x++, at++) {
        const a = cover[y * side + x]
        if (!a) continue
        const old = pixels[at], r = old & 255, g = (old >> 8) & 255, b = (old >> 16) & 255
        pixels[at] = 0xff000000 | (b + (((blue - b) * a) >> 8)) << 16 | (g + (((green - g) * a) >> 8)) << 8 | (r + (((red - r) * a) >> 8))
      }
    }
  }
  const draw = () => {
    frame = 0
    if (!root.isConnected) return end()
    const style = getComputedStyle(canvas), ground = rgb(style.backgroundColor)
    const colours = [...legend.children].map((button) => rgb(getComputedStyle(button.firstChild).backgroundColor))
    pixels.fill(0xff000000 | ground[2] << 16 | ground[1] << 8 | ground[0])
    const masks = Array.from({ length: LEVELS }, (_, n) => mask(base * grown() * (1 + 1.5 * n / (LEVELS - 1)) * ratio))
    const sx = scaleX() * ratio, sy = scaleY() * ratio, w = canvas.width, h = canvas.height
    const x0 = w / 2 - view.x * sx, y0 = h / 2 - view.y * sy, edge = masks[LEVELS - 1].reach
    for (let n = 0; n < count; n++) {
      const i = order[n]
      if (!shown[area[i]]) continue
      const X = Math.round(x0 + xs[i] * sx), Y = Math.round(y0 + ys[i] * sy)
      if (X < -edge || Y < -edge || X > w + edge || Y > h + edge) continue
      stamp(X, Y, masks[Math.round(heat[i] / 255 * (LEVELS - 1))], colours[area[i]])
    }
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.putImageData(image, 0, 0)
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    name(style.color, style.backgroundColor)
    if (marked >= 0 && shown[area[marked]]) {
      context.beginPath()
      context.arc(left(marked), top(marked), radius(marked) + 3, 0, 7)
      context.lineWidth = 2
      context.strokeStyle = style.color
      context.stroke()
    }
  }
  // Names of parts, those of most papers first; one that would lie over another waits for a deeper zoom.
  const name = (ink, ground) => {
    context.font = '600 12.5px "Source Sans", system-ui, sans-serif'
    context.textAlign = "center"
    context.textBaseline = "middle"
    context.lineJoin = "round"
    const taken = []
    for (const label of data.labels) {
      const wide = context.measureText(label.name).width / 2 + 8
      const x = Math.min(width - wide, Math.max(wide, width / 2 + (label.x - view.x) * scaleX()))
      const y = height / 2 + (label.y - view.y) * scaleY()
      const outside = Math.abs(x - (width / 2 + (label.x - view.x) * scaleX())) > wide || y < 10 || y > height - 10
      if (outside || taken.some((other) => Math.abs(other.x - x) < other.wide + wide && Math.abs(other.y - y) < 22)) continue
      taken.push({ x, y, wide })
      context.lineWidth = 4
      context.strokeStyle = ground
      context.strokeText(label.name, x, y)
      context.fillStyle = ink
      context.fillText(label.name, x, y)
    }
  }
  const redraw = () => { frame ||= requestAnimationFrame(draw) }

  // ---- the card of the marked paper, and the list of those in the middle

  const mark = (i, touched = false) => {
    if (i !== marked) redraw()
    marked = i
    canvas.classList.toggle("fr-map-over", i >= 0)
    card.hidden = i < 0
    if (i < 0) return
    card.classList.toggle("fr-map-touch", touched)
    card.firstChild.textContent = titles[i]
    card.firstChild.href = address(i)
    card.firstChild.tabIndex = touched ? 0 : -1
    card.lastChild.textContent = about(i)
    const x = left(i), y = top(i), w = card.offsetWidth, h = card.offsetHeight
    // Beside the point, or over or under it where there is no room beside: it never covers what was pointed at.
    const fits = x + 18 + w <= width || x - 18 - w >= 0
    const across = !fits ? Math.max(4, Math.min(width - w - 4, x - w / 2)) : x + 18 + w > width ? x - 18 - w : x + 18
    const along = fits ? Math.max(4, Math.min(height - h - 4, y - h / 2)) : y > h + 24 ? y - h - 18 : y + 18
    card.style.transform = `translate(${across}px, ${along}px)`
  }
  const write = () => {
    listing = 0
    const found = []
    for (let i = 0; i < count; i++) {
      if (!shown[area[i]]) continue
      const far = ((xs[i] - view.x) * scaleX()) ** 2 + ((ys[i] - view.y) * scaleY()) ** 2
      if (found.length === LISTED && far >= found[LISTED - 1][0]) continue
      let n = found.length
      while (n > 0 && found[n - 1][0] > far) n--
      found.splice(n, 0, [far, i])
      found.length = Math.min(found.length, LISTED)
    }
    list.replaceChildren(...found.map(([, i]) => {
      const item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("span")
      link.href = address(i)
      link.dir = "auto"
      link.textContent = titles[i]
      where.textContent = about(i)
      item.append(link, where)
      return item
    }))
  }
  const moved = () => {
    const half = 0.5 / view.zoom
    view.x = Math.min(1 + half * 0.5, Math.max(-half * 0.5, view.x))
    view.y = Math.min(1 + half * 0.5, Math.max(-half * 0.5, view.y))
    clearTimeout(listing)
    listing = setTimeout(write, 200)
    redraw()
  }
  const zoom = (factor, px = width / 2, py = height / 2) => {
    const before = view.zoom, x = view.x + (px - width / 2) / scaleX(), y = view.y + (py - height / 2) / scaleY()
    view.zoom = Math.min(DEEPEST, Math.max(0.8, before * factor))
    view.x = x - (px - width / 2) / scaleX()
    view.y = y - (py - height / 2) / scaleY()
    moved()
  }
  const all = () => { Object.assign(view, { x: 0.5, y: 0.5, zoom: 1 }); moved() }

  // ---- pointer

  const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top] }
  const down = new Map()
  let travelled = 0
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return
    canvas.setPointerCapture(event.pointerId)
    if (!down.size) travelled = 0
    down.set(event.pointerId, at(event))
  }, heard)
  canvas.addEventListener("pointermove", (event) => {
    const [px, py] = at(event), before = down.get(event.pointerId)
    if (!before) { if (event.pointerType !== "touch") mark(nearest(px, py, NEAR_PX)); return }
    const others = [...down].filter(([id]) => id !== event.pointerId).map(([, place]) => place)
    travelled += Math.hypot(px - before[0], py - before[1])
    if (others.length) {
      const [ox, oy] = others[0], was = Math.hypot(before[0] - ox, before[1] - oy), is = Math.hypot(px - ox, py - oy)
      if (was > 0) zoom(is / was, (px + ox) / 2, (py + oy) / 2)
    } else if (travelled >= STILL_PX) {
      view.x -= (px - before[0]) / scaleX()
      view.y -= (py - before[1]) / scaleY()
      mark(-1)
      moved()
    }
    down.set(event.pointerId, [px, py])
  }, heard)
  const up = (event) => {
    const still = down.size === 1 && down.has(event.pointerId) && travelled < STILL_PX && event.type === "pointerup"
    down.delete(event.pointerId)
    if (!still) return
    const touched = event.pointerType === "touch", before = marked, i = nearest(...at(event), touched ? TOUCH_PX : NEAR_PX)
    if (i >= 0 && (!touched || i === before)) open(i)
    else mark(i, touched)
  }
  canvas.addEventListener("pointerup", up, heard)
  canvas.addEventListener("pointercancel", up, heard)
  canvas.addEventListener("touchend", (event) => event.preventDefault(), heard)  // no click on the card that just came
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch" && !down.size) mark(-1) }, heard)
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault()
    const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1
    mark(-1)
    zoom(2 ** (-event.deltaY * lines / (event.ctrlKey ? 120 : 320)), ...at(event))
  }, { ...heard, passive: false })

  // ---- keys and buttons

  const step = (dx, dy) => { view.x += dx * PAN / view.zoom; view.y += dy * PAN / view.zoom; moved() }
  const keys = {
    ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0), ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1),
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), _: () => zoom(1 / 1.5), 0: all,
  }
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === "Enter" && marked >= 0) return open(marked)
    if (event.key === "Escape") return mark(-1)
    if (!keys[event.key]) return
    event.preventDefault()
    keys[event.key]()
    mark(nearest(width / 2, height / 2, Math.min(width, height) / 3))
    status.textContent = marked < 0 ? "No paper here" : `${titles[marked]}, ${about(marked)}`
  }, heard)
  const does = { in: () => zoom(1.5), out: () => zoom(1 / 1.5), all }
  for (const button of root.querySelectorAll("[data-zoom]"))
    button.addEventListener("click", () => { mark(-1); does[button.dataset.zoom]() }, heard)

  legend.replaceChildren(...data.areas.map(({ title, papers }, n) => {
    const button = document.createElement("button"), swatch = document.createElement("i"), many = document.createElement("small")
    button.type = "button"
    button.setAttribute("aria-pressed", "true")
    swatch.className = n === data.areas.length - 1 ? "fr-map-none" : `fr-map-c${n % COLOURS}`
    many.textContent = papers.toLocaleString("en")
    button.append(swatch, title, many)
    button.addEventListener("click", () => {
      shown[n] = 1 - shown[n]
      button.setAttribute("aria-pressed", String(shown[n] === 1))
      mark(-1)
      write()
      redraw()
    }, heard)
    return button
  }))
  canvas.setAttribute("aria-label", `Map of ${count.toLocaleString("en")} papers; the list below has those in its middle`)

  // ---- size and colours of the page

  const fit = () => {
    const box = field.getBoundingClientRect()
    if (!box.width || !box.height) return
    ratio = Math.min(2, window.devicePixelRatio || 1)
    width = field.clientWidth
    height = field.clientHeight
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(height * ratio)
    image = context.createImageData(canvas.width, canvas.height)
    pixels = new Uint32Array(image.data.buffer)
    if (!frame) draw()
  }
  const sized = new ResizeObserver(fit)
  sized.observe(field)
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw, heard)
  const themed = new MutationObserver(redraw)
  themed.observe(document.querySelector(".stApp") ?? document.body, { attributes: true, attributeFilter: ["class", "style"] })
  const end = () => { mine.abort(); sized.disconnect(); themed.disconnect(); clearTimeout(listing); cancelAnimationFrame(frame) }
  mark(-1)
  fit()
  write()
  root.dataset.drawn = String(count)
  return { made: data.made, end }
}
""".replace("%COLOURS%", str(len(_COLOURS)))

show = v2.component("frontier_map", html=HTML, css=CSS, js=JS, isolate_styles=False)
"""Puts a map (`app.presenters_map.payload`) on the page: `show(key=..., data=...)`."""
