/* What is written on the map: lines between classes that mix, and the names of classes, none over another. */
const Names = (() => {
  const SIZE = 12, LETTERS = 28, MOST = 0.16; // of the map's area under names

  const short = (name) => (name.length > LETTERS ? `${name.slice(0, LETTERS - 1)}…` : name);

  /* A text with a rim of the map's color, so that it can be read over points. */
  function write(ink, text, x, y, css) {
    ink.lineWidth = 4;
    ink.lineJoin = "round";
    ink.strokeStyle = css("--map");
    ink.strokeText(text, x, y);
    ink.fillStyle = css("--ink");
    ink.fillText(text, x, y);
    ink.lineWidth = 1;
  }

  function links(ink, column, shown, at, css) {
    for (const [first, second, share] of column.links) {
      if (!shown(first) || !shown(second) || !column.centers[first] || !column.centers[second]) continue;
      const [from, to] = [at(column.centers[first]), at(column.centers[second])];
      for (const [color, width, alpha] of [["--map", 3 + 10 * share, 0.8], ["--ink", 1 + 7 * share, 0.7]]) {
        ink.globalAlpha = alpha;
        ink.strokeStyle = css(color);
        ink.lineWidth = width;
        ink.beginPath();
        ink.moveTo(...from);
        ink.lineTo(...to);
        ink.stroke();
      }
      ink.globalAlpha = 1;
      ink.lineWidth = 1;
    }
  }

  /* Write each name where there is room: at its center, else just above or below it. */
  function paint(ink, cell, look, at, css, taken = []) {
    const column = look.column;
    if (!column.centers || !look.names || look.selected) return;
    const vivid = new Set(column.neutral || look.focus.length ? look.vividCodes(column) : column.classes.keys());
    const shown = (code) => vivid.has(code);
    links(ink, column, shown, at, css);
    const placed = [], free = (box) => [...taken, ...placed].every((other) => box.left >= other.right || box.right <= other.left
      || box.top >= other.bottom || box.bottom <= other.top);
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    ink.font = `600 ${SIZE}px ${css("--font")}`;
    let room = MOST * cell.width * cell.height;
    for (const code of vivid) {
      if (!column.centers[code] || room <= 0) continue;
      const [left, y] = at(column.centers[code]), text = short(column.classes[code]), half = ink.measureText(text).width / 2 + 3;
      if (left < cell.left || left > cell.left + cell.width) continue; // its class is out of sight
      const x = Math.max(cell.left + half + 1, Math.min(left, cell.left + cell.width - half - 1));
      for (const step of [0, 1, -1, 2, -2]) {
        const middle = y + step * (SIZE + 4);
        const box = { left: x - half, right: x + half, top: middle - SIZE / 2 - 2, bottom: middle + SIZE / 2 + 2 };
        const inside = box.left > cell.left && box.right < cell.left + cell.width
          && box.top > cell.top && box.bottom < cell.top + cell.height;
        if (!inside || !free(box)) continue;
        placed.push({ ...box, code });
        room -= 2 * half * (SIZE + 4);
        write(ink, text, x, middle, css);
        break;
      }
    }
    ink.textAlign = "start";
    ink.textBaseline = "alphabetic";
    look.placed = placed; // for tests: no two of them overlap
  }

  return { paint };
})();
