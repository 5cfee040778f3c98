// What a layer does, number by number. Knows neither the page nor how numbers are kept.
"use strict";

/**
 * How the numbers of a layer are made; offsets count floats among the weights.
 * @typedef {{
 *   kind?: string, why?: string, size?: [number, number], stride?: [number, number],
 *   pads?: [number, number], dilation?: [number, number], per?: number, each?: number,
 *   weight?: number, bias?: number, rows?: number[], act?: string, slope?: number, block?: number
 * }} Work
 *
 * A layer with the shapes around it, and how numbers are read.
 * @typedef {{
 *   work: Work, shape: number[], below: number[], place: number,
 *   read: (flat: number) => number, beside: (flat: number) => number, weights: Float32Array
 * }} Layer
 *
 * One number that a weighted sum gives; patch and kernel lie channel by channel, row by row.
 * @typedef {{
 *   kind: "sum", channels: number[], rows: number[], columns: number[], patch: Float64Array,
 *   kernel: Float64Array, sums: Float64Array, bias: number, total: number, act: string, value: number
 * }} Sum
 * @typedef {{
 *   kind: "window", rows: number[], columns: number[], channel: number, patch: Float64Array,
 *   taken: number, value: number
 * }} Pooled
 * @typedef {{ kind: "scale", input: number, factor: number, summand: number, act: string,
 *   total: number, value: number }} Scaled
 * @typedef {{ kind: "mix", taps: {flat: number, weight: number, value: number}[], value: number }} Mixed
 * @typedef {{ kind: "residual", branch: number, shortcut: number, products: number, value: number }} Added
 * @typedef {Sum | Pooled | Scaled | Mixed | Added} Parts
 */

