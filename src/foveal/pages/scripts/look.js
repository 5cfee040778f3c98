// The page: layers, one after another, and a spot in them that is pointed at.
"use strict";

/** The maps of a layer on one canvas. */
class Sheet {
  /** @param {Page} page @param {number} place @param {HTMLCanvasElement} canvas */
  constructor(page, place, canvas) {
    this.page = page;
    this.place = place;
    this.canvas = canvas;
    this.node = page.net.look.nodes[place];
    this.maps = this.node.shape.length === 3;
    /** Whether numbers are drawn as bars: those of a code. */
    this.bars = !this.maps && this.node.half === "code" && this.node.shape[0] <= 256;
    /** @type {number[]} */
    this.channels = [];
    this.all = false;
    this.near = false;
    this.zoom = 1;
    this.columns = 1;
    canvas.addEventListener("pointerdown", event => this.pointed(event));
    canvas.addEventListener("pointermove", event => event.buttons && this.pointed(event));
    canvas.addEventListener("keydown", event => this.key(event));
    canvas.addEventListener("focus", () => this.page.spot.place === place || this.page.go(this.best()));
  }

  /** Height and width of a map, or of a cell of a vector, as it is carried. */
  get side() {
    const reduced = this.page.net.look.nodes[this.page.net.root(this.place)].reduced;
    if (!this.maps) return this.bars ? [40, 6] : [1, 1];
    return this.node.shape.slice(1).map(one => Math.ceil(one / reduced));
  }

  /** Whether the layer shows more than its name. */
  get unfolded() {
    return this.canvas.closest("details")?.open ?? true;
  }

  unfold() {
    this.canvas.closest("details")?.setAttribute("open", "");
  }

  get reduced() {
    return this.page.net.look.nodes[this.page.net.root(this.place)].reduced;
  }

  /** Choose which maps are shown: of many the most active. */
  choose() {
    const {net} = this.page, here = net.channels(this.place), most = this.maps ? Sheet.MAPS : Sheet.NUMBERS;
    if (here.length <= most || this.all) return here;
    if (!this.maps) return here.slice(0, most);
    const sizes = new Map(here.map(one => [one, net.map(this.place, one).values.reduce((sum, value) => sum + Math.abs(value), 0)]));
    return [...here].sort((one, two) => (sizes.get(two) || 0) - (sizes.get(one) || 0)).slice(0, most).sort((one, two) => one - two);
  }

  /** Draw the maps; of those that are far from sight take the room alone. */
  draw() {
    if (!this.near) return this.reserve();
    const here = this.page.net.channels(this.place), [height, width] = this.side;
    this.channels = this.choose();
    this.lay(this.channels.length);
    const context = Paint.context(this.canvas), tiles = this.tiles();
    this.colour();
    this.channels.forEach((one, at) => {
      const [x, y] = this.corner(at);
      context.drawImage(tiles[at], x, y, width * this.zoom, height * this.zoom);
    });
    this.mark(context);
    this.more(here.length - this.channels.length);
  }

  /** Take the room that the maps will need, so that nothing moves once they are drawn. */
  reserve() {
    const here = this.page.net.channels(this.place).length, most = this.maps ? Sheet.MAPS : Sheet.NUMBERS;
    const shown = this.all ? here : Math.min(here, most);
    this.lay(shown);
    this.size();
    this.more(here - shown);
  }

  /** Lay maps out in rows, and give the canvas their size. @param {number} count */
  lay(count) {
    const [height, width] = this.side, room = Math.max(this.canvas.parentElement?.clientWidth || 320, 64);
    const size = room > 700 ? 120 : 88;
    const wanted = this.maps ? Math.round(size / Math.max(height, width)) : this.bars ? 2 : count > 256 ? 8 : 20;
    this.zoom = Math.min(Math.max(wanted, 1), 24);
    const gap = this.maps ? Sheet.GAP : 1, wide = width * this.zoom + gap, high = height * this.zoom + gap;
    this.columns = Math.max(1, Math.min(count, Math.floor(room / wide)));
    [this.canvas.width, this.canvas.height] = [this.columns * wide + gap, Math.ceil(count / this.columns) * high + gap];
  }

