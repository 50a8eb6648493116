/* What stands beside the map: which column colors it, which parts it, the legend, and the card of one point. */
const Controls = (() => {
  const LISTED = 24, FORMS = ["disc", "triangle", "square", "diamond"];

  function element(tag, className = "", text = "") {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  /* Options of a select, grouped; `value` is the index of a column. */
  function options(select, columns, chosen, first = null) {
    select.replaceChildren();
    if (first !== null) select.append(new Option(first, "-1"));
    const groups = new Map();
    for (const [index, column] of columns) {
      if (!groups.has(column.group)) {
        const made = element("optgroup");
        made.label = column.group;
        groups.set(column.group, made);
        select.append(made);
      }
      groups.get(column.group).append(new Option(column.name, String(index)));
    }
    select.value = String(chosen);
  }

  /* The legend of a column: a ramp with its ends, or its classes as switches of the focus. */
  function legend(container, column, look, words, changed) {
    container.replaceChildren();
    if (column.note) container.append(element("p", "note", column.note));
    const theme = Theme.name();
    if (!column.classes) return container.append(rampBar(column, look, theme));
    const counts = new Uint32Array(column.classes.length);
    for (const code of column.values) if (code >= 0) counts[code]++;
    const list = element("div", "classes"), codes = [...column.classes.keys()];
    const fill = (shown) => {
      const colors = look.colorsOf(column, Theme.name());
      list.replaceChildren(...shown.slice(0, LISTED).map((code) => {
        const item = element("button", "class"), dot = element("span", "dot"), pressed = look.focus.includes(code);
        item.type = "button";
        item.setAttribute("aria-pressed", pressed);
        dot.style.background = colors[code];
        dot.classList.add(FORMS[column.shapes?.[code] ?? 0]);
        item.append(dot, element("span", "name", column.classes[code]),
          element("span", "count", counts[code].toLocaleString()));
        item.addEventListener("click", () => {
          look.focus = pressed ? look.focus.filter((other) => other !== code) : [...look.focus, code];
          fill(shown);
          list.querySelectorAll("button")[shown.indexOf(code)]?.focus();
          changed();
        });
        return item;
      }));
      if (shown.length > LISTED) {
        list.append(element("p", "note", Data.say(words, "classes_left", { n: shown.length - LISTED })));
      }
    };
    if (codes.length > LISTED) {
      const search = element("input");
      search.type = "search";
      search.placeholder = Data.say(words, "find_class", { n: codes.length.toLocaleString() });
      search.setAttribute("aria-label", search.placeholder);
      search.addEventListener("input", () => {
        const sought = search.value.toLowerCase();
        fill(codes.filter((code) => column.classes[code].toLowerCase().includes(sought)));
      });
      container.append(search);
    }
    if (column.neutral) {
      const blanks = { k: column.leading.length, n: codes.length.toLocaleString() };
      container.append(element("p", "note", Data.say(words, "leading_note", blanks)));
    }
    fill(column.neutral ? [...new Set([...column.leading, ...codes])] : codes);
    container.append(list);
    if (column.links?.length) container.append(mixing(column, words));
  }

  /* The pairs of classes that mix, as numbers. */
  function mixing(column, words) {
    const box = element("div", "mixing"), rows = element("dl");
    for (const [first, second, share] of column.links) {
      const blanks = { first: column.classes[first], second: column.classes[second] };
      rows.append(element("dt", "", Data.say(words, "mixing_row", blanks)), element("dd", "", `${Math.round(100 * share)} %`));
    }
    box.append(element("h4", "", words.mixing), rows, element("p", "note", words.mixing_note));
    return box;
  }

  function rampBar(column, look, theme) {
    const box = element("div", "ramp"), bar = element("canvas"), ends = element("div", "ends");
    bar.width = 256;
    bar.height = 1;
    const ink = bar.getContext("2d"), [low, high] = column.range;
    Raster.ramp(look.colorsOf(column, theme)).forEach(([r, g, b], x) => {
      ink.fillStyle = `rgb(${r} ${g} ${b})`;
      ink.fillRect(x, 0, 1, 1);
    });
    ends.append(element("span", "", low.toFixed(2)), element("span", "", high.toFixed(2)));
    box.append(bar, ends);
    return box;
  }

  /* What is known of a point, the column that colors the map first; of what was measured, only that. */
  function facts(block, point, first) {
    const list = element("dl");
    const shown = [first, ...block.columns.filter((column) => column !== first && !column.derived && !column.measured)];
    for (const column of shown) {
      list.append(element("dt", "", column.name), element("dd", "", Data.text(column, point)));
    }
    return list;
  }

  /* The card that follows the pointer. */
  function card(box, root, block, map, look) {
    const thumbnail = box.querySelector("canvas"), path = box.querySelector(".path"), rest = box.querySelector(".facts");
    return (point, spoken) => {
      box.hidden = point < 0;
      if (point < 0) return;
      box.dataset.point = point;
      thumbnail.hidden = !Thumbnails.has(point);
      Thumbnails.draw(thumbnail, point);
      path.textContent = block.paths[point] ?? `${point}`;
      rest.replaceChildren(facts(block, point, look.column));
      const [x, y] = map.screen(point), { width, height } = root.getBoundingClientRect();
      box.style.left = `${x + 16 + box.offsetWidth > width ? Math.max(4, x - 16 - box.offsetWidth) : x + 16}px`;
      box.style.top = `${Math.max(4, Math.min(y + 12, height - box.offsetHeight - 4))}px`;
      if (spoken) spoken.textContent = `${path.textContent}. ${look.column.name}: ${Data.text(look.column, point)}`;
    };
  }

  return { element, options, legend, card, facts };
})();
