/* Hands on the map: drag, wheel and pinch to move it, pass over to look, a lasso to gather, and the same by keys. */
const Pointer = (() => {
  const STEP = 60, CLICK = 4;

  /* `does` holds what happens: {hover(i), pin(i), gather(points), step(way), lasso(), clear(), look}. */
  function attach(root, map, look, does) {
    const held = new Map();
    let armed = false, traveled = 0, spread = 0;

    const at = (event) => {
      const box = root.getBoundingClientRect();
      return [event.clientX - box.left - root.clientLeft, event.clientY - box.top - root.clientTop];
    };

    root.addEventListener("pointerdown", (event) => {
      if (event.button > 0 || event.target.closest("button")) return;
      root.setPointerCapture(event.pointerId);
      held.set(event.pointerId, at(event));
      traveled = 0;
      if (lassoing(event) && held.size === 1) look.lasso = [at(event)];
      root.classList.add("held");
    });

    const lassoing = (event) => look.tool === "lasso" || event.shiftKey;

    root.addEventListener("pointermove", (event) => {
      armed = true;
      const here = at(event), before = held.get(event.pointerId);
      if (!before) return does.hover(map.pick(...here));
      held.set(event.pointerId, here);
      traveled += Math.hypot(here[0] - before[0], here[1] - before[1]);
      if (held.size === 2) return pinch();
      if (look.lasso) {
        look.lasso.push(here);
        return map.paintOver();
      }
      if (traveled > CLICK) {
        does.hover(-1);
        map.pan(here[0] - before[0], here[1] - before[1]);
      }
    });

    function pinch() {
      const [[x0, y0], [x1, y1]] = held.values(), now = Math.hypot(x1 - x0, y1 - y0);
      if (spread) map.zoom(now / spread, (x0 + x1) / 2, (y0 + y1) / 2);
      spread = now;
      look.lasso = null;
    }

    function release(event) {
      if (!held.delete(event.pointerId)) return;
      spread = 0;
      root.classList.toggle("held", held.size > 0);
      const polygon = look.lasso;
      look.lasso = null;
      if (polygon && traveled > CLICK) does.gather(map.caught(polygon));
      else if (traveled <= CLICK && event.type === "pointerup") does.pin(map.pick(...at(event)));
      map.paintOver();
    }
    root.addEventListener("pointerup", release);
    root.addEventListener("pointercancel", release);
    root.addEventListener("pointerleave", () => { if (!held.size) does.hover(-1); });

    // A reader who scrolls down the page must not be caught by the map: it zooms once the pointer moved over it.
    window.addEventListener("scroll", () => { armed = false; }, { passive: true });
    root.addEventListener("wheel", (event) => {
      if (!armed && !event.ctrlKey) return;
      event.preventDefault();
      map.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), ...at(event));
    }, { passive: false });
    root.addEventListener("dblclick", (event) => map.zoom(2, ...at(event)));

    const keys = {
      ArrowLeft: () => map.pan(STEP, 0), ArrowRight: () => map.pan(-STEP, 0),
      ArrowUp: () => map.pan(0, STEP), ArrowDown: () => map.pan(0, -STEP),
      "+": () => map.zoom(1.4), "=": () => map.zoom(1.4), "-": () => map.zoom(1 / 1.4), 0: () => map.whole(),
      ".": () => does.step(1), ",": () => does.step(-1), Enter: () => does.pin(look.hovered),
      s: () => does.gather(map.inView()), l: () => does.lasso(), c: () => does.recolor(), Escape: () => does.clear(),
    };
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target !== root) return;
      const act = keys[event.key];
      if (act) { event.preventDefault(); act(); }
    });
  }

  return { attach };
})();