  /** Give a picture in its colours its size; null where there is none. */
  size() {
    const canvas = document.querySelector(`canvas.colour[data-place="${this.place}"]`);
    if (!(canvas instanceof HTMLCanvasElement)) return null;
    const [height, width] = this.side;
    [canvas.width, canvas.height] = [width * this.zoom, height * this.zoom];
    return canvas;
  }

  /** A picture in its colours, beside its planes. */
  colour() {
    const canvas = this.size();
    if (!canvas) return;
    const picture = Paint.picture(this.page.net, this.place, this.place === 0);
    Paint.context(canvas).drawImage(picture, 0, 0, canvas.width, canvas.height);
  }

  /** Paint each map, or each number. @returns {HTMLCanvasElement[]} */
  tiles() {
    const {net, own} = this.page, {look} = net, [height, width] = this.side;
    const maps = this.channels.map(one => this.maps ? net.map(this.place, one).values : Float32Array.of(net.at(this.place, one)));
    const limits = (/** @type {Float32Array[]} */ all) => {
      let [low, high] = [Infinity, -Infinity];
      for (const one of all) for (const value of one) [low, high] = [Math.min(low, value), Math.max(high, value)];
      return [low, high];
    };
    const [low, high] = limits(maps);
    this.legend(low, high);
    if (this.bars) return maps.map(([one]) => this.bar(one, Math.min(low, 0), Math.max(high, 0)));
    return maps.map(one => {
      const [least, most] = own && this.maps ? limits([one]) : [low, high];
      const colours = this.place ? Paint.sequential(look, least, most) : Paint.grey(least, most);
      return Paint.tile(one, height, width, colours);
    });
  }

  /** A number as a bar, up or down from 0. @param {number} value @param {number} low
   * @param {number} high */
  bar(value, low, high) {
    const [height, width] = this.side, at = (/** @type {number} */ one) =>
      Math.round(((height - 1) * (high - one)) / (high - low || 1));
    const [top, end] = [Math.min(at(value), at(0)), Math.max(at(value), at(0))];
    const colour = Paint.signed(this.page.net.look, 1)(Math.sign(value) * 0.9), tile = document.createElement("canvas");
    [tile.width, tile.height] = [width, height];
    const context = Paint.context(tile), style = getComputedStyle(document.documentElement);
    context.fillStyle = style.getPropertyValue("--raised");
    context.fillRect(0, 0, width, height);
    context.fillStyle = `rgb(${colour.join(" ")})`;
    context.fillRect(0, top, width, end - top + 1);
    return tile;
  }

  /** @param {number} low @param {number} high */
  legend(low, high) {
    const said = document.getElementById(`limits-${this.place}`);
    if (said) said.textContent = this.page.own && this.maps ? "each map from its least to its greatest" : `${written(low)} to ${written(high)}`;
  }

  /** Corner of the place of a map. @param {number} at @returns {[number, number]} */
  corner(at) {
    const [height, width] = this.side, gap = this.maps ? Sheet.GAP : 1;
    const row = Math.floor(at / this.columns), column = at % this.columns;
    return [gap + column * (width * this.zoom + gap), gap + row * (height * this.zoom + gap)];
  }

  /** @param {CanvasRenderingContext2D} context */
  mark(context) {
    const spot = this.page.spot, at = this.channels.indexOf(spot.channel);
    if (spot.place !== this.place || at < 0) return;
    const [x, y] = this.corner(at), [height, width] = this.side;
    context.strokeStyle = "#e66100";
    context.lineWidth = 2;
    context.strokeRect(x - 1, y - 1, width * this.zoom + 2, height * this.zoom + 2);
    if (!this.maps) return;
    const size = Math.max(this.zoom, 4), row = Math.floor(spot.row / this.reduced), column = Math.floor(spot.column / this.reduced);
    const [left, top] = [x + (column + 0.5) * this.zoom - size / 2, y + (row + 0.5) * this.zoom - size / 2];
    context.strokeStyle = "#ffffff";
    context.strokeRect(left - 2, top - 2, size + 4, size + 4);
    context.strokeStyle = "#e66100";
    context.strokeRect(left - 1, top - 1, size + 2, size + 2);
  }

  /** Offer the rest. @param {number} hidden */
  more(hidden) {
    const place = document.getElementById(`more-${this.place}`);
    if (!place) return;
    if (hidden <= 0) return place.replaceChildren();
    if (!this.maps) return place.replaceChildren(`and ${hidden} further numbers`);
    const button = made("button", {type: "button"}, `show ${hidden} less active maps`);
    button.addEventListener("click", () => {
      this.all = true;
      this.draw();
      this.canvas.focus();
    });
    place.replaceChildren(button);
  }

