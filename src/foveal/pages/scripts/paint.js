// Colours, pictures and maps on canvases, and small pieces of the page. All text is text.
"use strict";

/** @typedef {(value: number) => [number, number, number]} Colours */

/**
 * Make an element; text in it is text, whatever it holds.
 * @param {string} tag @param {Record<string, string>} attributes @param {...(Node | string)} inside
 * @returns {HTMLElement}
 */
function made(tag, attributes, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

/** @template {Element} T @param {string} id @param {new () => T} kind @returns {T} */
function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no ${id}`);
  return found;
}

/** Three significant digits. @param {number} value @returns {string} */
function written(value) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 99.95) return size < 1e6 ? String(Math.round(value)) : value.toExponential(2);
  return (size < 0.001 ? value.toExponential(1) : value.toPrecision(3)).replace("-", "−");
}

const Paint = {
  /** @param {number[][]} anchors @param {number} share 0 to 1 @returns {[number, number, number]} */
  between(anchors, share) {
    const place = Math.min(Math.max(share, 0), 1) * (anchors.length - 1);
    const lower = Math.min(Math.floor(place), anchors.length - 2), part = place - lower;
    const at = (/** @type {number} */ one) =>
      Math.round(anchors[lower][one] * (1 - part) + anchors[lower + 1][one] * part);
    return [at(0), at(1), at(2)];
  },

  /** Maps: dark at the least, bright at the greatest. @param {Look} look @param {number} low
   * @param {number} high @returns {Colours} */
  sequential(look, low, high) {
    return value => Paint.between(look.scales.viridis, (value - low) / (high - low || 1));
  },

  /** Weights: blue, near white at 0, orange. @param {Look} look @param {number} most
   * @returns {Colours} */
  signed(look, most) {
    return value => Paint.between(look.scales.signed, 0.5 + (0.5 * value) / (most || 1));
  },

  /** @param {number} low @param {number} high @returns {Colours} */
  grey(low, high) {
    return value => {
      const level = Math.round((255 * (value - low)) / (high - low || 1));
      return [level, level, level];
    };
  },

  /**
   * Numbers as a small canvas, a pixel each.
   * @param {ArrayLike<number>} values @param {number} height @param {number} width
   * @param {Colours} colours
   */
  tile(values, height, width, colours) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const pixels = new ImageData(width, height);
    for (let place = 0; place < width * height; place++)
      pixels.data.set([...colours(values[place]), 255], 4 * place);
    Paint.context(canvas).putImageData(pixels, 0, 0);
    return canvas;
  },

  /** @param {HTMLCanvasElement} canvas */
  context(canvas) {
    const found = canvas.getContext("2d");
    if (!found) throw new Error("no canvas");
    found.imageSmoothingEnabled = false;
    return found;
  },

  /**
   * A stage that is a picture, in its colours: of other channels than 1 or 3 the first, in grey.
   * @param {Net} net @param {number} place @param {boolean} normalised
   */
  picture(net, place, normalised) {
    const channels = net.channels(place), colour = channels.length === 3;
    const planes = channels.slice(0, colour ? 3 : 1).map(one => net.map(place, one));
    const {height, width} = planes[0], canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const pixels = new ImageData(width, height);
    for (let pixel = 0; pixel < height * width; pixel++) {
      for (let one = 0; one < 3; one++) {
        const plane = colour ? one : 0;
        const [scale, shift] = normalised ? net.look.unit[channels[plane]] : [1, 0];
        pixels.data[4 * pixel + one] = Math.round(255 * (planes[plane].values[pixel] * scale + shift));
      }
      pixels.data[4 * pixel + 3] = 255;
    }
    Paint.context(canvas).putImageData(pixels, 0, 0);
    return canvas;
  },

  /** Black or white, whichever is read more easily on a colour. @param {number[]} colour */
  ink([red, green, blue]) {
    const linear = [red, green, blue].map(one => {
      const part = one / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    const light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    return light > 0.179 ? "#000000" : "#ffffff";
  },

  /**
   * Numbers as a table on their colours; where there are too many to read, colours alone.
   * @param {ArrayLike<number>} values @param {number} height @param {number} width
   * @param {Colours} colours @param {string} caption @param {number} [taken]
   */
  matrix(values, height, width, colours, caption, taken = -1) {
    const title = made("figcaption", {}, caption);
    if (Math.max(height, width) > 11) {
      const tile = Paint.tile(values, height, width, colours);
      tile.style.width = `${Math.max(width, 96)}px`;
      tile.setAttribute("role", "img");
      tile.setAttribute("aria-label", `${caption}, ${height} rows of ${width} numbers`);
      return made("figure", {class: "matrix"}, title, tile);
    }
    const largest = Math.max(...Array.from(values, one => Number.isNaN(one) ? 0 : Math.abs(one)));
    const decimals = largest > 0 ? Math.min(Math.max(2 - Math.floor(Math.log10(largest)), 0), 6) : 0;
    const table = made("table", {class: "cells"});
    for (let row = 0; row < height; row++) {
      const line = made("tr", {});
      for (let column = 0; column < width; column++) {
        const place = row * width + column, value = values[place];
        const cell = made("td", {}, Number.isNaN(value) ? "" : value.toFixed(decimals).replace("-", "−"));
        if (!Number.isNaN(value)) {
          const colour = colours(value);
          cell.style.background = `rgb(${colour.join(" ")})`;
          cell.style.color = Paint.ink(colour);
        }
        if (place === taken) cell.className = "taken";
        line.append(cell);
      }
      table.append(line);
    }
    return made("figure", {class: "matrix"}, title, made("div", {class: "scroll"}, table));
  },
};
