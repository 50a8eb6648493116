/* Which point lies nearest to a place: points sorted into square cells, so that few are looked at. */
const Grid = (() => {
  /* Whether a polygon [[u, v], ...] holds a place, even-odd. */
  function holds(polygon, x, y) {
    let odd = false;
    for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
      const [u, v] = polygon[a], [u0, v0] = polygon[b];
      if (v > y !== v0 > y && x < u + ((y - v) / (v0 - v)) * (u0 - u)) odd = !odd;
    }
    return odd;
  }

  function build(x, y) {
    const n = x.length, side = Math.max(1, Math.min(512, Math.floor(Math.sqrt(n / 3))));
    const cellOf = (i) => Math.min(side - 1, Math.floor(y[i] * side)) * side + Math.min(side - 1, Math.floor(x[i] * side));
    const start = new Uint32Array(side * side + 1), members = new Uint32Array(n);
    for (let i = 0; i < n; i++) start[cellOf(i) + 1]++;
    for (let c = 0; c < side * side; c++) start[c + 1] += start[c];
    const next = start.slice();
    for (let i = 0; i < n; i++) members[next[cellOf(i)]++] = i;

    /* Call `visit` with each point in the cells that touch a rectangle. */
    function within(left, top, right, bottom, visit) {
      const clamp = (value) => Math.max(0, Math.min(side - 1, Math.floor(value * side)));
      for (let row = clamp(top); row <= clamp(bottom); row++) {
        const from = start[row * side + clamp(left)], to = start[row * side + clamp(right) + 1];
        for (let k = from; k < to; k++) visit(members[k]);
      }
    }

    /* The nearest point within `reach` of (u, v) that `wants`, or -1. */
    function nearest(u, v, reach, wants) {
      let best = -1, least = reach * reach;
      within(u - reach, v - reach, u + reach, v + reach, (i) => {
        const far = (x[i] - u) ** 2 + (y[i] - v) ** 2;
        if (far <= least && wants(i)) { least = far; best = i; }
      });
      return best;
    }

    /* The points that `wants` inside a polygon [[u, v], ...], even-odd. */
    function inside(polygon, wants) {
      const us = polygon.map((p) => p[0]), vs = polygon.map((p) => p[1]), found = [];
      within(Math.min(...us), Math.min(...vs), Math.max(...us), Math.max(...vs), (i) => {
        if (holds(polygon, x[i], y[i]) && wants(i)) found.push(i);
      });
      return Uint32Array.from(found).sort();
    }

    return { within, nearest, inside };
  }

  return { build, holds };
})();
