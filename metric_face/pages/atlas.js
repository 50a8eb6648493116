/* Thumbnails on the map, wherever one has room. */
const Atlas = (() => {
  const EDGE = 44, GAP = 6, SHEETS = 6;

  /* Whether a square around (x, y) is free of the squares placed so far, each kept in a cell of its own size. */
  function roomFor(taken, x, y, edge) {
    const col = Math.floor(x / edge), row = Math.floor(y / edge);
    for (let k = 0; k < 9; k++) {
      const other = taken.get(`${col - 1 + (k % 3)},${row - 1 + Math.floor(k / 3)}`);
      if (other && Math.abs(other[0] - x) < edge && Math.abs(other[1] - y) < edge) return false;
    }
    taken.set(`${col},${row}`, [x, y]);
    return true;
  }

  function create(points) {
    // The first tiles are spread over the map, so that few sheets serve many places.
    const order = Uint32Array.from(points).filter(Thumbnails.has).sort((a, b) => Thumbnails.tile(a) - Thumbnails.tile(b));

    /* Draw the thumbnails `shown` of a panel, `most` at most, each in a frame of its point's color. */
    function paint(ink, cell, placeOf, { shown, colorOf, most, redraw }) {
      const edge = Math.min(EDGE, cell.width / 8), taken = new Map(), opened = new Set();
      for (let k = 0; k < order.length && taken.size < most; k++) {
        const i = order[k], sheet = Thumbnails.sheetOf(i);
        if (!shown(i) || (opened.size === SHEETS && !opened.has(sheet))) continue;
        const [x, y] = placeOf(i), left = x - edge / 2, top = y - edge / 2;
        const inside = left > cell.left && left + edge < cell.left + cell.width
          && top > cell.top && top + edge < cell.top + cell.height;
        if (!inside || !roomFor(taken, x, y, edge + GAP)) continue;
        opened.add(sheet);
        const held = Thumbnails.sheet(i);
        if (!held.image) { held.ready.then(redraw); continue; }
        const [r, g, b] = colorOf(i);
        ink.fillStyle = `rgb(${r} ${g} ${b})`;
        ink.fillRect(left - 1.5, top - 1.5, edge + 3, edge + 3);
        Thumbnails.stamp(ink, held.image, i, left, top, edge);
      }
    }

    return { paint };
  }

  return { create };
})();
