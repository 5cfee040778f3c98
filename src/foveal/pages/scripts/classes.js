// What speaks for a class, kernels over the epochs, and the desk.
"use strict";

/** Draws the classes of a picture, and what speaks for one of them. */
class Classes {
  /** @param {Net} net @param {HTMLElement} body @param {(spot: Spot) => void} go */
  constructor(net, body, go) {
    this.net = net;
    this.body = body;
    this.go = go;
    this.chosen = -1;
  }

  draw() {
    const head = this.net.look.head;
    if (!head) return;
    const logits = this.net.vector(head.node), {shares, exponentials, sum} = Arithmetic.softmax(logits, head.temperature);
    const order = [...head.classes].sort((one, two) => shares[two.place] - shares[one.place]);
    if (!order.some(one => one.place === this.chosen)) this.chosen = order[0].place;
    const buttons = order.slice(0, 10).map(one => this.button(one, shares[one.place]));
    const few = order.slice(0, 10).some(one => one.place === this.chosen);
    if (!few) this.chosen = order[0].place;
    const left = head.count - buttons.length;
    this.body.replaceChildren(
      made("div", {class: "shares"}, ...buttons),
      made("p", {class: "caption"}, left > 0 ? `and ${left} further classes` : ""),
      ...this.evidence(order.find(one => one.place === this.chosen) || order[0], logits, exponentials, sum, shares));
  }

  /** @param {Class} one @param {number} share */
  button(one, share) {
    const bar = made("span", {class: "bar"}), name = made("bdi", {}, one.name);
    bar.style.width = `${(100 * share).toFixed(2)}%`;
    const button = made("button", {type: "button", "aria-pressed": String(one.place === this.chosen), class: "share"},
      name, made("span", {class: "track"}, bar), made("span", {class: "number"}, `${(100 * share).toFixed(1)}\u00a0%`));
    button.addEventListener("click", () => {
      this.chosen = one.place;
      this.draw();
      const pressed = this.body.querySelector("[aria-pressed=true]");
      if (pressed instanceof HTMLElement) pressed.focus();
    });
    return button;
  }

  /** @param {Class} one @param {Float32Array} logits @param {Float64Array} exponentials
   * @param {number} sum @param {Float64Array} shares @returns {Node[]} */
  evidence(one, logits, exponentials, sum, shares) {
    const head = this.net.look.head;
    if (!head) return [];
    const title = made("h3", {}, "What speaks for ", made("bdi", {}, one.name));
    const parts = this.net.parts(head.node, one.place, 0, 0);
    if (!parts || parts.kind !== "sum") {
      const why = (this.net.look.nodes[head.node].work || {}).why || "its weights are not carried";
      return [title, made("p", {}, `Not shown: ${why}.`)];
    }
    const order = Array.from(parts.sums.keys()).sort((a, b) => parts.sums[b] - parts.sums[a]);
    const positive = order.filter(at => parts.sums[at] > 0), negative = order.filter(at => parts.sums[at] < 0).reverse();
    const most = Math.max(...Array.from(parts.sums, Math.abs)) || 1;
    const fine = (/** @type {number} */ value) => value < 0.001 ? written(value) : value.toFixed(4);
    const heat = head.temperature === 1 ? "" : `, over the temperature ${written(head.temperature)}`;
    return [
      title,
      made("div", {class: "columns"}, this.table("for it", positive.slice(0, 8), parts, most),
        this.table("against it", negative.slice(0, 8), parts, most)),
      made("p", {}, `The sum of ${parts.sums.length} products, feature × weight, is ${written(parts.total - parts.bias)}; `
        + `with the bias ${written(parts.bias)} the logit is ${written(parts.total)}${heat}. `
        + `Softmax: its exponential, as a share of the greatest, is ${fine(exponentials[one.place])}, `
        + `and those of all ${head.count} add up to ${fine(sum)}: ${fine(exponentials[one.place])} / ${fine(sum)} = `
        + `${(100 * shares[one.place]).toFixed(1)}\u00a0%.`),
    ];
  }

  /** @param {string} caption @param {number[]} features @param {Sum} parts @param {number} most */
  table(caption, features, parts, most) {
    const head = ["feature", "number", "weight", "product", ""].map(text => made("th", {scope: "col"}, text));
    const rows = features.map(at => {
      const bar = made("span", {class: parts.sums[at] > 0 ? "bar plus" : "bar minus"});
      bar.style.width = `${(64 * Math.abs(parts.sums[at])) / most}px`;
      return made("tr", {}, made("td", {}, this.feature(at)), made("td", {class: "number"}, written(parts.patch[at])),
        made("td", {class: "number"}, written(parts.kernel[at])), made("td", {class: "number"}, written(parts.sums[at])),
        made("td", {class: "drawn"}, bar));
    });
    return made("div", {class: "scroll"}, made("table", {}, made("caption", {}, caption), made("thead", {}, made("tr", {}, ...head)), made("tbody", {}, ...rows)));
  }

