/* The map: what is drawn where. It knows the view, the panels and the points in front; `Pointer` moves it. */
const MapView = (() => {
  /* `look` is what to draw: {column, colorsOf, panels, front(i), selected, pinned, near(i), hovered, lasso, thumbnails}. */
  function create(root, block, look, words) {
    const { css } = Overlay;
    const [plain, over] = root.querySelectorAll("canvas");
    const ink = plain.getContext("2d", { alpha: false }), top = over.getContext("2d");
    const grid = Grid.build(block.x, block.y), order = Raster.shuffled(block.n);
    const view = { u: block.width / 2, v: block.height / 2, zoom: 1 };
    const thumbnails = Atlas.create(order);
    let size = { width: 0, height: 0, ratio: 1 }, cells = [], parted = {}, shade = null, form = null, colors = [];
    let waiting = false;

    /* Panels: a crossed column keeps its two attributes in rows and columns; else the largest panels there is room for. */
    function layOut() {
      const names = look.panels ? look.panels.classes : [null];
      let best = look.panels?.across, most = 0;
      for (let across = 1; !look.panels?.across && across <= names.length; across++) {
        const down = Math.ceil(names.length / across);
        const scale = Math.min(size.width / across / block.width, size.height / down / block.height);
        if (scale > most * 1.001) { most = scale; best = across; }
      }
      const down = Math.ceil(names.length / best);
      fitHeight(best, down);
      if (parted.by !== look.panels) {
        const members = (code) => order.filter((i) => look.panels.values[i] === code);
        parted = { by: look.panels, orders: look.panels ? names.map((_, code) => members(code)) : [order] };
      }
      cells = names.map((name, code) => ({
        name, code: look.panels ? code : -1, width: size.width / best, height: size.height / down,
        left: (code % best) * (size.width / best), top: Math.floor(code / best) * (size.height / down),
      }));
    }

    /* A wide map needs no tall stage; the height follows from the width alone, or it would never settle. */
    function fitHeight(across, down) {
      const wanted = down * ((size.width / across - 28) * (block.height / block.width) + 2 * margin() + 8);
      root.style.height = `min(${Math.max(320, Math.round(wanted))}px, 74vh, 780px)`;
      size.height = root.clientHeight;
    }

    const margin = () => (look.panels ? 26 : 14);
    const scaleOf = (cell) => view.zoom * Math.min(
      (cell.width - 28) / block.width, (cell.height - 2 * margin()) / block.height);

    /* Pixels of a cell: x * scale + left. */
    function placeIn(cell, ratio = 1) {
      const scale = scaleOf(cell);
      return {
        scale: scale * ratio,
        left: (cell.left + cell.width / 2 - view.u * scale) * ratio,
        top: (cell.top + cell.height / 2 + (look.panels ? 8 : 0) - view.v * scale) * ratio,
      };
    }

    const cellAt = (px, py) => cells.find(
      (cell) => px >= cell.left && px < cell.left + cell.width && py >= cell.top && py < cell.top + cell.height) ?? cells[0];
    const cellOf = (point) => cells.find((cell) => inCell(cell, point)) ?? cells[0];
    const inCell = (cell, point) => cell.code < 0 || look.panels.values[point] === cell.code;
    const wanted = (cell) => (point) => look.front(point) && inCell(cell, point);

    function toUnit(px, py, cell = cellAt(px, py)) {
      const place = placeIn(cell);
      return [(px - place.left) / place.scale, (py - place.top) / place.scale];
    }

    function place(cell, point) {
      const { scale, left, top } = placeIn(cell);
      return [block.x[point] * scale + left, block.y[point] * scale + top];
    }
    const screen = (point) => place(cellOf(point), point);

    function unitToScreen(cell, [u, v]) {
      const { scale, left, top: upper } = placeIn(cell);
      return [u * scale + left, v * scale + upper];
    }

    function pick(px, py) {
      const cell = cellAt(px, py), [u, v] = toUnit(px, py, cell);
      return grid.nearest(u, v, 14 / scaleOf(cell), wanted(cell));
    }

    /* Points of one panel within a polygon of pixels. */
    function caught(polygon) {
      const cell = cellAt(...polygon[0]);
      return grid.inside(polygon.map(([px, py]) => toUnit(px, py, cell)), wanted(cell));
    }

    function inView() {
      const found = [];
      for (const cell of cells) {
        const [left, upper] = toUnit(cell.left, cell.top, cell);
        const [right, lower] = toUnit(cell.left + cell.width, cell.top + cell.height, cell);
        grid.within(left, upper, right, lower, (i) => {
          const there = block.x[i] >= left && block.x[i] <= right && block.y[i] >= upper && block.y[i] <= lower;
          if (there && wanted(cell)(i)) found.push(i);
        });
      }
      return Uint32Array.from(found).sort();
    }

    /* Anew after a change of column, focus or theme. */
    function recolor() {
      ({ colors, shade, form } = Raster.shades(look, css));
      redraw();
    }

    function radius() {
      return Raster.radius(block.n, view.zoom) * size.ratio * (cells.length > 2 ? 0.8 : 1);
    }

    function paint() {
      waiting = false;
      if (!size.width || !shade) return;
      const image = ink.createImageData(plain.width, plain.height), behind = [Raster.rgb(css("--neutral"))];
      const zero = new Uint8Array(block.n), r = radius();
      Raster.fill(image, css("--map"));
      const frames = cells.map(({ left, top: upper, width, height }) => ({ left: left * size.ratio,
        top: upper * size.ratio, width: width * size.ratio, height: height * size.ratio }));
      const far = { order, shade: zero, colors: behind, alpha: 0.28, radius: r * 0.85 };
      if (look.panels) {
        // What stands behind is the same in every panel: the whole map.
        Raster.dots(image, frames[0], placeIn(cells[0], size.ratio), block, { ...far, wants: () => true });
        for (const frame of frames.slice(1)) Raster.copy(image, frames[0], frame);
      }
      cells.forEach((cell, k) => {
        const place = placeIn(cell, size.ratio), front = wanted(cell);
        const chosen = (i) => front(i) && (look.selected ? look.selected.has(i) : look.vivid(i));
        if (!look.panels) Raster.dots(image, frames[k], place, block, { ...far, wants: (i) => !chosen(i) });
        Raster.dots(image, frames[k], place, block,
          { order: parted.orders[k], wants: chosen, shade, form, colors, alpha: 0.85, radius: r });
      });
      ink.putImageData(image, 0, 0);
      paintOver();
    }

    function paintOver() {
      top.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
      top.clearRect(0, 0, size.width, size.height);
      top.font = `500 12px ${css("--font")}`;
      for (const cell of cells) {
        if (look.thumbnails) {
          const shown = (i) => inCell(cell, i) && look.front(i) && (!look.selected || look.selected.has(i));
          const most = look.panels ? 60 : 220, colorOf = (i) => colors[shade[i]];
          thumbnails.paint(top, cell, (i) => place(cell, i), { shown, colorOf, most, redraw });
        }
        if (cell.name === null) {
          Overlay.rings(top, block, look, (i) => place(cell, i), Raster.radius(block.n, view.zoom) + 2.5);
          Names.paint(top, cell, look, (center) => unitToScreen(cell, center), css, Overlay.taken(root));
          continue;
        }
        top.strokeStyle = css("--line");
        top.strokeRect(cell.left + 0.5, cell.top + 0.5, cell.width - 1, cell.height - 1);
        top.fillStyle = css("--ink");
        top.fillText(cell.name, cell.left + 10, cell.top + 19, cell.width - 20);
      }
      if (look.pinned >= 0) {
        top.strokeStyle = css("--soft");
        for (const other of look.near(look.pinned)) line(screen(look.pinned), screen(other));
        Overlay.ring(top, screen(look.pinned), 7);
      }
      if (look.hovered >= 0) Overlay.ring(top, screen(look.hovered), 6);
      if (look.lasso) Overlay.lasso(top, look.lasso);
    }

    function line([x0, y0], [x1, y1]) {
      top.beginPath();
      top.moveTo(x0, y0);
      top.lineTo(x1, y1);
      top.stroke();
    }

    function redraw() {
      if (!waiting) { waiting = true; requestAnimationFrame(paint); }
    }

    function resize() {
      size = Overlay.fit(root, [plain, over]);
      layOut();
      paint();
    }

    /* Zoom by `factor` with the place under (px, py) standing still. */
    function zoom(factor, px = size.width / 2, py = size.height / 2) {
      const cell = cellAt(px, py), [u, v] = toUnit(px, py, cell);
      view.zoom = Math.max(0.5, Math.min(400, view.zoom * factor));
      const [u1, v1] = toUnit(px, py, cell);
      view.u += u - u1;
      view.v += v - v1;
      redraw();
    }

    function pan(dx, dy) {
      const scale = scaleOf(cells[0]);
      view.u -= dx / scale;
      view.v -= dy / scale;
      redraw();
    }

    /* Bring a point into the middle, if it is not in sight. */
    function reveal(point) {
      const cell = cellOf(point), [px, py] = screen(point);
      const out = px < cell.left || px > cell.left + cell.width || py < cell.top || py > cell.top + cell.height;
      if (out) [view.u, view.v] = [block.x[point], block.y[point]];
      redraw();
    }

    function whole() {
      Object.assign(view, { u: block.width / 2, v: block.height / 2, zoom: 1 });
      redraw();
    }

    const arrange = () => { resize(); recolor(); };
    new ResizeObserver(resize).observe(root);
    resize();
    return { arrange, recolor, redraw, paintOver, resize, zoom, pan, whole, reveal, pick, caught, inView, screen, view };
  }

  return { create };
})();
