// Edits a call of an operator, has the server run it, and draws what comes back.
const desk = document.getElementById("try");
const at = (id) => document.getElementById(id);
const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
const SVG = "http://www.w3.org/2000/svg";
const draw = (name, attributes = {}, text = "") => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
};

const WORDS = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };
const number = (value) => (typeof value === "string" ? WORDS[value] : Number(value));
const short = (value) => {
  const it = number(value);
  if (!Number.isFinite(it)) return String(it).replace("Infinity", "∞");
  if (it === 0) return "0";
  const size = Math.abs(it);
  return size >= 1e4 || size < 1e-3 ? it.toExponential(1) : String(Number(it.toPrecision(3)));
};
/** What a person typed as JSON has it; undefined if it is no number. */
const typed = (text) => {
  const it = text.trim();
  if (/^nan$/i.test(it)) return "NaN";
  if (/^\+?(inf|infinity|∞)$/i.test(it)) return "Infinity";
  if (/^[-−](inf|infinity|∞)$/i.test(it)) return "-Infinity";
  return it !== "" && Number.isFinite(Number(it)) ? Number(it) : undefined;
};

const LARGEST_GRID = 144;
let operator;
let call;
let beside = [];
let timer = 0;
let asked = 0;

const kindOf = (name) => operator.inputs.find((port) => port.name === name)?.kind ?? "float";

/** Rows and columns to show a tensor of any rank in: the last axis goes across. */
const plane = (shape) => {
  const columns = shape.length === 0 ? 1 : shape[shape.length - 1];
  return { columns, rows: columns === 0 ? 0 : shape.reduce((a, b) => a * b, 1) / columns };
};

const flat = (tensor) => {
  const data = Array.isArray(tensor.data) ? tensor.data.flat(Infinity) : [tensor.data];
  if (!tensor.shape) tensor.shape = [data.length];
  tensor.data = data;
  return tensor;
};

const later = () => { clearTimeout(timer); timer = setTimeout(run, 150); };

const editor = (name, tensor) => {
  const { rows, columns } = plane(tensor.shape);
  const port = operator.inputs.find((one) => one.name === name);
  const title = make("h3", {}, name, make("span", {}, "[" + tensor.shape.join(", ") + "] " + (port?.description ?? "")));
  const part = make("div", { class: "tensor" }, title);
  if (tensor.data.length > 0 && tensor.data.length <= LARGEST_GRID && columns <= 16) {
    const table = make("table", { class: "grid" });
    for (let row = 0; row < rows; row++) {
      const line = make("tr");
      for (let column = 0; column < columns; column++) {
        const index = row * columns + column;
        const cell = make("input", { value: String(tensor.data[index]), inputmode: "text", "aria-label": `${name}, row ${row + 1}, column ${column + 1}` });
        cell.addEventListener("input", () => {
          const value = kindOf(name) === "boolean" ? { true: true, false: false, 1: true, 0: false }[cell.value.trim()] : typed(cell.value);
          cell.setCustomValidity(value === undefined ? "a number, NaN, Infinity or -Infinity" : "");
          if (value !== undefined) { tensor.data[index] = value; later(); }
        });
        cell.addEventListener("keydown", (event) => {
          const step = { ArrowUp: -columns, ArrowDown: columns }[event.key];
          if (step) { table.querySelectorAll("input")[index + step]?.focus(); event.preventDefault(); }
        });
        line.append(make("td", {}, cell));
      }
      table.append(line);
    }
    part.append(make("div", { class: "scroll" }, table));
  } else {
    const area = make("textarea", { class: "raw", rows: "4", "aria-label": name + ", numbers separated by commas" });
    area.value = tensor.data.join(", ");
    area.addEventListener("input", () => {
      const values = area.value.split(/[\s,]+/).filter(Boolean).map(typed);
      const good = values.length === tensor.data.length && !values.includes(undefined);
      area.setCustomValidity(good ? "" : tensor.data.length + " numbers separated by commas");
      if (good) { tensor.data = values; later(); }
    });
    part.append(area);
  }
  if (port?.kind === "float") {
    const dice = make("button", { type: "button", class: "mini" }, "random");
    dice.addEventListener("click", () => {
      tensor.data = tensor.data.map(() => Number((2 * (Math.random() + Math.random() + Math.random()) - 3).toFixed(2)));
      edit();
      later();
    });
    title.append(dice);
  }
  return part;
};