  /** A feature, by the map that it comes from. @param {number} at */
  feature(at) {
    const {look} = this.net, head = look.head;
    let place = head ? look.nodes[head.node].source : 0;
    place = this.net.root(place);
    const node = look.nodes[place], text = node.text.split(" ")[0];
    let spot = {place, channel: at, row: 0, column: 0}, name = `${text} ${at}`;
    if (node.shape.length === 3) {
      const [, height, width] = node.shape, inside = at % (height * width);
      spot = {place, channel: Math.floor(at / (height * width)), row: Math.floor(inside / width), column: inside % width};
      name = `map ${spot.channel}, ${spot.row},${spot.column}`;
    }
    const below = look.nodes[node.source];
    if (text === "globalpool" && below) {
      name = `map ${at}`;
      if (this.net.channels(node.source).includes(at)) spot = {...spot, place: node.source};
    }
    const button = made("button", {type: "button", class: "link"}, name);
    button.addEventListener("click", () => this.go(spot));
    return button;
  }
}

/** A slider over the epochs, and the kernels as they were. */
class Epochs {
  /** @param {Look} look @param {HTMLElement} body @param {HTMLInputElement} slider
   * @param {HTMLElement} said */
  static async start(look, body, slider, said) {
    const shots = look.snapshots;
    if (!shots) return;
    const {bytes} = await unpacked(shots.values), [times, count, channels, height, width] = shots.shape;
    const each = channels * height * width, zoom = Math.max(2, Math.floor(64 / Math.max(height, width)));
    const canvases = Array.from({length: count}, (_, one) => {
      const canvas = made("canvas", {role: "img", "aria-label": `kernel ${one}`});
      if (!(canvas instanceof HTMLCanvasElement)) throw new Error("no canvas");
      [canvas.width, canvas.height] = [width, height];
      canvas.style.width = `${zoom * width}px`;
      body.append(made("figure", {}, canvas, made("figcaption", {}, String(one))));
      return canvas;
    });
    const colours = Paint.signed(look, 127);
    const draw = () => {
      const time = Number(slider.value);
      said.textContent = shots.titles[time];
      slider.setAttribute("aria-valuetext", said.textContent);
      canvases.forEach((canvas, one) => {
        const from = (time * count + one) * each, pixels = new ImageData(width, height);
        for (let pixel = 0; pixel < height * width; pixel++) {
          const plane = (/** @type {number} */ at) => bytes[from + at * height * width + pixel];
          const colour = channels === 3 ? [plane(0), plane(1), plane(2)] : colours(plane(0) - 127);
          pixels.data.set([...colour, 255], 4 * pixel);
        }
        Paint.context(canvas).putImageData(pixels, 0, 0);
      });
    };
    slider.max = String(times - 1);
    slider.value = String(shots.kept);
    slider.addEventListener("input", draw);
    draw();
  }
}

/** The desk: input size, kernel size, padding and stride, and what follows of them. */
class Desk {
  /** @param {HTMLFormElement} form @param {HTMLCanvasElement} canvas @param {HTMLElement} said */
  static start(form, canvas, said) {
    const inputs = Array.from(form.querySelectorAll("input"));
    const draw = () => {
      const [size, kernel, padding, stride] = inputs.map(one => Number(one.value));
      for (const one of inputs) {
        const output = form.querySelector(`output[for=${one.id}]`);
        if (output) output.textContent = one.value;
      }
      const result = Arithmetic.outputSize(size, kernel, padding, stride), whole = size + 2 * padding;
      const left = (whole - kernel) % stride;
      said.textContent = result < 1
        ? `A kernel of ${kernel} does not fit into ${size} + 2 × ${padding} = ${whole}.`
        : `(${size} + 2 × ${padding} − ${kernel}) / ${stride} + 1, rounded down, is ${result}: ${size}x${size} becomes ${result}x${result}.`
          + (left ? ` The last ${left === 1 ? "row" : `${left} rows`} below and to the right ${left === 1 ? "is" : "are"} never seen.` : "");
      Desk.draw(canvas, size, kernel, padding, stride, Math.max(result, 0));
    };
    for (const one of inputs) one.addEventListener("input", draw);
    form.addEventListener("submit", event => event.preventDefault());
    draw();
  }

  /** @param {HTMLCanvasElement} canvas @param {number} size @param {number} kernel
   * @param {number} padding @param {number} stride @param {number} result */
  static draw(canvas, size, kernel, padding, stride, result) {
    const whole = size + 2 * padding, cell = Math.max(2, Math.floor(320 / whole)), context = Paint.context(canvas);
    const style = getComputedStyle(document.documentElement);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    [canvas.width, canvas.height] = [whole * cell + 1, whole * cell + 1];
    context.fillStyle = colour("--raised");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = colour("--line");
    context.fillRect(padding * cell, padding * cell, size * cell, size * cell);
    if (cell > 3) {
      context.strokeStyle = colour("--paper");
      for (let line = 0; line <= whole; line++) {
        context.strokeRect(line * cell + 0.5, -1, 0, canvas.height + 2);
        context.strokeRect(-1, line * cell + 0.5, canvas.width + 2, 0);
      }
    }
    const dot = Math.max(2, Math.floor(cell / 3));
    context.fillStyle = colour("--train");
    for (let row = 0; row < result; row++)
      for (let column = 0; column < result; column++) {
        const at = (/** @type {number} */ one) => (one * stride + kernel / 2) * cell - dot / 2;
        context.fillRect(at(column), at(row), dot, dot);
      }
    context.strokeStyle = colour("--orange");
    context.lineWidth = 2;
    if (result > 0) context.strokeRect(1, 1, kernel * cell - 1, kernel * cell - 1);
    if (result > 1) {
      context.setLineDash([4, 3]);
      context.strokeRect(stride * cell + 1, 1, kernel * cell - 1, kernel * cell - 1);
      context.setLineDash([]);
    }
  }
}
