/* Faces that are shown from the start: the galleries beside a verdict, and canvases that name theirs. */
const Evidence = (() => {
  /* Fill every [data-evidence] with the faces of its rows; a face chosen is shown on the map. */
  function fill(block, view) {
    for (const box of document.querySelectorAll("[data-evidence]")) {
      const column = block.evidence?.[box.dataset.evidence];
      if (!column) continue;
      const points = Data.numbers(column), heading = box.previousElementSibling?.textContent ?? "";
      const describe = (point) => (block.paths?.[point] ?? `${point}`).split("/").slice(-2).join("/");
      const choose = view ? (point) => { view.does.gather(points, heading); view.does.pin(point); } : () => {};
      Faces.gallery(box, points, { words: block.words, describe, choose });
    }
    for (const canvas of document.querySelectorAll("canvas[data-face]")) Faces.draw(canvas, Number(canvas.dataset.face));
  }

  return { fill };
})();