const SLIDEST = 10;
const slider = (parameter) => {
  const value = call.params[parameter.name] ?? parameter.default;
  const set = (next) => { call.params[parameter.name] = next; later(); };
  const label = make("code", { title: parameter.description }, parameter.name);
  if (parameter.type === "choice" || parameter.type === "flag") {
    const choices = parameter.type === "flag" ? ["true", "false"] : parameter.choices;
    const select = make("select", { "aria-label": parameter.description });
    choices.forEach((choice) => select.append(make("option", choice === String(value) ? { selected: "" } : {}, choice)));
    select.addEventListener("change", () => set(parameter.type === "flag" ? select.value === "true" : select.value));
    return make("div", { class: "slider" }, label, select, "");
  }
  const whole = parameter.type === "whole";
  const start = number(value);
  const finite = (bound, other) => (Number.isFinite(number(bound)) && Math.abs(number(bound)) <= 1e6 ? number(bound) : other);
  const low = finite(parameter.min, Math.min(-SLIDEST, 2 * start));
  const high = Math.max(low, finite(parameter.max, Math.max(SLIDEST, 2 * start)));
  const range = make("input", { type: "range", min: low, max: high, step: whole ? 1 : (high - low) / 200 || 0.01, value: start, "aria-label": parameter.description });
  const exact = make("input", { type: "number", step: whole ? 1 : "any", value: Number.isFinite(start) ? start : "", "aria-label": parameter.name + ", exact" });
  range.addEventListener("input", () => { exact.value = Number(Number(range.value).toPrecision(6)); set(Number(exact.value)); });
  exact.addEventListener("input", () => { if (exact.value !== "") { range.value = exact.value; set(Number(exact.value)); } });
  return make("div", { class: "slider" }, label, range, exact);
};

const edit = () => {
  at("inputs").replaceChildren(...Object.entries(call.inputs).map(([name, tensor]) => editor(name, flat(tensor))));
  at("parameters").replaceChildren(...operator.parameters.map(slider));
};

const heat = (tensor) => {
  const { rows, columns } = plane(tensor.shape);
  const values = tensor.data.map((one) => (typeof one === "boolean" ? Number(one) : number(one)));
  const most = Math.max(...values.filter(Number.isFinite).map(Math.abs), 1e-30);
  if (rows === 1 && columns > 24) {
    const low = Math.min(...values.filter(Number.isFinite), 0);
    const high = Math.max(...values.filter(Number.isFinite), 0);
    const y = (value) => 110 - (100 * (value - low)) / (high - low || 1);
    const curve = draw("svg", { class: "heat", viewBox: "0 0 400 120", role: "img", "aria-label": "curve of " + columns + " values" });
    curve.append(draw("line", { class: "axis", x1: 0, x2: 400, y1: y(0), y2: y(0) }));
    curve.append(draw("polyline", { points: values.map((value, i) => (Number.isFinite(value) ? `${(400 * i) / (columns - 1)},${y(value).toFixed(2)}` : "")).join(" ") }));
    return curve;
  }
  const cell = 40;
  const high = 26;
  const picture = draw("svg", { class: "heat", viewBox: `0 0 ${Math.max(columns, 4) * cell} ${rows * high}`, role: "img", "aria-label": values.slice(0, 64).map(short).join(", ") });
  values.forEach((value, i) => {
    const x = (i % columns) * cell;
    const y = Math.floor(i / columns) * high;
    const share = Number.isFinite(value) ? Math.abs(value) / most : 0;
    picture.append(draw("rect", { x: x + 1, y: y + 1, width: cell - 2, height: high - 2, rx: 3, class: !Number.isFinite(value) ? "none" : value < 0 ? "negative" : "", "fill-opacity": (0.06 + 0.94 * share).toFixed(3) }));
    if (values.length <= 400) picture.append(draw("text", { x: x + cell / 2, y: y + high / 2 + 3.5, class: share > 0.55 ? "light" : "" }, short(value)));
  });
  return picture;
};