  /** @param {PointerEvent} event */
  pointed(event) {
    const box = this.canvas.getBoundingClientRect(), [height, width] = this.side, gap = this.maps ? Sheet.GAP : 1;
    const x = ((event.clientX - box.left) * this.canvas.width) / box.width - gap;
    const y = ((event.clientY - box.top) * this.canvas.height) / box.height - gap;
    const [wide, high] = [width * this.zoom + gap, height * this.zoom + gap];
    const across = Math.floor(x / wide), at = Math.floor(y / high) * this.columns + across;
    const column = Math.floor((x - across * wide) / this.zoom), row = Math.floor((y % high) / this.zoom);
    if (x < 0 || y < 0 || across >= this.columns || at >= this.channels.length || column >= width || row >= height) return;
    this.canvas.focus({preventScroll: true});
    this.page.go(this.inside({place: this.place, channel: this.channels[at], row: row * this.reduced, column: column * this.reduced}));
  }

  /** The most active number. @returns {Spot} */
  best() {
    const {net} = this.page, channels = this.channels.length ? this.channels : this.choose();
    let spot = {place: this.place, channel: channels[0] || 0, row: 0, column: 0}, most = -Infinity;
    for (const channel of channels) {
      const values = this.maps ? net.map(this.place, channel).values : [net.at(this.place, channel)];
      values.forEach((/** @type {number} */ value, /** @type {number} */ at) => {
        if (value <= most) return;
        most = value;
        const wide = this.side[1];
        spot = {place: this.place, channel, row: Math.floor(at / wide) * this.reduced, column: (at % wide) * this.reduced};
      });
    }
    return spot;
  }

  /** Keep a spot within the maps. @param {Spot} spot @returns {Spot} */
  inside(spot) {
    const [, height, width] = this.maps ? this.node.shape : [0, 1, 1];
    const within = (/** @type {number} */ one, /** @type {number} */ end) => Math.min(Math.max(one, 0), end - 1);
    return {...spot, row: within(spot.row, height), column: within(spot.column, width)};
  }

  /** Arrow keys move the pixel, Page Up and Page Down the map. @param {KeyboardEvent} event */
  key(event) {
    const spot = {...this.page.spot}, by = this.reduced, at = this.channels.indexOf(spot.channel);
    if (spot.place !== this.place || event.altKey || event.ctrlKey || event.metaKey) return;
    const map = (/** @type {number} */ step) =>
      this.channels[Math.min(Math.max(at + step, 0), this.channels.length - 1)];
    const steps = /** @type {Record<string, () => void>} */ ({
      ArrowUp: () => this.maps ? spot.row -= by : spot.channel = map(-this.columns),
      ArrowDown: () => this.maps ? spot.row += by : spot.channel = map(this.columns),
      ArrowLeft: () => this.maps ? spot.column -= by : spot.channel = map(-1),
      ArrowRight: () => this.maps ? spot.column += by : spot.channel = map(1),
      PageUp: () => spot.channel = map(-1),
      PageDown: () => spot.channel = map(1),
    });
    if (!steps[event.key]) return;
    event.preventDefault();
    steps[event.key]();
    this.page.go(this.inside(spot));
  }
}
Sheet.MAPS = 48;
Sheet.NUMBERS = 1024;
Sheet.GAP = 6;

class Page {
  /** @param {Net} net */
  constructor(net) {
    this.net = net;
    /** @type {Spot} */
    this.spot = {place: 0, channel: 0, row: 0, column: 0};
    this.own = false;
    this.panel = new Panel(net, element("spot", HTMLElement), element("said", HTMLElement));
    const classes = document.getElementById("shares");
    this.classes = classes && new Classes(net, classes, spot => this.go(spot, true));
    /** @type {Map<number, Sheet>} */
    this.sheets = new Map();
    for (const canvas of document.querySelectorAll("canvas.maps"))
      if (canvas instanceof HTMLCanvasElement) {
        const place = Number(canvas.dataset.place);
        this.sheets.set(place, new Sheet(this, place, canvas));
      }
  }

