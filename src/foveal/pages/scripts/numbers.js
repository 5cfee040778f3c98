// The panel beside the maps: one number, what it sees, and how it was made.
"use strict";

/** @typedef {{place: number, channel: number, row: number, column: number}} Spot */

class Panel {
  /** @param {Net} net @param {HTMLElement} body @param {HTMLElement} said */
  constructor(net, body, said) {
    this.net = net;
    this.body = body;
    this.said = said;
    /** Input channel that is laid open; -1 for the one that matters most. */
    this.open = -1;
  }

  /** Show a number. @param {Spot} spot */
  show(spot) {
    this.open = -1;
    this.draw(spot);
  }

  /** @param {Spot} spot */
  draw(spot) {
    const node = this.net.look.nodes[spot.place], maps = node.shape.length === 3;
    const flat = maps ? (spot.channel * node.shape[1] + spot.row) * node.shape[2] + spot.column : spot.channel;
    const value = this.net.at(spot.place, flat);
    const where = maps ? `${this.named(spot.place, spot.channel)}, row ${spot.row}, column ${spot.column}` : `number ${spot.channel}`;
    const layer = spot.place ? `Layer ${node.number}` : "The picture";
    const sees = this.sees(spot);
    this.said.textContent = `${layer}, ${where}: ${written(value)}. ${sees}`;
    this.body.replaceChildren(
      made("h2", {}, layer), made("p", {class: "spot"}, `${where}: `, made("strong", {}, written(value))),
      this.seen(spot), made("p", {class: "caption"}, sees), ...this.making(spot, value));
  }

  /** @param {Spot} spot */
  sees({place, row, column}) {
    const node = this.net.look.nodes[place], [, height, width] = this.net.look.nodes[0].shape;
    if (!place) return "";
    if (node.unknown) return "Nobody knows what of the picture it sees.";
    const [top, bottom, left, right] = this.net.field(place, row, column);
    if (bottom <= top || right <= left) return "It sees nothing of the picture.";
    const whole = bottom - top === height && right - left === width;
    const size = bottom - top === 1 && right - left === 1 ? "1 pixel" : `${bottom - top}x${right - left} pixels`;
    const lines = (/** @type {string} */ noun, /** @type {number} */ first, /** @type {number} */ end) =>
      end - first === 1 ? `${noun} ${first}` : `${noun}s ${first} to ${end - 1}`;
    return whole ? `It sees the whole picture, ${size}.`
      : `It sees ${lines("row", top, bottom)} and ${lines("column", left, right)} of the picture: ${size}.`;
  }

