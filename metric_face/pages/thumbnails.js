/* Thumbnails: sheets of tiles, decoded when first looked at, and galleries of them. */
const Thumbnails = (() => {
  const OPEN_PIXELS = 6.4e7, AT_ONCE = 48; // a quarter of a gigabyte, decoded
  let meta = null, tileOf = null, sheets = new Map();

  function init(block) {
    meta = block.thumbnails;
    tileOf = new Int32Array(block.n ?? 0).fill(-1);
    if (meta) Data.numbers(meta.order).forEach((point, tile) => { tileOf[point] = tile; });
  }

  const has = (point) => meta !== null && tileOf[point] >= 0;
  const tile = (point) => tileOf[point];
  const sheetOf = (point) => Math.floor(tileOf[point] / (meta.across * meta.across));

  /* The decoded sheet of a point, or a promise of it; the one unused for longest makes room. */
  function sheet(point) {
    const number = sheetOf(point);
    const held = sheets.get(number) ?? { image: null, ready: decode(number) };
    sheets.delete(number);
    sheets.set(number, held);
    if (sheets.size * (meta.across * meta.side) ** 2 > OPEN_PIXELS) sheets.delete(sheets.keys().next().value);
    return held;
  }

  async function decode(number) {
    const bytes = Data.bytes(document.getElementById(`mf-sheet-${number}`).textContent);
    const image = await createImageBitmap(new Blob([bytes], { type: "image/webp" }));
    const held = sheets.get(number);
    if (held) held.image = image;
    return image;
  }

  function stamp(context, image, point, left, top, size) {
    const at = tileOf[point] % (meta.across * meta.across), side = meta.side;
    const x = (at % meta.across) * side, y = Math.floor(at / meta.across) * side;
    context.drawImage(image, x, y, side, side, left, top, size, size);
  }

  /* Fill a canvas with a point's thumbnail; resolves to whether there is one. */
  async function draw(canvas, point) {
    canvas.dataset.point = point;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!has(point)) return false;
    const image = await sheet(point).ready;
    if (Number(canvas.dataset.point) !== point) return false; // asked for another one meanwhile
    context.imageSmoothingQuality = "high";
    stamp(context, image, point, 0, 0, canvas.width);
    canvas.dataset.shown = point;
    return true;
  }

  /* Fill `container` with the thumbnails of `points`; more on request. `describe` gives a caption, `choose` a click. */
  function gallery(container, points, { words, describe, choose, from = 0 }) {
    if (from === 0) container.replaceChildren();
    const upTo = Math.min(points.length, from + AT_ONCE);
    for (let k = from; k < upTo; k++) {
      const point = points[k], button = document.createElement("button"), caption = document.createElement("span");
      button.type = "button";
      button.className = "thumbnail";
      button.dataset.point = point;
      caption.textContent = describe(point);
      button.title = caption.textContent;
      if (has(point)) {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = Math.max(96, meta.side);
        draw(canvas, point);
        button.append(canvas);
      } else {
        button.classList.add("plain");
      }
      button.append(caption);
      button.addEventListener("click", () => choose(point));
      container.append(button);
    }
    if (upTo < points.length) {
      const more = document.createElement("button");
      more.type = "button";
      more.className = "more";
      more.textContent = Data.say(words, "more", { n: (points.length - upTo).toLocaleString() });
      more.addEventListener("click", () => {
        more.remove();
        gallery(container, points, { words, describe, choose, from: upTo });
      });
      container.append(more);
    }
  }

  return { init, has, tile, sheet, sheetOf, stamp, draw, gallery };
})();