  async start() {
    await this.net.open(0);
    this.choices();
    this.redraw();
    this.watch();
    const own = element("own", HTMLInputElement);
    own.addEventListener("change", () => {
      this.own = own.checked;
      this.redraw();
    });
    const places = [...this.sheets.keys()];
    const work = (/** @type {number} */ one) => this.net.look.nodes[one].work || {};
    const first = places.find(one => work(one).kind === "conv" && !work(one).why)
      ?? places.find(one => one && work(one).weight !== undefined);
    const sheet = this.sheets.get(first === undefined ? places[0] : first);
    if (sheet) this.go(sheet.best());
    if (this.classes) this.classes.draw();
    this.folds();
    addEventListener("resize", () => this.redraw());
    document.documentElement.dataset.ready = "yes";
  }

  /** Draw layers when they come near; keep what a link leads to beneath the bar, however high. */
  watch() {
    const bar = element("pictures", HTMLElement).parentElement;
    const clear = () => document.documentElement.style.scrollPaddingTop = `${bar ? bar.offsetHeight : 0}px`;
    clear();
    if (bar) new ResizeObserver(clear).observe(bar);
    const seen = new IntersectionObserver(entries => {
      for (const entry of entries) {
        const sheet = this.sheets.get(Number(entry.target.getAttribute("data-place")));
        if (!sheet) continue;
        const before = sheet.near;
        sheet.near = entry.isIntersecting;
        if (sheet.near && !before) sheet.draw();
      }
    }, {rootMargin: "600px"});
    for (const sheet of this.sheets.values()) seen.observe(sheet.canvas);
  }

  /** Unfold all layers at once; print what is unfolded, however far from sight. */
  folds() {
    const button = document.getElementById("unfold");
    button?.removeAttribute("hidden");
    button?.addEventListener("click", () => {
      for (const sheet of this.sheets.values()) sheet.unfold();
      button.parentElement?.remove();
    });
    addEventListener("beforeprint", () => {
      for (const sheet of this.sheets.values()) {
        sheet.near = sheet.near || sheet.unfolded;
        sheet.draw();
      }
    });
  }

  /** The pictures to switch between. */
  choices() {
    const body = element("pictures", HTMLElement), {pictures} = this.net.look;
    pictures.forEach((name, one) => {
      const input = document.createElement("input");
      Object.assign(input, {type: "radio", name: "picture", id: `picture-${one}`, checked: one === 0});
      const label = made("label", {for: input.id}, made("bdi", {}, name));
      input.addEventListener("change", () => this.turn(one));
      body.append(input, label);
      this.thumbnail(one, label);
    });
  }

  /** @param {number} picture @param {HTMLElement} label */
  async thumbnail(picture, label) {
    const net = new Net(this.net.look, this.net.weights, this.net.spans);
    await net.open(picture);
    const canvas = Paint.picture(net, 0, true);
    canvas.setAttribute("aria-hidden", "true");
    label.prepend(canvas);
  }

  /** Turn to another picture. @param {number} picture */
  async turn(picture) {
    await this.net.open(picture);
    this.redraw();
    this.panel.draw(this.spot);
    if (this.classes) this.classes.draw();
  }

  redraw() {
    for (const sheet of this.sheets.values()) sheet.draw();
  }

  /** Point at a number. @param {Spot} spot @param {boolean} [there] whether to walk to its layer */
  go(spot, there = false) {
    const before = this.sheets.get(this.spot.place), sheet = this.sheets.get(spot.place);
    this.spot = spot;
    if (sheet && there) {
      sheet.all = sheet.all || !sheet.choose().includes(spot.channel);
      sheet.near = true;
      sheet.unfold();
      sheet.canvas.focus({preventScroll: true});
      sheet.canvas.scrollIntoView({block: "center"});
    }
    if (before && before !== sheet) before.draw();
    if (sheet) sheet.draw();
    this.panel.show(spot);
  }
}

(async () => {
  /** @type {Look} */
  const look = JSON.parse(element("look", HTMLScriptElement).textContent || "");
  const page = new Page(await Net.of(look));
  await page.start();
  const slider = document.getElementById("time");
  if (slider instanceof HTMLInputElement)
    await Epochs.start(look, element("kernels-drawn", HTMLElement), slider, element("when", HTMLElement));
  Desk.start(element("desk-form", HTMLFormElement), element("desk-drawn", HTMLCanvasElement), element("desk-said", HTMLElement));
  Object.assign(window, {foveal: page});
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
})();