  /** The picture with the receptive field: the rest dimmed. @param {Spot} spot */
  seen({place, row, column}) {
    const picture = Paint.picture(this.net, 0, true), {shape} = this.net.look.nodes[0];
    const scale = Math.max(1, Math.round(256 / Math.max(shape[1], shape[2])));
    const canvas = document.createElement("canvas"), context = Paint.context(canvas);
    [canvas.width, canvas.height] = [shape[2] * scale, shape[1] * scale];
    canvas.className = "seen";
    context.imageSmoothingEnabled = false;
    const [top, bottom, left, right] = this.net.field(place, row, column).map(one => one * scale);
    context.fillStyle = "#000000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.globalAlpha = 0.35;
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    context.globalAlpha = 1;
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    context.restore();
    const line = Math.max(2, Math.round(canvas.width / 128));
    context.lineWidth = line;
    context.strokeStyle = "#e66100";
    context.strokeRect(
      Math.max(left - line / 2, line / 2), Math.max(top - line / 2, line / 2),
      Math.min(right - left + line, canvas.width - line), Math.min(bottom - top + line, canvas.height - line));
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "the picture, with what the number sees outlined");
    return canvas;
  }

  /** @param {Spot} spot @param {number} value @returns {Node[]} */
  making(spot, value) {
    const node = this.net.look.nodes[spot.place], work = node.work;
    if (!work) return [made("p", {}, "A number of the picture as the network takes it: brightness, less the mean, over the deviation.")];
    if (work.why) return [made("p", {}, `How it was made is not shown: ${work.why}.`)];
    const parts = this.net.parts(spot.place, spot.channel, spot.row, spot.column);
    if (!parts) return [made("p", {}, "How it was made is not shown: the weights of this one are not carried.")];
    const told = {
      sum: () => this.summed(/** @type {Sum} */ (parts), spot),
      window: () => this.pooled(/** @type {Pooled} */ (parts)),
      scale: () => this.scaled(/** @type {Scaled} */ (parts), work),
      mix: () => this.mixed(/** @type {Mixed} */ (parts)),
      residual: () => this.added(/** @type {Added} */ (parts)),
    }[parts.kind]();
    const block = this.net.look.nodes[this.net.root(spot.place)].reduced;
    const whose = block > 1 ? `the network's own, the mean of ${block}x${block}` : "the network's own number";
    const own = this.equation([[whose, value]], "own");
    const bits = (/** @type {number} */ place) => this.net.look.nodes[this.net.root(place)].bits;
    const below = this.net.root(node.source), coarse = below > 0 && bits(below) === 8;
    const note = coarse ? "Worked out of maps that this page rounds to 256 levels each, and so not exact."
      : bits(spot.place) === 8 ? "This page rounds the maps of this layer to 256 levels, so that the network's own number is not exact." : "";
    return [made("h3", {}, "How it was made"), ...told, own, made("p", {class: "caption"}, note)];
  }

  /** @param {[string, number][]} lines @param {string} [kind] */
  equation(lines, kind = "") {
    const rows = lines.map(([name, value]) =>
      made("tr", {}, made("th", {scope: "row"}, name), made("td", {class: "number"}, written(value))));
    return made("table", {class: `equation ${kind}`}, ...rows);
  }

  /** @param {Sum} parts @param {Spot} spot @returns {Node[]} */
  summed(parts, spot) {
    const {look} = this.net, count = parts.rows.length * parts.columns.length;
    const order = Array.from(parts.sums.keys()).sort((one, two) => Math.abs(parts.sums[two]) - Math.abs(parts.sums[one]));
    const end = this.totals(parts, count);
    if (!count) return [made("p", {}, "No number below reaches it: it is its bias."), end];
    if (count === 1 && parts.sums.length > 1) return [this.strongest(parts, order), end];
    const chosen = this.open < 0 || this.open >= parts.sums.length ? order[0] : this.open;
    const cut = (/** @type {Float64Array} */ all) => all.slice(chosen * count, (chosen + 1) * count);
    const patch = cut(parts.patch), kernel = cut(parts.kernel), products = patch.map((one, at) => one * kernel[at]);
    const most = Math.max(...Array.from(parts.kernel, Math.abs));
    const largest = Math.max(...products.map(Math.abs));
    const [high, wide] = [parts.rows.length, parts.columns.length];
    const below = this.net.limits(look.nodes[spot.place].source, parts.channels[chosen], patch);
    const shades = look.nodes[spot.place].source ? Paint.sequential(look, ...below) : Paint.grey(...below);
    return [
      this.choice(parts, order, chosen, spot),
      made("div", {class: "steps"},
        Paint.matrix(patch, high, wide, shades, "patch"),
        Paint.matrix(kernel, high, wide, Paint.signed(look, most), "× kernel"),
        Paint.matrix(products, high, wide, Paint.signed(look, largest), `= products, sum ${written(parts.sums[chosen])}`)),
      end,
    ];
  }

  /** What a map is called: a plane of the picture by its colour. @param {number} place @param {number} channel */
  named(place, channel) {
    return place ? `map ${channel}` : this.net.look.planes[channel];
  }

  /** Which input channel is laid open. @param {Sum} parts @param {number[]} order
   * @param {number} chosen @param {Spot} spot */
  choice(parts, order, chosen, spot) {
    const select = document.createElement("select");
    select.id = "channel";
    const source = this.net.look.nodes[spot.place].source;
    for (const one of order.slice(0, 256)) {
      const option = made("option", {value: String(one)}, `${this.named(source, parts.channels[one])}: sum ${written(parts.sums[one])}`);
      select.append(option);
    }
    select.value = String(chosen);
    select.addEventListener("change", () => {
      this.open = Number(select.value);
      this.draw(spot);
      element("channel", HTMLSelectElement).focus();
    });
    return made("p", {class: "choice"}, made("label", {for: "channel"}, "Map below, strongest first "), select);
  }

  /** The strongest of many single products. @param {Sum} parts @param {number[]} order */
  strongest(parts, order) {
    const head = ["input", "number", "weight", "product"].map(one => made("th", {scope: "col"}, one));
    const rows = order.slice(0, 10).map(one => made("tr", {},
      ...[String(parts.channels[one]), written(parts.patch[one]), written(parts.kernel[one]), written(parts.sums[one])]
        .map(text => made("td", {class: "number"}, text))));
    const left = order.length - rows.length, note = left > 0 ? `and ${left} weaker products` : "";
    return made("div", {}, made("table", {class: "products"}, made("thead", {}, made("tr", {}, ...head)), made("tbody", {}, ...rows)),
      made("p", {class: "caption"}, note));
  }

  /** @param {Sum} parts @param {number} count */
  totals(parts, count) {
    const all = parts.sums.length * count;
    /** @type {[string, number][]} */
    const lines = [[`sum of ${all} products`, parts.total - parts.bias], ["+ bias", parts.bias]];
    if (parts.act) lines.push(["= total", parts.total]);
    lines.push([parts.act ? `${parts.act} of it` : "= the number", parts.value]);
    return this.equation(lines);
  }

  /** @param {Pooled} parts @returns {Node[]} */
  pooled(parts) {
    const there = parts.patch.filter(one => !Number.isNaN(one));
    const colours = Paint.sequential(this.net.look, Math.min(...there), Math.max(...there));
    const greatest = parts.taken >= 0, [high, wide] = [parts.rows.length, parts.columns.length];
    return [
      made("div", {class: "steps"}, Paint.matrix(parts.patch, high, wide, colours, `window of map ${parts.channel}`, parts.taken)),
      this.equation([[greatest ? "the greatest" : `the mean of ${there.length}`, parts.value]]),
    ];
  }

  /** @param {Scaled} parts @param {Work} work @returns {Node[]} */
  scaled(parts, work) {
    /** @type {[string, number][]} */
    const lines = [["number below", parts.input]];
    if (work.kind === "scale") lines.push(["× factor", parts.factor]);
    if (work.kind !== "act") lines.push(["+ summand", parts.summand]);
    lines.push([parts.act ? `${parts.act} of it` : "= the number", parts.value]);
    return [this.equation(lines)];
  }

  /** @param {Mixed} parts @returns {Node[]} */
  mixed(parts) {
    if (parts.taps.length === 1) return [this.equation([["the number below, moved", parts.value]])];
    /** @type {[string, number][]} */
    const lines = parts.taps.map(one => [`${written(one.weight)} of`, one.value]);
    return [this.equation([...lines, ["= the number", parts.value]])];
  }

  /** @param {Added} parts @returns {Node[]} */
  added(parts) {
    const shortcut = parts.products ? `+ shortcut, the sum of ${parts.products} products` : "+ shortcut, the same number before the branch";
    return [this.equation([["branch", parts.branch], [shortcut, parts.shortcut], ["= the number", parts.value]])];
  }
}
