/* Lanes of a timeline: drag a stretch to look at it alone. The links beside it do the same without a mouse. */
(() => {
  "use strict";
  const GUTTER = 20, LEAST = 8; // units of the picture: right of the axis, and of a drag that is meant
  const doc = document;

  doc.addEventListener("pointerdown", (e) => {
    const svg = e.target.closest?.(".lanes");
    if (!svg || e.pointerType === "touch" || e.button) return;
    const told = svg.dataset, matrix = svg.getScreenCTM(), box = svg.viewBox.baseVal;
    const left = Number(told.left), right = box.width - GUTTER;
    const place = (p) => Math.min(right, Math.max(left, (p.clientX - matrix.e) / matrix.a));
    const from = place(e), band = svg.appendChild(doc.createElementNS(svg.namespaceURI, "rect"));
    band.setAttribute("class", "lanes__band");
    band.setAttribute("height", box.height);
    const move = (p) => {
      band.setAttribute("x", Math.min(from, place(p)));
      band.setAttribute("width", Math.abs(place(p) - from));
    };
    const done = (p) => {
      doc.removeEventListener("pointermove", move);
      band.remove();
      const ends = [from, place(p)].sort((a, b) => a - b);
      if (ends[1] - ends[0] < LEAST) return;
      const at = (x) => Math.round(Number(told.start) + ((x - left) / (right - left)) * (told.end - told.start));
      const query = new URLSearchParams(location.search);
      ["span", "at"].forEach((name) => query.delete(name));
      query.set("from", at(ends[0]));
      query.set("to", Math.max(at(ends[1]), at(ends[0]) + 60));
      location.assign(`${told.href}?${query}#timeline`);
    };
    e.preventDefault();
    doc.addEventListener("pointermove", move);
    doc.addEventListener("pointerup", done, { once: true });
  });
})();
