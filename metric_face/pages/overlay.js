/* What is drawn over the dots of a map, flat or turning: the canvases' size, a ring around a point, the lasso. */
const Overlay = (() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /* Give the canvases as many pixels as their place has; its size, with the pixels a unit. */
  function fit(root, canvases) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2), { clientWidth: width, clientHeight: height } = root;
    for (const canvas of canvases) {
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
    }
    return { width, height, ratio };
  }

  function ring(top, [x, y], reach, width = 2) {
    top.beginPath();
    top.arc(x, y, reach, 0, 2 * Math.PI);
    top.lineWidth = width;
    top.strokeStyle = css("--ink");
    top.stroke();
    top.lineWidth = 1;
  }

  /* Rings around the new points that are shown; `placeOf` is where each is. */
  function rings(top, block, look, placeOf, reach) {
    for (let i = block.firstNew; i < block.n; i++) {
      if (look.front(i) && (!look.selected || look.selected.has(i))) ring(top, placeOf(i), reach, 1.4);
    }
  }

  /* Where buttons stand on the map: no name is written under them. */
  function taken(root) {
    const frame = root.getBoundingClientRect();
    return [...root.querySelectorAll(".zooming")].map((box) => box.getBoundingClientRect()).map((box) => ({
      left: box.left - frame.left, right: box.right - frame.left, top: box.top - frame.top, bottom: box.bottom - frame.top }));
  }

  function lasso(top, places) {
    top.beginPath();
    places.forEach(([x, y], k) => (k ? top.lineTo(x, y) : top.moveTo(x, y)));
    top.closePath();
    top.fillStyle = css("--veil");
    top.fill();
    top.strokeStyle = css("--accent");
    top.stroke();
  }

  return { css, fit, ring, rings, taken, lasso };
})();
