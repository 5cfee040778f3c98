// What the page carries, taken apart again: maps, vectors, weights, receptive fields.
"use strict";

/**
 * @typedef {{floats: number, deflated: string}} Deflated
 * @typedef {{floats: Float32Array, bytes: Uint8Array}} Numbers
 * @typedef {{
 *   number: string, text: string, shape: number[], source: number, shortcut?: number, bits: number,
 *   reduced: number, alias?: boolean, channels: number[] | null, f?: number, u?: number,
 *   parameters?: number, fixed?: boolean, unknown?: boolean, half?: string, work?: Work, spans: number[]
 * }} Stage
 * @typedef {{place: number, name: string}} Class
 * @typedef {{
 *   nodes: Stage[], pictures: string[], planes: string[], unit: [number, number][],
 *   head: {node: number, temperature: number, count: number, classes: Class[]} | null,
 *   snapshots: {shape: number[], of: number, channels: number, most: number, titles: string[], kept: number,
 *     values: Deflated} | null,
 *   scales: {viridis: number[][], signed: number[][]}, maps: Deflated[], weights: Deflated, spans: Deflated
 * }} Look
 */

/**
 * @param {Deflated} text
 * @returns {Promise<Numbers>}
 */
async function unpacked(text) {
  const raw = Uint8Array.from(atob(text.deflated), one => one.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const whole = await new Response(stream).arrayBuffer();
  return {
    floats: new Float32Array(whole, 0, text.floats),
    bytes: new Uint8Array(whole, 4 * text.floats),
  };
}

/** A network and the numbers that pictures left in it. */
class Net {
  /** @param {Look} look @param {Float32Array} weights @param {Uint8Array} spans */
  constructor(look, weights, spans) {
    this.look = look;
    this.weights = weights;
    this.spans = spans;
    /** @type {Numbers} */
    this.numbers = {floats: new Float32Array(0), bytes: new Uint8Array(0)};
    /** @type {Map<number, Numbers>} */
    this.opened = new Map();
    this.picture = -1;
  }

  /** @param {Look} look */
  static async of(look) {
    const [weights, spans] = await Promise.all([unpacked(look.weights), unpacked(look.spans)]);
    return new Net(look, weights.floats, spans.bytes);
  }

  /** Turn to a picture. @param {number} picture */
  async open(picture) {
    const numbers = this.opened.get(picture) || await unpacked(this.look.maps[picture]);
    this.opened.set(picture, numbers);
    this.numbers = numbers;
    this.picture = picture;
  }

  /** The stage whose numbers a stage has. @param {number} place */
  root(place) {
    while (this.look.nodes[place].alias) place = this.look.nodes[place].source;
    return place;
  }

  /** Numbers of the maps that are here, ascending. @param {number} place @returns {number[]} */
  channels(place) {
    const node = this.look.nodes[place], kept = this.look.nodes[this.root(place)];
    if (!kept.bits) return [];
    const known = node.alias && node.shape.length !== kept.shape.length ? null : kept.channels;
    return known || Array.from({length: node.shape[0]}, (_, one) => one);
  }

  /**
   * Read one number by its place in the whole of a stage's numbers; NaN where it is not here.
   * @param {number} place @param {number} flat
   * @returns {number}
   */
  at(place, flat) {
    const node = this.look.nodes[this.root(place)];
    if (!node.bits) return NaN;
    if (node.shape.length === 1) return this.numbers.floats[(node.f || 0) + flat];
    const [, height, width] = node.shape, channel = Math.floor(flat / (height * width));
    const kept = node.channels ? node.channels.indexOf(channel) : channel;
    const row = Math.floor((flat % (height * width)) / width / node.reduced);
    const column = Math.floor((flat % width) / node.reduced);
    const high = Math.ceil(height / node.reduced), wide = Math.ceil(width / node.reduced);
    return kept < 0 ? NaN : this.step(node, kept, (kept * high + row) * wide + column);
  }

  /** @param {Stage} node @param {number} kept @param {number} offset @returns {number} */
  step(node, kept, offset) {
    const from = (node.f || 0) + 2 * kept, first = node.u || 0, {floats, bytes} = this.numbers;
    let level = bytes[first + offset];
    if (node.bits === 16) {
      const [channels, height, width] = node.shape;
      level = 256 * level + bytes[first + channels * height * width + offset];
    }
    return floats[from] + level * floats[from + 1];
  }

  /**
   * One map, as large as it is carried.
   * @param {number} place @param {number} channel
   * @returns {{height: number, width: number, values: Float32Array}}
   */
  map(place, channel) {
    const node = this.look.nodes[place], kept = this.look.nodes[this.root(place)];
    const reduced = kept.reduced, [, height, width] = node.shape;
    const high = Math.ceil(height / reduced), wide = Math.ceil(width / reduced);
    const values = new Float32Array(high * wide);
    for (let row = 0; row < high; row++)
      for (let column = 0; column < wide; column++) {
        const flat = (channel * height + row * reduced) * width + column * reduced;
        values[row * wide + column] = this.at(place, flat);
      }
    return {height: high, width: wide, values};
  }

  /**
   * The least and the greatest number of the map below that a patch is cut from.
   * @param {number} place @param {number} channel @param {ArrayLike<number>} patch
   * @returns {[number, number]}
   */
  limits(place, channel, patch) {
    const shape = this.look.nodes[place].shape;
    const all = shape.length === 3 && !this.look.nodes[place].alias ? this.map(place, channel).values : patch;
    let [low, high] = [Infinity, -Infinity];
    for (let at = 0; at < all.length; at++) [low, high] = [Math.min(low, all[at]), Math.max(high, all[at])];
    return [low, high];
  }

  /** A vector. @param {number} place @returns {Float32Array} */
  vector(place) {
    const length = this.look.nodes[place].shape.reduce((one, two) => one * two, 1);
    return Float32Array.from({length}, (_, flat) => this.at(place, flat));
  }

  /**
   * Take one number apart; null where that is not told.
   * @param {number} place @param {number} channel @param {number} row @param {number} column
   * @returns {Parts | null}
   */
  parts(place, channel, row, column) {
    const node = this.look.nodes[place], work = node.work;
    if (!work || work.why || !work.kind) return null;
    const rows = work.rows || this.look.nodes[this.root(place)].channels || undefined;
    if (rows && !rows.includes(channel)) return null;
    const below = this.look.nodes[work.kind === "residual" ? node.shortcut || 0 : node.source].shape;
    return Arithmetic.parts({
      work: {...work, rows}, shape: node.shape, below, place, weights: this.weights,
      read: flat => this.at(node.source, flat), beside: flat => this.at(node.shortcut || 0, flat),
    }, channel, row, column);
  }

  /**
   * Rows and columns of the picture that a pixel sees: first, and one past the last.
   * @param {number} place @param {number} row @param {number} column
   * @returns {[number, number, number, number]} top, bottom, left, right
   */
  field(place, row, column) {
    const node = this.look.nodes[place];
    if (!node.spans.length) return [row, row + 1, column, column + 1];
    const vector = node.shape.length !== 3;
    const [top, bottom] = this.span(node.spans[0], vector ? 1 : node.shape[1], vector ? 0 : row);
    const [left, right] = this.span(node.spans[1], vector ? 1 : node.shape[2], vector ? 0 : column);
    return [top, bottom, left, right];
  }

  /** @param {number} first @param {number} count @param {number} line @returns {[number, number]} */
  span(first, count, line) {
    const view = new DataView(this.spans.buffer, this.spans.byteOffset + first, 8 * count);
    let start = 0, end = 0;
    for (let one = 0; one <= line; one++) {
      start += view.getInt32(4 * one, true);
      end += view.getInt32(4 * (count + one), true);
    }
    return [start, end];
  }
}
