/* The map in three dimensions: dragged it turns. It answers to the same calls as `MapView`. */
const SpaceView = (() => {
  const TURN = 0.008, SPIN = 0.003, EDGE = 16;

  function create(root, block, look) {
    const { css } = Overlay;
    const [plain, over] = root.querySelectorAll("canvas");
    const ink = plain.getContext("2d", { alpha: false }), top = over.getContext("2d"), n = block.n;
    const middle = [block.width / 2, block.height / 2, block.depth / 2];
    const seen = { x: new Float32Array(n), y: new Float32Array(n) }, depth = new Float32Array(n);
    const view = { yaw: 0.6, pitch: 0.35, zoom: 1 };
    const reach = Math.hypot(block.width, block.height, block.depth) / 2 || 1;
    let size = { width: 0, height: 0, ratio: 1 }, order = Uint32Array.from({ length: n }, (_, i) => i);
    let shade = null, form = null, colors = [], waiting = false;
    let spinning = n > 0 && !matchMedia("(prefers-reduced-motion: reduce)").matches;

    /* A place turned about the middle: to the right, down, and away from the reader. */
    function turned(x, y, z) {
      const [u, v, w] = [x - middle[0], y - middle[1], z - middle[2]];
      const [c, s, d, t] = [Math.cos(view.yaw), Math.sin(view.yaw), Math.cos(view.pitch), Math.sin(view.pitch)];
      const across = c * u + s * w, away = c * w - s * u;
      return [across, d * v - t * away, t * v + d * away];
    }

    function turn() {
      for (let i = 0; i < n; i++) [seen.x[i], seen.y[i], depth[i]] = turned(block.x[i], block.y[i], block.z[i]);
      order.sort((a, b) => depth[b] - depth[a]);
    }

    const scale = () => (view.zoom * (Math.min(size.width, size.height) - 2 * EDGE)) / (2 * reach);
    const screen = (i) => [size.width / 2 + seen.x[i] * scale(), size.height / 2 + seen.y[i] * scale()];

    function pick(px, py) {
      let best = -1, least = 14 ** 2;
      for (const i of order) {
        if (!look.front(i)) continue;
        const [x, y] = screen(i), far = (x - px) ** 2 + (y - py) ** 2;
        if (far <= least) { least = far; best = i; } // of two as near, the one in front
      }
      return best;
    }

    function caught(polygon) {
      return Uint32Array.from(order.filter((i) => look.front(i) && Grid.holds(polygon, ...screen(i)))).sort();
    }

    function inView() {
      const within = ([x, y]) => x >= 0 && y >= 0 && x <= size.width && y <= size.height;
      return Uint32Array.from(order.filter((i) => look.front(i) && within(screen(i)))).sort();
    }

    function recolor() {
      ({ colors, shade, form } = Raster.shades(look, css));
      redraw();
    }

    function paint() {
      waiting = false;
      if (!size.width || !shade) return;
      if (spinning) view.yaw += SPIN;
      turn();
      const image = ink.createImageData(plain.width, plain.height), cell = { left: 0, top: 0, width: plain.width, height: plain.height };
      Raster.fill(image, css("--map"));
      const place = { scale: scale() * size.ratio, left: (size.width / 2) * size.ratio, top: (size.height / 2) * size.ratio };
      const shown = (i) => look.front(i) && (look.selected ? look.selected.has(i) : look.vivid(i));
      const r = Raster.radius(n, view.zoom) * size.ratio;
      const gray = new Uint8Array(n), neutral = [Raster.rgb(css("--neutral"))];
      [0.75, 0.9, 1.05, 1.2].forEach((near, k) => { // what is nearer is larger
        const part = order.subarray(Math.floor((k * n) / 4), Math.floor(((k + 1) * n) / 4));
        Raster.dots(image, cell, place, seen, { order: part, wants: (i) => !shown(i), shade: gray, colors: neutral, alpha: 0.28, radius: r * near });
        Raster.dots(image, cell, place, seen, { order: part, wants: shown, shade, form, colors, alpha: 0.88, radius: r * near });
      });
      ink.putImageData(image, 0, 0);
      paintOver();
      if (spinning) redraw();
    }

    function paintOver() {
      top.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
      top.clearRect(0, 0, size.width, size.height);
      const at = ([x, y, z]) => {
        const [u, v] = turned(x, y, z);
        return [size.width / 2 + u * scale(), size.height / 2 + v * scale()];
      };
      Overlay.rings(top, block, look, screen, Raster.radius(n, view.zoom) + 2.5);
      if (!spinning) Names.paint(top, { left: 0, top: 0, ...size }, look, at, css, Overlay.taken(root));
      if (look.pinned >= 0) Overlay.ring(top, screen(look.pinned), 7);
      if (look.hovered >= 0) Overlay.ring(top, screen(look.hovered), 6);
      if (look.lasso) Overlay.lasso(top, look.lasso);
    }

    function redraw() {
      if (!waiting) { waiting = true; requestAnimationFrame(paint); }
    }

    /* The map is a ball: a stage that is taller than wide would show paper above and below it. */
    function resize() {
      root.style.height = `min(${Math.max(320, root.clientWidth)}px, 74vh, 780px)`;
      size = Overlay.fit(root, [plain, over]);
      redraw();
    }

    function zoom(factor) {
      view.zoom = Math.max(0.5, Math.min(40, view.zoom * factor));
      redraw();
    }

    function pan(dx, dy) {
      view.yaw += dx * TURN;
      view.pitch = Math.max(-1.55, Math.min(1.55, view.pitch + dy * TURN));
      redraw();
    }

    function whole() {
      Object.assign(view, { yaw: 0.6, pitch: 0.35, zoom: 1 });
      redraw();
    }

    const stop = () => { spinning = false; redraw(); };
    for (const event of ["pointerdown", "pointermove", "keydown", "wheel"]) root.addEventListener(event, stop, { once: true, passive: true });
    const arrange = () => { resize(); recolor(); };
    new ResizeObserver(resize).observe(root);
    resize();
    return { arrange, recolor, redraw, paintOver, resize, zoom, pan, whole, reveal: redraw, pick, caught, inView, screen, view };
  }

  return { create };
})();