const result = (name, answer) => {
  const part = make("div", { class: "result" }, make("h3", {}, make("code", {}, name), make("span", { class: "small" }, answer.error ? "" : (answer.nanos / 1000).toFixed(answer.nanos < 1e5 ? 1 : 0) + " µs")));
  if (answer.error) {
    part.append(make("p", { class: "failure" }, answer.error));
    return part;
  }
  for (const [port, tensor] of Object.entries(answer.outputs)) {
    flat(tensor);
    part.append(make("div", { class: "tensor" }, make("h3", {}, port, make("span", {}, "[" + tensor.shape.join(", ") + "]")), tensor.data.length <= 4096 ? heat(tensor) : make("p", { class: "small" }, "too large to draw")));
  }
  return part;
};

const ask = async (name, body) => {
  const answer = await fetch(desk.dataset.apply + name, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return answer.json();
};

/** For an operator beside ours only the parameters that it has too. */
const shared = (other) => ({ inputs: call.inputs, params: Object.fromEntries(Object.entries(call.params).filter(([key]) => other.parameters.some((one) => one.name === key))) });

const run = async () => {
  const mine = ++asked;
  at("state").textContent = "computing …";
  try {
    const answers = await Promise.all([ask(operator.name, call), ...beside.map((other) => ask(other.name, shared(other)))]);
    if (mine !== asked) return;
    const names = [operator.name, ...beside.map((other) => other.name)];
    at("outputs").replaceChildren(...answers.map((answer, i) => result(names[i], answer)));
    at("state").textContent = "";
  } catch {
    if (mine === asked) at("state").textContent = "the server did not answer";
  }
};

const literal = (value) => (typeof value === "boolean" ? String(value) : Number.isFinite(number(value)) ? number(value) + "f" : { NaN: "Float.NaN", Infinity: "Float.POSITIVE_INFINITY", "-Infinity": "Float.NEGATIVE_INFINITY" }[String(value)]);
const java = () => {
  const types = { float: "float", integer: "int", boolean: "boolean" };
  const lines = Object.entries(call.inputs).map(([name, tensor]) => {
    const kind = kindOf(name);
    const data = tensor.data.map((value) => (kind === "integer" ? String(value) : literal(value))).join(", ");
    return `Tensor ${name} = Tensor.of(new ${types[kind]}[] {${data}}${tensor.shape.map((extent) => ", " + extent).join("")});`;
  });
  const inputs = Object.keys(call.inputs).map((name) => `"${name}", ${name}`).join(", ");
  const params = Object.entries(call.params).map(([name, value]) => `"${name}", ${typeof value === "string" ? JSON.stringify(value) : value}`).join(", ");
  return `import io.steelyard.kernels.operator.Operators;\nimport io.steelyard.kernels.tensor.Tensor;\nimport java.util.Map;\n\n${lines.join("\n")}\nMap<String, Tensor> outputs =\n    Operators.named("${operator.name}").apply(Map.of(${inputs}), Map.of(${params}));\n`;
};
const command = () => `echo '${JSON.stringify(call)}' | steelyard apply ${operator.name} --in -\n`;

const copying = (id, text) => {
  const button = at(id);
  const name = button.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = name; }, 1500);
  });
};

const begin = async () => {
  const [description, presets] = await Promise.all([fetch(desk.dataset.description), fetch(desk.dataset.presets)].map((one) => one.then((answer) => answer.json())));
  operator = description;
  const take = (index) => { call = structuredClone(presets[index].call); call.params ??= {}; edit(); run(); };
  desk.hidden = presets.length === 0;
  if (presets.length === 0) return;
  at("preset").addEventListener("change", () => take(at("preset").selectedIndex));
  at("beside").addEventListener("change", async () => {
    const name = at("beside").value;
    at("beside").value = "";
    if (name && beside.length < 3 && !beside.some((other) => other.name === name)) {
      beside.push(await (await fetch(desk.dataset.operators + name)).json());
      run();
    }
  });
  copying("java", java);
  copying("command", command);
  take(0);
};
begin();
