/* Thumbnails that are shown from the start: the galleries beside a verdict, and canvases that name theirs. */
const Evidence = (() => {
  /* Fill every [data-evidence] with the thumbnails of its rows; a thumbnail chosen is shown on the map. */
  function fill(block, view) {
    for (const box of document.querySelectorAll("[data-evidence]")) {
      const column = block.evidence?.[box.dataset.evidence];
      if (!column) continue;
      const points = Data.numbers(column), heading = box.previousElementSibling?.textContent ?? "";
      const describe = (point) => (block.paths?.[point] ?? `${point}`).split("/").slice(-2).join("/");
      const choose = view ? (point) => { view.does.gather(points, heading); view.does.pin(point); } : () => {};
      Thumbnails.gallery(box, points, { words: block.words, describe, choose });
    }
    for (const canvas of document.querySelectorAll("canvas[data-thumbnail]")) Thumbnails.draw(canvas, Number(canvas.dataset.thumbnail));
  }

  return { fill };
})();
