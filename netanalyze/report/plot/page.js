// Names the point nearest to the pointer, and zooms the time axis. Without it the page is the picture.
"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const svg = document.querySelector("svg");
  const tip = document.getElementById("tip");
  const boxes = facts.panels;
  if (!boxes.length) return;
  document.getElementById("help").hidden = false;

  const [left, , right, lowest] = boxes[boxes.length - 1];
  const SPACE = "http://www.w3.org/2000/svg";
  const MOST_ZOOM = 1e5;
  const REACH = 30; // how far from the pointer a point may lie, in units of the picture

  const element = (name, attributes, parent) => {
    const made = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  };

  // The points, out of the picture: the browser's own tooltips would stand beside ours.
  const points = boxes.map((box, panel) =>
    [...svg.querySelectorAll(`#points${panel} > circle`)].map((circle) => ({
      x: +circle.getAttribute("cx"),
      y: +circle.getAttribute("cy"),
      text: circle.textContent,
    })));
  svg.querySelector("#points").remove();

  // Each layer moves inside a group that keeps the panel's edges.
  const paths = [];
  const markers = [];
  boxes.forEach((box, panel) => {
    const [x, y, width, height] = [box[0], box[1], box[2] - box[0], box[3] - box[1]];
    const clip = element("clipPath", { id: `inside${panel}` }, svg);
    element("rect", { x, y, width, height }, clip);
    const wider = element("clipPath", { id: `around${panel}` }, svg); // markers on the edge are whole
    element("rect", { x: x - 4, y: y - 4, width: width + 8, height: height + 8 }, wider);
    for (const layer of svg.querySelectorAll(`[id^="panel${panel}-layer"]`)) {
      const outer = document.createElementNS(SPACE, "g");
      outer.setAttribute("clip-path", `url(#${layer.querySelector("use") ? "around" : "inside"}${panel})`);
      layer.before(outer);
      outer.append(layer);
      for (const part of layer.querySelectorAll("[clip-path]")) part.removeAttribute("clip-path");
      for (const part of layer.querySelectorAll("path")) {
        if (part.closest("defs")) continue;
        part.setAttribute("vector-effect", "non-scaling-stroke");
        paths.push(part);
      }
      for (const part of layer.querySelectorAll("use")) markers.push([part, +part.getAttribute("x")]);
    }
  });
  const still = [...svg.querySelectorAll('[id^="xtick_"]'), ...svg.querySelectorAll('[id*="-labels"]')];
  const moving = element("g", { "font-family": "'DejaVu Sans', sans-serif", fill: "#333" }, svg);
  svg.querySelector("#axes_1").before(moving);
  const spot = element("circle", { r: 5, fill: "none", stroke: "#000", "stroke-width": 1.5 }, svg);
  spot.style.display = "none";

  // What stood at x stands at x * zoom + shift.
  let zoom = 1;
  let shift = 0;

  const timeAt = (x) => {
    const share = ((x - shift) / zoom - left) / (right - left);
    return facts.start + share * (facts.stop - facts.start);
  };

  const STEPS = [10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 43200, 86400].map((s) => s * 1e9);
  const stepFor = (least) => {
    if (least > 5e9) {
      const found = STEPS.find((step) => step >= least);
      if (found) return found;
    }
    const power = 10 ** Math.floor(Math.log10(least));
    return power * ([1, 2, 5].find((factor) => factor * power >= least * (1 - 1e-9)) || 10);
  };
  const UNITS = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
  const label = (time, step, largest) => {
    if (time === 0) return "0";
    const [unit, size] = UNITS.find(([, each]) => each <= largest) || UNITS[3];
    const decimals = Math.min(9, Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9)));
    return `${(time / size).toFixed(decimals)} ${unit}`;
  };
  const frameFrom = (time) => {
    let low = 0;
    let high = facts.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (facts.times[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low < facts.frames.length ? `#${facts.frames[low]}` : "";
  };

  const drawTicks = () => {
    moving.replaceChildren();
    for (const part of still) part.style.display = zoom === 1 ? "" : "none";
    if (zoom === 1) return;
    const [start, stop] = [timeAt(left), timeAt(right)];
    const step = stepFor((stop - start) / 9);
    const largest = Math.max(Math.abs(start), Math.abs(stop));
    const first = Math.ceil(start / step);
    for (let number = 0; number < 20 && (first + number) * step <= stop; number++) {
      const time = (first + number) * step;
      const x = left + ((time - start) / (stop - start)) * (right - left);
      for (const box of boxes) {
        element("line", { x1: x, x2: x, y1: box[1], y2: box[3], stroke: "#e4e4e4", "stroke-width": 0.7 }, moving);
      }
      const style = { x, "text-anchor": "middle", "font-size": 8.5 };
      element("text", { ...style, y: lowest + 13 }, moving).textContent = label(time, step, largest);
      element("text", { ...style, y: lowest + 24 }, moving).textContent = frameFrom(time);
    }
  };

  const move = (newZoom, newShift) => {
    zoom = Math.min(Math.max(newZoom, 1), MOST_ZOOM);
    shift = Math.min(Math.max(newShift, right - right * zoom), left - left * zoom);
    if (zoom === 1) shift = 0;
    for (const part of paths) part.setAttribute("transform", `matrix(${zoom} 0 0 1 ${shift} 0)`);
    for (const [part, x] of markers) part.setAttribute("x", x * zoom + shift);
    hide();
    drawTicks();
  };

  const hide = () => {
    tip.style.display = spot.style.display = "none";
  };

  const place = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const panelAt = (at) => boxes.findIndex((box) =>
    at.x >= box[0] - 5 && at.x <= box[2] + 5 && at.y >= box[1] - 5 && at.y <= box[3] + 5);

  const show = (event) => {
    const at = place(event);
    const panel = panelAt(at);
    let best = null;
    let least = REACH ** 2;
    for (const point of panel < 0 ? [] : points[panel]) {
      const x = point.x * zoom + shift;
      if (x < left - 1 || x > right + 1) continue;
      const distance = (x - at.x) ** 2 + (point.y - at.y) ** 2;
      if (distance < least) [best, least] = [point, distance];
    }
    if (!best) return hide();
    spot.setAttribute("cx", best.x * zoom + shift);
    spot.setAttribute("cy", best.y);
    tip.textContent = best.text;
    tip.style.display = spot.style.display = "block";
    const room = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(0, Math.min(event.clientX + 14, innerWidth - room.width - 6))}px`;
    tip.style.top = `${event.clientY + 18 + room.height > innerHeight ? event.clientY - room.height - 10 : event.clientY + 18}px`;
  };

  let held = null;
  svg.addEventListener("pointerdown", (event) => {
    const at = place(event);
    if (event.button !== 0 || panelAt(at) < 0) return;
    held = { x: at.x, shift };
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (held && zoom > 1) move(zoom, held.shift + place(event).x - held.x);
    else show(event);
  });
  svg.addEventListener("pointerup", () => { held = null; });
  svg.addEventListener("pointercancel", () => { held = null; });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("dblclick", () => move(1, 0));
  svg.addEventListener("wheel", (event) => {
    const at = place(event);
    if (panelAt(at) < 0) return;
    if (zoom === 1 && event.deltaY > 0) return; // nothing to zoom out of: the page scrolls
    event.preventDefault();
    const next = Math.min(Math.max(zoom * 1.0015 ** -event.deltaY, 1), MOST_ZOOM);
    move(next, at.x - ((at.x - shift) / zoom) * next);
  }, { passive: false });
})();
