/* The page as a whole: theme, printing, matrices, and the map with everything around it. */
const Theme = (() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const name = () => document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light");

  function attach(button, changed) {
    button.addEventListener("click", () => {
      document.documentElement.dataset.theme = name() === "dark" ? "light" : "dark";
      changed();
    });
    system.addEventListener("change", changed);
  }

  return { attach, name };
})();

const Page = (() => {
  const MOST_PANELS = 12;
  const one = (selector, root = document) => root.querySelector(selector);

  /* A map and all that belongs to it. */
  function mapPage(root, block) {
    const words = block.words, stage = one(".stage", root), spoken = one(".spoken", root), columns = block.columns;
    const panelColumns = [...columns.entries()].filter(
      ([, { classes }]) => classes && classes.length > 1 && classes.length <= MOST_PANELS);
    const look = {
      column: columns[block.color], panels: block.panels < 0 ? null : columns[block.panels],
      focus: [], selected: null, pinned: -1, hovered: -1, lasso: null, tool: "pan", thumbnails: false, names: true, placed: [],
      front: (i) => !look.focus.length || look.focus.includes(look.column.values[i]),
      near: (i) => block.near
        ? [...block.near.subarray(i * block.nearCount, (i + 1) * block.nearCount)].filter((j) => j < block.n) : [],
      colorsOf(column, theme) {
        if (!column.neutral) return column.colors[theme];
        const shades = column.classes.map(() => column.colors[theme][0]), chosen = block.focusColors[theme];
        look.vividCodes(column).forEach((code, k) => { shades[code] = chosen[k % chosen.length]; });
        return shades;
      },
      // Of too many classes those that mix most have colors, until a reader chooses others.
      vividCodes: (column) => (look.focus.length ? look.focus : column.leading ?? []),
      vivid: (i) => !look.column.neutral || look.vividCodes(look.column).includes(look.column.values[i]),
    };
    const map = (block.z ? SpaceView : MapView).create(stage, block, look, words);
    const card = Controls.card(one(".card", root), stage, block, map, look);
    const color = one(".color", root), panels = one(".panels", root), section = one(".selection", root);
    const legend = () => Controls.legend(one(".legend", root), look.column, look, words, map.recolor);
    let sequence = null, place = -1;

    const does = {
      hover(point, aloud = false) {
        if (point === look.hovered) return;
        look.hovered = point;
        card(point, aloud ? spoken : null);
        stage.classList.toggle("on-point", point >= 0);
        map.paintOver();
      },
      pin(point) {
        if (point < 0) return does.clear();
        look.pinned = point;
        look.selected = null;
        const points = [point, ...look.near(point)];
        const title = Data.say(words, block.near ? "pinned_near" : "pinned", { name: block.paths[point] ?? point });
        Selection.show(section, block, look, points, { title, choose });
        map.redraw();
      },
      gather(points, title = null) {
        look.pinned = -1;
        look.selected = new Set(points);
        sequence = null;
        title ??= Data.say(words, "selected", { n: points.length.toLocaleString() });
        Selection.show(section, block, look, points, { title, choose });
        spoken.textContent = title;
        map.redraw();
      },
      step(way) {
        sequence ??= inOrder();
        place = (place + way + sequence.length) % sequence.length;
        if (!sequence.length) return;
        map.reveal(sequence[place]);
        does.hover(sequence[place], true);
      },
      lasso() {
        look.tool = look.tool === "lasso" ? "pan" : "lasso";
        one(".lasso", root).setAttribute("aria-pressed", look.tool === "lasso");
        stage.classList.toggle("lassoing", look.tool === "lasso");
      },
      recolor() {
        const next = [...color.options].findIndex((option) => option.value === color.value) + 1;
        color.selectedIndex = next % color.options.length;
        color.dispatchEvent(new Event("change"));
      },
      clear() {
        Object.assign(look, { pinned: -1, selected: null, lasso: null });
        sequence = null;
        Selection.show(section, block, look, null, {});
        does.hover(-1);
        map.redraw();
      },
    };
    const choose = (point) => { map.reveal(point); does.hover(-1); does.hover(point, true); };

    /* The points in front, the highest value of the column first: what the keys walk through. */
    function inOrder() {
      const points = [...Array(block.n).keys()].filter((i) => look.front(i) && (!look.selected || look.selected.has(i)));
      const value = (i) => (Number.isNaN(look.column.values[i]) ? -Infinity : look.column.values[i]);
      place = -1;
      return points.sort((a, b) => (look.column.classes ? value(a) - value(b) : value(b) - value(a)) || a - b);
    }

    Controls.options(color, [...columns.entries()].filter(([, c]) => !c.derived), block.color);
    Controls.options(panels, panelColumns, block.panels, words.one_map);
    for (const part of root.querySelectorAll(".flat")) part.hidden = Boolean(block.z);
    color.addEventListener("change", () => {
      Object.assign(look, { column: columns[Number(color.value)], focus: [] });
      sequence = null;
      legend();
      map.recolor();
    });
    panels.addEventListener("change", () => {
      look.panels = columns[Number(panels.value)] ?? null;
      map.whole();
      map.arrange();
    });
    one(".lasso", root).addEventListener("click", does.lasso);
    one(".whole", root).addEventListener("click", map.whole);
    one(".in", root).addEventListener("click", () => map.zoom(1.5));
    one(".out", root).addEventListener("click", () => map.zoom(1 / 1.5));
    one(".clear", section).addEventListener("click", does.clear);
    const thumbnails = one(".show-thumbnails", root);
    if (thumbnails) thumbnails.addEventListener("change", () => { look.thumbnails = thumbnails.checked; map.redraw(); });
    const names = one(".show-names", root);
    names.addEventListener("change", () => { look.names = names.checked; map.redraw(); });
    Pointer.attach(stage, map, look, does);
    legend();
    map.arrange();
    return { map, look, does, theme: () => { legend(); map.recolor(); } };
  }

  /* Cells of a matrix show their thumbnails, and gather them on the map. */
  function matrices(block, view) {
    for (const button of document.querySelectorAll("button[data-cell]")) {
      const figure = button.closest("figure"), column = block.matrices?.[figure.id]?.[button.dataset.cell];
      if (!column) continue;
      button.addEventListener("click", () => {
        const points = Data.numbers(column), box = one(".cell-thumbnails", figure);
        for (const other of figure.querySelectorAll("[aria-pressed]")) other.setAttribute("aria-pressed", "false");
        button.setAttribute("aria-pressed", "true");
        box.hidden = false;
        one("h3", box).textContent = button.title;
        const describe = (point) => (block.paths?.[point] ?? `${point}`).split("/").pop();
        const choose = view ? (point) => { view.does.gather(points, button.title); view.does.pin(point); } : () => {};
        Thumbnails.gallery(one(".gallery", box), points, { words: block.words, describe, choose });
        if (view) view.does.gather(points, button.title);
        box.scrollIntoView({ block: "nearest" });
      });
    }
  }

  function start() {
    const block = Data.read(), root = one("[data-map]");
    Thumbnails.init(block);
    const view = root ? mapPage(root, block) : null;
    matrices(block, view);
    Evidence.fill(block, view);
    Theme.attach(one(".theme"), () => view?.theme());
    const closed = () => document.querySelectorAll("details:not([open])");
    let opened = [];
    addEventListener("beforeprint", () => { opened = [...closed()]; opened.forEach((box) => { box.open = true; }); });
    addEventListener("afterprint", () => opened.forEach((box) => { box.open = false; }));
    window.metricFace = { block, view, thumbnails: Thumbnails }; // for a curious reader's console
    requestAnimationFrame(() => { document.documentElement.dataset.ready = Math.round(performance.now()); });
  }

  return { start };
})();

Page.start();
