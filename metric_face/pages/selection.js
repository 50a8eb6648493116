/* The points selected on the map: how many, of which classes, and their thumbnails. */
const Selection = (() => {
  const { element } = Controls;

  /* Count the selected points by the classes of a column, beside the whole map. */
  function composition(column, points, words) {
    if (!column.classes) return summary(column, points, words);
    const here = new Uint32Array(column.classes.length), all = new Uint32Array(column.classes.length);
    for (const point of points) if (column.values[point] >= 0) here[column.values[point]]++;
    for (const code of column.values) if (code >= 0) all[code]++;
    const codes = [...here.keys()].filter((code) => here[code]).sort((a, b) => here[b] - here[a]).slice(0, 12);
    const heads = [column.name, words.count, words.share_here, words.share_all];
    const total = points.length, whole = column.values.length;
    return table(heads, codes.map((code) => [
      column.classes[code], here[code].toLocaleString(), percent(here[code] / total), percent(all[code] / whole)]));
  }

  function summary(column, points, words) {
    const mean = (rows) => {
      let sum = 0, count = 0;
      for (const row of rows) if (!Number.isNaN(column.values[row])) { sum += column.values[row]; count++; }
      return count ? (sum / count).toFixed(2) : "–";
    };
    return table([column.name, words.mean_here, words.mean_all],
      [["", mean(points), mean(column.values.keys())]]);
  }

  const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

  function table(heads, rows) {
    const made = element("table"), head = made.createTHead().insertRow(), body = made.createTBody();
    for (const text of heads) {
      const cell = element("th", "", text);
      cell.scope = "col";
      head.append(cell);
    }
    for (const row of rows) {
      const line = body.insertRow();
      row.forEach((text) => { line.insertCell().textContent = text; });
    }
    return made;
  }

  /* Fill the section under the map; `points` null hides it. */
  function show(section, block, look, points, { title, choose }) {
    section.hidden = points === null;
    if (points === null) return;
    section.querySelector("h2").textContent = title;
    const parts = section.querySelector(".composition");
    parts.replaceChildren(...(points.length > 1 ? [composition(look.column, points, block.words)] : []));
    const describe = (point) => block.thumbnails
      ? Data.text(look.column, point) : `${block.paths[point] ?? point} · ${Data.text(look.column, point)}`;
    Thumbnails.gallery(section.querySelector(".gallery"), points, { words: block.words, describe, choose });
    section.querySelector(".copy").onclick = () => copy(
      [...points].map((point) => block.paths[point] ?? point).join("\n"), section.querySelector(".copied"), block.words);
  }

  async function copy(text, status, words) {
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = words.copied;
    } catch {
      const link = element("a"); // where a page may not reach the clipboard, a file serves as well
      link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
      link.download = "selection.txt";
      link.click();
      URL.revokeObjectURL(link.href);
      status.textContent = words.saved;
    }
  }

  return { show, table };
})();
