/* The data block of a page, and how it is read.
 *
 * <script type="application/json" id="mf-data"> holds one object:
 *   version   1
 *   n         number of points N: of images, where there is no map and so no x
 *   firstNew  points from here on were placed on the map of the others, and are ringed; N where there are none
 *   x, y      column: place on the map, 0..65535, one unit for both axes; `width` and `height` say how much is used
 *   z, depth  the same for a third axis, where there is one
 *   columns   what is known of each point, a list of
 *               name, note, group   text
 *               classes             [C names] or null for a value
 *               ordered             whether the classes have an order
 *               neutral             whether the classes are too many for colors of their own
 *               leading             codes that have colors where the classes are too many for all
 *               links               [[code, code, share]] of classes that mix in the embedding
 *               centers             [x, y] of each class's name or null, in the unit of x and y; absent for values
 *               measured            whether it was measured in the embedding rather than given
 *               derived, across     made for panels only; how many stand side by side
 *               range               [low, high] of a value
 *               shapes              of each class: 0 disc, 1 triangle, 2 square, 3 diamond; empty where all are discs
 *               colors              {light: [...], dark: [...]}: one per class, or the stops of a value's ramp
 *               data                column: class codes (the type's highest value: unknown) or numbers (NaN: unknown)
 *   focusColors  for the chosen ones of too many classes, as `colors`
 *   color    which column colors the map;  panels: which one parts it, or -1
 *   paths     {folders, names: [texts], folder, name: columns of N places in them}: point i is folder + name
 *   near      column N x nearCount: neighbors in the embedding space (N: none), or null
 *   thumbnails null, or {side, across, order: column of the points in the order of their tiles, sheets: number}
 *   matrices  {id: {"row,col": column of points}}
 *   words     every text that the page shows of its own accord
 * A column is {type: "u8" | "u16" | "u32" | "f32", data: base64 of little-endian numbers}.
 * Sheet s is <script type="text/plain" id="mf-sheet-s">: base64 of a WebP image, `across` x `across` tiles.
 */
const Data = (() => {
  const kinds = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f32: Float32Array };

  function bytes(base64) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
    const text = atob(base64), out = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
    return out;
  }

  const numbers = (column) => new kinds[column.type](bytes(column.data).buffer);

  /* Class codes as Int32Array with -1 for unknown, whatever the width they were stored in. */
  function codes(column) {
    const raw = numbers(column), none = 2 ** (8 * raw.BYTES_PER_ELEMENT) - 1;
    return Int32Array.from(raw, (code) => (code === none ? -1 : code));
  }

  function read() {
    const block = JSON.parse(document.getElementById("mf-data").textContent);
    if (!block.x) return block; // a page without a map
    block.x = Float32Array.from(numbers(block.x), (value) => value / 65535);
    block.y = Float32Array.from(numbers(block.y), (value) => value / 65535);
    if (block.z) block.z = Float32Array.from(numbers(block.z), (value) => value / 65535);
    for (const column of block.columns) {
      column.values = column.classes ? codes(column.data) : numbers(column.data);
      delete column.data;
    }
    const { folders, names } = block.paths, folder = numbers(block.paths.folder), name = numbers(block.paths.name);
    block.paths = Array.from(folder, (place, i) => folders[place] + names[name[i]]);
    if (block.near) block.near = numbers(block.near);
    return block;
  }

  /* A text of the page with its {blanks} filled in. */
  function say(words, key, blanks = {}) {
    return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => blanks[name] ?? whole);
  }

  function text(column, row) {
    const value = column.values[row];
    if (column.classes) return value < 0 ? "–" : column.classes[value];
    return Number.isNaN(value) ? "–" : Number.isInteger(value) ? value.toLocaleString() : value.toFixed(2);
  }

  return { read, numbers, bytes, say, text };
})();
