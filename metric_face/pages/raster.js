/* Many dots on a canvas, fast: they are blended into the pixels directly, one small disc or other shape each. */
const Raster = (() => {
  const discs = new Map();

  /* How far inside each shape a place is, in pixels, for a radius: they cover areas alike. */
  const SHAPES = [
    (x, y, r) => r - Math.hypot(x, y),
    (x, y, r) => Math.min(0.62 * r - y, (y + 1.25 * r - 1.73 * Math.abs(x)) / 2) * 1.05,
    (x, y, r) => 0.88 * r - Math.max(Math.abs(x), Math.abs(y)),
    (x, y, r) => (1.3 * r - Math.abs(x) - Math.abs(y)) / 1.41,
  ];

  /* The pixels of a shape: offsets from its middle and how much of each is covered. */
  function disc(radius, shape) {
    const key = Math.round(radius * 4) * SHAPES.length + shape;
    if (discs.has(key)) return discs.get(key);
    const reach = Math.ceil(1.3 * radius + 0.5), dx = [], dy = [], cover = [];
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) {
        const inside = Math.min(1, SHAPES[shape](x, y, radius) + 0.5);
        if (inside > 0.02) { dx.push(x); dy.push(y); cover.push(inside); }
      }
    }
    const made = { dx: Int32Array.from(dx), dy: Int32Array.from(dy), cover: Float32Array.from(cover), reach };
    discs.set(key, made);
    return made;
  }

  function rgb(hex) {
    const value = parseInt(hex.slice(1), 16);
    return [value >> 16, (value >> 8) & 255, value & 255];
  }

  /* 256 colors between the stops of a ramp. */
  function ramp(stops) {
    const known = stops.map(rgb), out = [];
    for (let i = 0; i < 256; i++) {
      const at = (i / 255) * (known.length - 1), low = Math.min(Math.floor(at), known.length - 2), part = at - low;
      out.push(known[low].map((channel, c) => channel + part * (known[low + 1][c] - channel)));
    }
    return out;
  }

  function fill(image, color) {
    const [r, g, b] = rgb(color), pixels = new Uint32Array(image.data.buffer);
    pixels.fill((255 << 24) | (b << 16) | (g << 8) | r);
  }

  /* Draw the points that `wants(i)` in `order`; colors[shade[i]] is [r, g, b], `form` their shapes or null for discs;
   * `cell` clips, in device pixels. */
  function dots(image, cell, place, points, { order, wants, shade, colors, alpha, radius, form = null }) {
    const { data, width } = image;
    const stamps = (form ? [...SHAPES.keys()] : [0]).map((shape) => {
      const { dx, dy, cover, reach } = disc(radius, shape);
      return { dx, dy, reach, parts: cover.map((share) => share * alpha), steps: dx.map((x, d) => 4 * (dy[d] * width + x)) };
    });
    const left = Math.ceil(cell.left), right = Math.floor(cell.left + cell.width) - 1;
    const top = Math.ceil(cell.top), bottom = Math.floor(cell.top + cell.height) - 1;
    for (let k = 0; k < order.length; k++) {
      const i = order[k];
      if (!wants(i)) continue;
      const { dx, dy, reach, parts, steps } = stamps[form ? form[i] : 0], count = dx.length;
      const px = Math.round(points.x[i] * place.scale + place.left);
      const py = Math.round(points.y[i] * place.scale + place.top);
      if (px < left - reach || px > right + reach || py < top - reach || py > bottom + reach) continue;
      const [r, g, b] = colors[shade[i]], middle = 4 * (py * width + px);
      const whole = px >= left + reach && px <= right - reach && py >= top + reach && py <= bottom - reach;
      for (let d = 0; d < count; d++) {
        if (!whole) {
          const x = px + dx[d], y = py + dy[d];
          if (x < left || x > right || y < top || y > bottom) continue;
        }
        const at = middle + steps[d], part = parts[d];
        data[at] += (r - data[at]) * part;
        data[at + 1] += (g - data[at + 1]) * part;
        data[at + 2] += (b - data[at + 2]) * part;
      }
    }
  }

  /* Copy the pixels of one cell onto another of the same size. */
  function copy(image, from, to) {
    const pixels = new Uint32Array(image.data.buffer), { width, height } = image;
    const [x0, y0, x1, y1] = [from.left, from.top, to.left, to.top].map(Math.round);
    const across = Math.min(Math.floor(from.width), width - x0, width - x1);
    for (let row = 0; row < Math.min(Math.floor(from.height), height - y0, height - y1); row++) {
      const start = (y0 + row) * width + x0;
      pixels.copyWithin((y1 + row) * width + x1, start, start + across);
    }
  }

  /* A fixed shuffle of 0..n-1: drawn in the order of the table, the last class would cover the others. */
  function shuffled(n) {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    let state = 1;
    for (let i = n - 1; i > 0; i--) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const j = Math.floor((state / 4294967296) * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /* Each point's color and shape; the last color is for the unknown. */
  function shades(look, css) {
    const column = look.column, stops = look.colorsOf(column, css("--dark") === "1" ? "dark" : "light");
    const [low, high] = column.range ?? [0, 1], steps = 255 / (high - low || 1);
    const colors = [...(column.classes ? stops.map(rgb) : ramp(stops)), rgb(css("--neutral"))], unknown = colors.length - 1;
    const shade = Uint16Array.from(column.values, (value) => {
      if (column.classes) return value < 0 ? unknown : value;
      return Number.isNaN(value) ? unknown : Math.max(0, Math.min(255, (value - low) * steps));
    });
    const form = column.shapes?.length ? Uint8Array.from(column.values, (code) => column.shapes[code] ?? 0) : null;
    return { colors, shade, form };
  }

  /* Of a dot, in pixels of the page: the more points the smaller, and larger as one comes nearer. */
  function radius(n, zoom) {
    return Math.max(1.25, 6 - 1.15 * Math.log10(Math.max(n, 10) * 0.6)) * Math.min(3, zoom ** 0.3);
  }

  return { dots, radius, shades, copy, fill, ramp, rgb, shuffled };
})();
