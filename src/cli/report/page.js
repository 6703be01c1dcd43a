"use strict";
// Everything shown comes from an image and its Dockerfile, so it becomes text nodes and attributes, never markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, text, classes) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (classes) element.className = classes;
    return element;
  };
  const size = (bytes) => {
    if (bytes < 1000) return `${bytes} B`;
    const units = ["kB", "MB", "GB", "TB", "PB", "EB"];
    let value = bytes / 1000, unit = 0;
    while (value >= 999.95 && unit + 1 < units.length) { value /= 1000; unit++; }
    return `${value.toFixed(1)} ${units[unit]}`;
  };
  const time = (ms) => {
    if (ms < 59950) return `${(ms / 1000).toFixed(1)} s`;
    const seconds = Math.round(ms / 1000);
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
    return `${Math.floor(seconds / 3600)} h ${String(Math.floor(seconds / 60) % 60).padStart(2, "0")} min`;
  };
  const row = (table, cells) => {
    const line = table.insertRow();
    for (const cell of cells) {
      const place = line.insertCell();
      if (cell instanceof Node) place.append(cell);
      else { place.textContent = cell; if (/^[\d.,]+( |$)/.test(cell)) place.className = "number"; }
    }
    return line;
  };
  const steps = data.build ? data.build.steps : [];
  const stepName = (number) => {
    if (number === 0) return "gbuild itself";
    const step = steps.find((one) => one.number === number);
    return step ? `${number}. ${step.text}` : `step ${number}`;
  };

  function showSummary() {
    at("title").textContent = data.name;
    document.title = `${data.name} – gbuild report`;
    at("subtitle").textContent = `${size(data.size)}, ${data.tree.f} files of ${size(data.tree.s)}`;
    for (const [name, value] of data.facts) at("facts").append(make("dt", name), make("dd", value, "mono"));
  }

  function bar(began, took, total, kind, label) {
    const track = make("div", undefined, "track");
    const part = make("div", undefined, `bar ${kind}`);
    part.style.left = `${Math.min(99.5, 100 * began / total)}%`;
    part.style.width = `${Math.max(0, Math.min(100 - 100 * began / total, 100 * took / total))}%`;
    track.append(part, make("span", kind.includes("cached") ? "cached" : time(took), "time"));
    track.setAttribute("role", "img");
    track.setAttribute("aria-label", label);
    track.title = label;
    return track;
  }

  function showTimeline() {
    if (!data.build) {
      at("build-note").textContent = "The store does not know how this image was built.";
      at("steps").hidden = true;
      return;
    }
    const total = Math.max(1, data.build.took, ...steps.map((one) => one.began + one.took), ...data.build.work.map((one) => one.began + one.took));
    const cached = steps.filter((one) => one.cached).length;
    at("build-note").textContent = `${steps.length} steps, ${cached} of them cached, in ${time(data.build.took)}.`;
    const line = (name, sub, track) => {
      const item = make("li");
      const label = make("span", name, sub ? "name sub" : "name");
      label.title = name;
      item.append(label, track);
      at("timeline").append(item);
    };
    const work = (one) => {
      const name = `${one.verb} ${one.name}`.trim();
      const bytes = one.bytes > 0 ? `, ${size(one.bytes)}` : "";
      const kind = one.cached ? "cached" : one.verb === "pulling" || one.verb === "fetching" ? "pull" : "work";
      line(name, one.step !== 0, bar(one.began, one.took, total, kind, `${name}${bytes}, ${one.cached ? "cached" : time(one.took)}, after ${time(one.began)}`));
    };
    data.build.work.filter((one) => one.step === 0 && one.verb === "resolving").forEach(work);
    let stage;
    for (const step of steps) {
      if (step.stage !== stage && step.stage !== "") at("timeline").append(make("li", `Stage ${step.stage}`, "stage"));
      stage = step.stage;
      const label = `Step ${step.number}: ${step.text}, ${step.cached ? "cached" : time(step.took)}, after ${time(step.began)}`;
      line(`${step.number}. ${step.text}`, false, bar(step.began, step.took, total, step.cached ? "cached" : "run", label));
      data.build.work.filter((one) => one.step === step.number).forEach(work);
    }
    data.build.work.filter((one) => one.step === 0 && one.verb !== "resolving").forEach(work);
    const table = at("steps").tBodies[0];
    for (const step of steps) {
      const files = step.kept ? [String(step.written.files), size(step.written.bytes), size(step.kept.bytes)] : ["–", "–", "–"];
      row(table, [step.stage ? `${step.stage} ${step.number}` : String(step.number), step.cached ? "cached" : time(step.took), ...files, make("code", step.text)]);
    }
  }

  // A node: n name, s bytes, c bytes in the image, f files, d whether it is a directory, t the step of a file, b the
  // bytes of a directory by step, k what is in it, r whether it stands for many that are too small.
  const ofStep = (node, step) => {
    const bytes = node.k ? (node.b || {})[step] || 0 : node.t === step ? node.s : 0;
    if (bytes === 0) return null;
    const share = node.s > 0 ? bytes / node.s : 0;
    const copy = { ...node, s: bytes, c: Math.round(node.c * share), f: node.k ? Math.round(node.f * share) || 1 : node.f };
    if (node.k) copy.k = node.k.map((one) => ofStep(one, step)).filter(Boolean).sort((a, b) => b.s - a.s);
    return copy;
  };
  const byStep = () => {
    const numbers = Object.keys(data.tree.b || {}).map(Number).sort((a, b) => a - b);
    if (numbers.length === 0) return { ...data.tree, n: "nothing is known of its steps" };
    const kept = numbers.map((number) => ({ ...ofStep(data.tree, number), n: stepName(number), step: number })).filter((one) => one.s > 0);
    return { ...data.tree, k: kept.sort((a, b) => b.s - a.s) };
  };
  const roots = { directory: data.tree, step: null };
  let mode = "directory", place = [];
  const root = () => mode === "directory" ? roots.directory : roots.step || (roots.step = byStep());
  const here = () => place.length ? place[place.length - 1] : root();
  const pathOf = (nodes) => nodes.map((node) => node.n).join("/");

  // Squarified: rows along the shorter side, as long as boxes get squarer (Bruls, Huizing, van Wijk).
  function layout(nodes, x, y, w, h) {
    const total = nodes.reduce((sum, node) => sum + node.s, 0);
    const boxes = [];
    if (total <= 0 || w <= 0 || h <= 0) return boxes;
    const scale = w * h / total;
    const worst = (areas, side) => {
      const sum = areas.reduce((a, b) => a + b, 0);
      return Math.max(side * side * Math.max(...areas) / (sum * sum), sum * sum / (side * side * Math.min(...areas)));
    };
    let start = 0;
    while (start < nodes.length && nodes[start].s > 0) {
      const side = Math.min(w, h);
      const areas = [nodes[start].s * scale];
      let end = start + 1;
      while (end < nodes.length && nodes[end].s > 0) {
        const more = [...areas, nodes[end].s * scale];
        if (worst(more, side) > worst(areas, side)) break;
        areas.push(nodes[end].s * scale);
        end++;
      }
      const depth = areas.reduce((a, b) => a + b, 0) / side;
      let along = 0;
      areas.forEach((area, i) => {
        const length = area / depth;
        boxes.push(w >= h ? { node: nodes[start + i], x, y: y + along, w: depth, h: length } : { node: nodes[start + i], x: x + along, y, w: length, h: depth });
        along += length;
      });
      if (w >= h) { x += depth; w -= depth; } else { y += depth; h -= depth; }
      start = end;
    }
    return boxes;
  }

  const hue = (text) => { let value = 7; for (const c of text) value = (value * 31 + c.codePointAt(0)) % 360; return value; };
  const svg = (name, attributes) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const describe = (node) => `${node.n}, ${size(node.s)}, ${size(node.c)} in the image, ${node.f} ${node.f === 1 ? "file" : "files"}`;
  const open = (node) => {
    if (!node.k || node.r) return;
    place = [...place, node];
    showFiles(true);
  };
  const up = () => {
    if (place.length === 0) return;
    const left = place[place.length - 1];
    place = place.slice(0, -1);
    showFiles(true, left);
  };

  function box({ node, x, y, w, h }) {
    const group = svg("g", { tabindex: 0, role: node.k && !node.r ? "button" : "img", "aria-label": describe(node) });
    const tone = `hsl(${hue(node.n)} 55% 72%)`;
    group.append(svg("rect", { x, y, width: w, height: h, fill: tone }));
    const title = svg("title", {});
    title.textContent = describe(node);
    group.append(title);
    if (node.k && w > 60 && h > 50) {
      for (const inner of layout(node.k, x + 3, y + 20, w - 6, h - 23).slice(0, 60)) {
        if (inner.w < 2 || inner.h < 2) continue;
        group.append(svg("rect", { x: inner.x, y: inner.y, width: inner.w, height: inner.h, fill: `hsl(${hue(node.n)} 55% 82%)` }));
      }
    }
    const letters = Math.floor((w - 8) / 7);
    if (h > 18 && letters > 2) {
      const label = svg("text", { x: x + 4, y: y + 14 });
      label.textContent = node.n.length > letters ? `${node.n.slice(0, letters - 1)}…` : node.n;
      group.append(label);
    }
    group.addEventListener("click", () => open(node));
    group.addEventListener("keydown", (event) => keys(event, node));
    return group;
  }

  function keys(event, node) {
    const boxes = [...at("map").querySelectorAll("g")];
    const index = boxes.indexOf(event.currentTarget);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) boxes[(index + step + boxes.length) % boxes.length].focus();
    else if (event.key === "Enter" || event.key === " ") open(node);
    else if (event.key === "Escape" || event.key === "Backspace") up();
    else return;
    event.preventDefault();
  }

  function showFiles(focus, from) {
    const node = here();
    const crumbs = at("crumbs");
    crumbs.replaceChildren();
    [null, ...place].forEach((one, i) => {
      const button = make("button", one ? one.n : mode === "directory" ? "/" : "all steps");
      button.type = "button";
      if (i === place.length) button.setAttribute("aria-current", "location");
      button.addEventListener("click", () => { place = place.slice(0, i); showFiles(true); });
      crumbs.append(i > 1 || (i === 1 && mode === "step") ? " / " : " ", button);
    });
    const map = at("map");
    const width = Math.max(200, map.clientWidth), height = Math.max(200, map.clientHeight);
    map.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const children = node.k || [];
    const boxes = layout(children, 0, 0, width, height).filter((one) => one.w >= 2 && one.h >= 2).slice(0, 400);
    map.replaceChildren(...boxes.map(box));
    if (focus) {
      const index = from ? boxes.findIndex((one) => one.node === from) : 0;
      const target = map.querySelectorAll("g")[Math.max(0, index)];
      if (target) target.focus();
    }
    const table = at("entries").tBodies[0];
    table.replaceChildren();
    for (const child of children) {
      let name = make("span", child.n, "mono");
      if (child.k && !child.r) {
        name = make("button", child.d ? `${child.n}/` : child.n, "mono");
        name.type = "button";
        name.addEventListener("click", () => open(child));
      }
      row(table, [name, size(child.s), size(child.c), String(child.f)]);
    }
  }

  function search() {
    const wanted = at("search").value.trim().toLowerCase();
    const hits = at("hits");
    hits.replaceChildren();
    at("found").textContent = "";
    if (!wanted) return;
    const found = [];
    const look = (node, nodes) => {
      for (const child of node.k || []) {
        const chain = [...nodes, child];
        if (!child.r && `/${pathOf(chain)}`.toLowerCase().includes(wanted) && !(nodes.length && `/${pathOf(nodes)}`.toLowerCase().includes(wanted))) found.push(chain);
        look(child, chain);
      }
    };
    look(data.tree, []);
    found.sort((a, b) => b[b.length - 1].s - a[a.length - 1].s);
    const bytes = found.reduce((sum, chain) => sum + chain[chain.length - 1].s, 0);
    at("found").textContent = found.length === 0 ? "Nothing is called that; the names of small files are summed up." : `${found.length} found, ${size(bytes)}.`;
    for (const chain of found.slice(0, 50)) {
      const node = chain[chain.length - 1];
      const item = make("li");
      const button = make("button", `/${pathOf(chain)}`, "mono");
      button.type = "button";
      button.addEventListener("click", () => {
        mode = at("mode").value = "directory";
        place = node.k ? chain : chain.slice(0, -1);
        showFiles(true);
      });
      item.append(button, ` ${size(node.s)}`);
      hits.append(item);
    }
  }

  function showLists() {
    const twice = at("twice"), lost = at("lost");
    twice.hidden = data.duplicates.length === 0;
    twice.querySelector("summary").textContent = `In the image more than once: ${data.duplicateCount} contents, ${size(data.duplicateBytes)} that others have, too`;
    for (const one of data.duplicates) row(twice.querySelector("tbody"), [size(one.size), one.storedOnce ? "once" : "several times", make("code", one.paths.join("\n"))]);
    const files = data.build ? data.build.lost : [];
    lost.hidden = files.length === 0;
    lost.querySelector("summary").textContent = `Written by a step and lost to a later one: ${size(files.reduce((sum, one) => sum + one.size, 0))} that are not in the image`;
    for (const one of files) row(lost.querySelector("tbody"), [size(one.size), make("code", `/${one.path}`), stepName(one.step), stepName(one.lostTo)]);
    if (!data.warnings.length) at("warning-list").append(make("li", "None."));
    for (const one of data.warnings) {
      const item = make("li");
      if (one.file) item.append(make("code", one.line ? `${one.file}:${one.line}` : one.file), " ");
      item.append(one.message, " ", make("span", `[${one.id}]`, "id"));
      if (one.hint) item.append(make("div", one.hint, "quiet"));
      at("warning-list").append(item);
    }
    at("config-text").textContent = JSON.stringify(data.config, null, 2);
    for (const [what, line] of data.lines) {
      const item = make("li");
      item.append(make("span", what), make("code", line));
      at("lines").append(item);
    }
  }

  showSummary();
  showTimeline();
  showLists();
  showFiles(false);
  at("mode").addEventListener("change", () => { mode = at("mode").value; place = []; showFiles(false); });
  at("search").addEventListener("input", search);
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => showFiles(false), 100); });
})();