const Arithmetic = {
  /**
   * Count the places where a window fits (Dumoulin and Visin, arXiv:1603.07285).
   * @param {number} size @param {number} kernel @param {number} padding @param {number} stride
   */
  outputSize(size, kernel, padding, stride) {
    return Math.floor((size + 2 * padding - kernel) / stride) + 1;
  },

  /**
   * Apply an activation function.
   * @param {string} name @param {number} x @param {number} slope of prelu
   * @returns {number}
   */
  activated(name, x, slope) {
    const relu6 = Math.min(Math.max(x + 3, 0), 6) / 6;
    switch (name) {
      case "": return x;
      case "relu": return Math.max(x, 0);
      case "leakyrelu": return x > 0 ? x : 0.01 * x;
      case "prelu": return x > 0 ? x : slope * x;
      case "relu6": return Math.min(Math.max(x, 0), 6);
      case "elu": case "celu": return x > 0 ? x : Math.expm1(x);
      case "selu": return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x));
      case "gelu": return (x / 2) * (1 + Arithmetic.erf(x / Math.SQRT2));
      case "silu": return x / (1 + Math.exp(-x));
      case "mish": return x * Math.tanh(Math.log1p(Math.exp(Math.min(x, 60))));
      case "hardswish": return x * relu6;
      case "hardsigmoid": return relu6;
      case "sigmoid": return 1 / (1 + Math.exp(-x));
      case "tanh": return Math.tanh(x);
      case "hardtanh": return Math.min(Math.max(x, -1), 1);
      case "softplus": return x > 20 ? x : Math.log1p(Math.exp(x));
      case "softsign": return x / (1 + Math.abs(x));
      default: return NaN;
    }
  },

  /**
   * The error function, by its series near 0 and its continued fraction beyond.
   * @param {number} x
   * @returns {number}
   */
  erf(x) {
    if (x < 0) return -Arithmetic.erf(-x);
    if (x > 6) return 1;
    if (x < 2.5) {
      let term = x, sum = x;
      for (let n = 1; n < 60; n++) {
        term *= (-x * x) / n;
        sum += term / (2 * n + 1);
      }
      return (2 / Math.sqrt(Math.PI)) * sum;
    }
    let fraction = 0;
    for (let n = 40; n > 0; n--) fraction = n / 2 / (x + fraction);
    return 1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
  },

  /**
   * Take one number of a layer apart.
   * @param {Layer} layer
   * @param {number} channel of a vector its place; @param {number} row @param {number} column
   * @returns {Parts}
   */
  parts(layer, channel, row, column) {
    const {work, shape, below, read} = layer;
    const flat = shape.length === 3 ? (channel * shape[1] + row) * shape[2] + column : channel;
    switch (work.kind) {
      case "conv": case "convtranspose": return Arithmetic.convolved(layer, channel, row, column);
      case "dense": return Arithmetic.dense(layer, channel);
      case "maxpool": case "avgpool": return Arithmetic.pooled(layer, channel, row, column);
      case "scale": case "shift": case "act": return Arithmetic.scaled(layer, flat, channel);
      case "residual": return Arithmetic.added(layer, flat, channel, row, column);
      default: {
        const taps = Arithmetic.taps(work, shape, below, channel, row, column, flat);
        const mixed = taps.map(one => ({...one, value: read(one.flat)}));
        const value = mixed.reduce((sum, one) => sum + one.weight * one.value, 0);
        return {kind: "mix", taps: mixed, value};
      }
    }
  },

  /**
   * Which rows of the inputs a row of the outputs is made of, and by which row of the kernel each.
   * @param {Work} work @param {0 | 1} axis @param {number} row @param {number} side of the inputs
   * @returns {{line: number, tap: number}[]}
   */
  lines(work, axis, row, side) {
    const size = work.size ? work.size[axis] : 1;
    const stride = work.stride ? work.stride[axis] : 1;
    const pad = work.pads ? work.pads[axis] : 0;
    const apart = work.dilation ? work.dilation[axis] : 1;
    const found = [];
    for (let tap = 0; tap < size; tap++) {
      if (work.kind !== "convtranspose") {
        found.push({line: row * stride - pad + tap * apart, tap});
        continue;
      }
      const line = (row + pad - tap) / stride;
      if (Number.isInteger(line) && line >= 0 && line < side) found.push({line, tap});
    }
    return found;
  },

  /**
   * @param {Layer} layer @param {number} channel @param {number} row @param {number} column
   * @returns {Sum}
   */
  convolved(layer, channel, row, column) {
    const {work, below, read, weights} = layer;
    const [, height, width] = below, size = work.size || [1, 1], per = work.per || 1;
    const down = Arithmetic.lines(work, 0, row, height);
    const across = Arithmetic.lines(work, 1, column, width);
    const kept = work.rows ? work.rows.indexOf(channel) : channel, taps = size[0] * size[1];
    const first = Math.floor(channel / (work.each || 1)) * per;
    const count = down.length * across.length;
    const patch = new Float64Array(per * count), kernel = new Float64Array(per * count);
    const channels = Array.from({length: per}, (_, one) => first + one);
    let place = 0;
    for (let one = 0; one < per; one++)
      for (const y of down)
        for (const x of across) {
          const there = y.line >= 0 && y.line < height && x.line >= 0 && x.line < width;
          patch[place] = there ? read(((first + one) * height + y.line) * width + x.line) : 0;
          const from = (work.weight || 0) + (kept * per + one) * taps;
          kernel[place++] = kept < 0 ? NaN : weights[from + y.tap * size[1] + x.tap];
        }
    const bias = work.bias === undefined ? 0 : weights[work.bias + kept];
    const rows = down.map(y => y.line), columns = across.map(x => x.line);
    return Arithmetic.summed(work, channels, rows, columns, patch, kernel, bias);
  },

  /**
   * @param {Layer} layer @param {number} node
   * @returns {Sum}
   */
  dense(layer, node) {
    const {work, below, read, weights} = layer, length = below.reduce((one, two) => one * two, 1);
    const kept = work.rows ? work.rows.indexOf(node) : node;
    const patch = Float64Array.from({length}, (_, place) => read(place));
    const from = (work.weight || 0) + kept * length;
    const kernel = Float64Array.from({length}, (_, place) => kept < 0 ? NaN : weights[from + place]);
    const bias = work.bias === undefined ? 0 : weights[work.bias + kept];
    const channels = Array.from({length}, (_, place) => place);
    return Arithmetic.summed(work, channels, [0], [0], patch, kernel, bias);
  },

  /**
   * @param {Work} work @param {number[]} channels @param {number[]} rows @param {number[]} columns
   * @param {Float64Array} patch @param {Float64Array} kernel @param {number} bias
   * @returns {Sum}
   */
  summed(work, channels, rows, columns, patch, kernel, bias) {
    const count = rows.length * columns.length, sums = new Float64Array(channels.length);
    for (let place = 0; place < patch.length; place++)
      sums[Math.floor(place / count)] += patch[place] * kernel[place];
    const total = sums.reduce((one, two) => one + two, bias), act = work.act || "";
    const value = Arithmetic.activated(act, total, work.slope || 0);
    return {kind: "sum", channels, rows, columns, patch, kernel, sums, bias, total, act, value};
  },

  /**
   * @param {Layer} layer @param {number} channel @param {number} row @param {number} column
   * @returns {Pooled}
   */
  pooled(layer, channel, row, column) {
    const {work, below, read} = layer, [, height, width] = below;
    const rows = Arithmetic.lines(work, 0, row, height).map(one => one.line);
    const columns = Arithmetic.lines(work, 1, column, width).map(one => one.line);
    const patch = new Float64Array(rows.length * columns.length).fill(NaN);
    let sum = 0, count = 0, taken = -1;
    rows.forEach((y, down) => columns.forEach((x, across) => {
      if (y < 0 || y >= height || x < 0 || x >= width) return;
      const place = down * columns.length + across;
      patch[place] = read((channel * height + y) * width + x);
      sum += patch[place];
      count += 1;
      if (taken < 0 || patch[place] > patch[taken]) taken = place;
    }));
    const greatest = work.kind === "maxpool";
    const value = greatest ? patch[taken] : sum / count;
    return {kind: "window", rows, columns, channel, patch, taken: greatest ? taken : -1, value};
  },

  /**
   * @param {Layer} layer @param {number} flat @param {number} channel
   * @returns {Scaled}
   */
  scaled(layer, flat, channel) {
    const {work, shape, read, weights} = layer, input = read(flat);
    const area = shape.length === 3 ? shape[1] * shape[2] : 1;
    const kept = work.rows ? work.rows.indexOf(channel) : channel, from = work.weight || 0;
    let factor = 1, summand = 0;
    if (work.kind === "scale") [factor, summand] = [weights[from + 2 * kept], weights[from + 2 * kept + 1]];
    if (work.kind === "shift") summand = weights[from + kept * area + (flat % area)];
    const total = input * factor + summand, act = work.act || "";
    const value = Arithmetic.activated(act, total, work.slope || 0);
    return {kind: "scale", input, factor, summand, act, total, value};
  },

  /**
   * @param {Layer} layer @param {number} flat
   * @param {number} channel @param {number} row @param {number} column
   * @returns {Added}
   */
  added(layer, flat, channel, row, column) {
    const {work, below, read, beside, weights} = layer, branch = read(flat);
    if (work.weight === undefined) {
      const shortcut = beside(flat);
      return {kind: "residual", branch, shortcut, products: 0, value: branch + shortcut};
    }
    const [channels, height, width] = below, stride = work.stride || [1, 1];
    const kept = work.rows ? work.rows.indexOf(channel) : channel;
    let shortcut = 0;
    for (let one = 0; one < channels; one++)
      shortcut += weights[work.weight + kept * channels + one]
        * beside((one * height + row * stride[0]) * width + column * stride[1]);
    return {kind: "residual", branch, shortcut, products: channels, value: branch + shortcut};
  },

  /**
   * Which numbers below a number is mixed of, and by how much of each.
   * @param {Work} work @param {number[]} shape @param {number[]} below
   * @param {number} channel @param {number} row @param {number} column @param {number} flat
   * @returns {{flat: number, weight: number}[]}
   */
  taps(work, shape, below, channel, row, column, flat) {
    const [, height, width] = below, block = work.block || 1;
    /** @param {number} one @param {number} y @param {number} x */
    const at = (one, y, x) => (one * height + y) * width + x;
    switch (work.kind) {
      case "nearest": {
        const y = Math.min(Math.floor((row * height) / shape[1]), height - 1);
        const x = Math.min(Math.floor((column * width) / shape[2]), width - 1);
        return [{flat: at(channel, y, x), weight: 1}];
      }
      case "bilinear": {
        const found = [];
        for (const [y, down] of Arithmetic.between(row, shape[1], height))
          for (const [x, across] of Arithmetic.between(column, shape[2], width))
            found.push({flat: at(channel, y, x), weight: down * across});
        return found;
      }
      case "spacetodepth": {
        const inner = channel % (block * block), one = Math.floor(channel / (block * block));
        const y = row * block + Math.floor(inner / block), x = column * block + (inner % block);
        return [{flat: at(one, y, x), weight: 1}];
      }
      case "depthtospace": {
        const inner = (row % block) * block + (column % block);
        const y = Math.floor(row / block), x = Math.floor(column / block);
        return [{flat: at(channel * block * block + inner, y, x), weight: 1}];
      }
      default: return [{flat, weight: 1}];
    }
  },

  /**
   * The two lines between which one falls when a side is stretched, with their shares.
   * @param {number} line @param {number} above @param {number} side
   * @returns {[number, number][]}
   */
  between(line, above, side) {
    const exact = Math.max(((line + 0.5) * side) / above - 0.5, 0);
    const lower = Math.min(Math.floor(exact), side - 1), share = exact - Math.floor(exact);
    const upper = Math.min(lower + 1, side - 1);
    return share > 0 && upper > lower ? [[lower, 1 - share], [upper, share]] : [[lower, 1]];
  },

  /**
   * Shares of 1 by the exponentials of numbers.
   * @param {ArrayLike<number>} logits @param {number} temperature
   * @returns {{shares: Float64Array, exponentials: Float64Array, sum: number, most: number}}
   */
  softmax(logits, temperature) {
    let most = -Infinity;
    for (let place = 0; place < logits.length; place++) most = Math.max(most, logits[place]);
    const exponentials = Float64Array.from(logits, one => Math.exp((one - most) / temperature));
    const sum = exponentials.reduce((one, two) => one + two, 0);
    return {shares: exponentials.map(one => one / sum), exponentials, sum, most};
  },
};
