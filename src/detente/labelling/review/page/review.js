// The review page: one statement at a time, by keyboard. All text is set as text, never as markup.
"use strict";

const KEY = location.hash.slice(1) || sessionStorage.getItem("key") || "";
const RETRY_MS = 800;
const at = (id) => document.getElementById(id);
const page = { about: null, state: null, chosen: {}, asked: [], busy: true, seen: 0, since: 0, guides: {} };

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) if (value) made.setAttribute(key, value);
  return made;
}

// Calls of the server

class Refused extends Error {}
class Unable extends Error {}

async function call(path, body) {
  const headers = { "X-Detente-Key": KEY };
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  const content = await answer.json();
  if (answer.status >= 500) throw new Unable(content.error); // for now: it is tried again
  if (!answer.ok) throw new Refused(content.error || `the server answers ${answer.status}`);
  return content;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Sends until it is answered. The nonce makes a repeated save one save; the tab keeps it over a reload.
async function insist(path, body) {
  if (body) sessionStorage.setItem("pending", JSON.stringify({ path, body, key: KEY }));
  for (;;) {
    try {
      const content = await call(path, body);
      if (body) sessionStorage.removeItem("pending");
      warn("");
      return content;
    } catch (error) {
      if (error instanceof Refused) {
        if (body) sessionStorage.removeItem("pending");
        throw error;
      }
      const then = body ? "your label waits here and is saved then." : "this page goes on then.";
      warn(error instanceof Unable ? error.message : "The server does not answer. Start the command again: " + then);
      await pause(RETRY_MS);
    }
  }
}

function warn(text) {
  at("alert").textContent = text;
  at("alert").hidden = !text;
}

async function act(action, more = {}) {
  if (page.busy) return;
  page.busy = true;
  const sent = { annotator: page.about.annotator, adjudicating: page.about.adjudicating, nonce: nonce(), ...more };
  try {
    page.state = await insist(`/api/${action}`, sent);
    page.busy = false;
    show();
  } catch (error) {
    page.busy = false;
    page.chosen = { ...(page.state.statement ? page.state.statement.settled : {}) };
    mark();
    warn(error.message);
  }
}

function nonce() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What the annotator does

function choose(task, label) {
  if (page.busy || !page.state.statement || page.state.statement.settled[task]) return;
  page.chosen[task] = label;
  mark();
  if (page.asked.every((name) => page.chosen[name])) save({ labels: page.chosen });
}

function save(what) {
  const seconds = (page.seen + (page.since ? performance.now() - page.since : 0)) / 1000;
  const flag = at("flag").getAttribute("aria-pressed") === "true";
  act("save", { id: page.state.statement.id, flag, comment: at("comment").value.trim(), seconds, ...what });
}

function undo() {
  if (page.busy) return;
  const given = page.asked.filter((name) => page.chosen[name]);
  if (page.state.statement && given.length) {
    delete page.chosen[given[given.length - 1]];
    mark();
  } else if (page.state.can_undo) act("undo");
}

function flag() {
  const button = at("flag");
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
}

async function guide() {
  const panel = at("guide");
  if (!page.about.guide) return;
  panel.hidden = !panel.hidden;
  at("open-guide").setAttribute("aria-expanded", String(!panel.hidden));
  if (panel.hidden) return at("work").focus({ preventScroll: true });
  await fillGuide();
  panel.focus({ preventScroll: matchMedia("(min-width: 60rem)").matches });
}

async function fillGuide() {
  const lang = (page.state.statement && page.state.statement.lang) || "en";
  const panel = at("guide");
  if (panel.hidden || panel.dataset.lang === lang) return;
  page.guides[lang] ??= await insist(`/api/guide?lang=${encodeURIComponent(lang)}`);
  panel.dataset.lang = lang;
  panel.replaceChildren();
  for (const section of page.guides[lang]) {
    panel.append(element("h2", section.title));
    for (const line of section.lines) panel.append(lined(line));
  }
}

// A line that begins with a short name (a label, a rule's title) shows it in bold.
function lined(line) {
  const made = element("p", "", { dir: "auto" });
  const name = line.match(/^(?:\d+\. )?[^.:→]{2,60}[.:](?= )/);
  if (name) made.append(element("strong", name[0]), line.slice(name[0].length));
  else made.textContent = line;
  return made;
}

// What the page shows

function show() {
  const { state } = page;
  const done = state.labelled + state.skipped;
  at("bar").max = Math.max(state.total, 1);
  at("bar").value = done;
  at("count").textContent = `${state.labelled} of ${state.total} labelled` + (state.skipped ? `, ${state.skipped} skipped` : "");
  at("work").hidden = !state.statement;
  at("end").hidden = Boolean(state.statement);
  if (state.statement) showStatement(state.statement, Math.min(done + 1, state.total));
  else showEnd(state);
}

function showStatement(statement, number) {
  page.chosen = { ...statement.settled };
  page.asked = page.about.tasks.map((task) => task.name).filter((name) => !statement.settled[name]);
  page.seen = 0;
  page.since = document.hidden ? 0 : performance.now();
  for (const name of ["before", "text", "after"]) {
    at(name).textContent = statement[name];
    at(name).hidden = !statement[name];
    statement.lang ? at(name).setAttribute("lang", statement.lang) : at(name).removeAttribute("lang");
  }
  at("work").dataset.id = statement.id;
  showFacts(statement);
  showMachine(statement.machine);
  showVotes(statement.votes);
  at("comment").value = statement.comment;
  at("flag").setAttribute("aria-pressed", String(statement.flag));
  showTasks(statement);
  fillGuide();
  at("passage").scrollTop = 0;
  scrollTo(0, 0);
  at("news").textContent = `Statement ${number} of ${page.state.total}`;
  at("work").focus({ preventScroll: true });
}

function showFacts(statement) {
  at("facts").replaceChildren();
  for (const [name, value] of [["Holder", statement.holder], ["Source", statement.source], ["Date", statement.date]]) {
    if (!value) continue;
    const pair = element("div");
    pair.append(element("dt", name), element("dd", value, { dir: "auto" }));
    at("facts").append(pair);
  }
}

function showMachine(machine) {
  const said = Object.entries(machine).map(([task, label]) => `${task} ${label}`);
  at("machine").hidden = !said.length;
  at("machine").textContent = said.length ? `A machine says: ${said.join(", ")}. Judge for yourself.` : "";
}

function showVotes(votes) {
  at("votes").hidden = !votes.length;
  at("votes").replaceChildren();
  if (!votes.length) return;
  const table = element("table");
  const head = element("tr");
  const names = page.about.tasks.map((task) => task.name);
  const remarks = votes.some((vote) => vote.comment);
  for (const name of ["annotator", ...names, ...(remarks ? ["comment"] : [])]) head.append(element("th", name, { scope: "col" }));
  const body = element("tbody");
  for (const vote of votes) {
    const row = element("tr");
    row.append(element("th", vote.annotator, { scope: "row", dir: "auto" }));
    for (const name of names) row.append(element("td", vote.labels[name] || "–"));
    if (remarks) row.append(element("td", vote.comment, { dir: "auto" }));
    body.append(row);
  }
  table.append(element("caption", "What the annotators said"), element("thead"), body);
  table.tHead.append(head);
  at("votes").append(table);
}

function showTasks(statement) {
  at("tasks").replaceChildren();
  for (const task of page.about.tasks) {
    const group = element("fieldset", "", { "data-task": task.name });
    const legend = element("legend", task.name[0].toUpperCase() + task.name.slice(1));
    if (task.target) legend.append(" ", element("small", `towards ${task.target}`));
    const note = statement.settled[task.name] ? "agreed" : statement.labels[task.name] ? `was ${statement.labels[task.name]}` : "";
    if (note) legend.append(" ", element("small", `(${note})`));
    const choices = element("div", "", { class: "choices" });
    task.labels.forEach((label, i) => {
      const button = element("button", "", { type: "button", "data-label": label.name, title: label.meaning, "aria-keyshortcuts": i < 9 ? String(i + 1) : "" });
      if (i < 9) button.append(element("kbd", String(i + 1)), " ");
      button.append(label.name);
      button.addEventListener("click", () => choose(task.name, label.name));
      choices.append(button);
    });
    group.append(legend, choices);
    at("tasks").append(group);
  }
  mark();
}

// Marks what is chosen, which task the number keys speak to, and which come later.
function mark() {
  const now = page.asked.find((name) => !page.chosen[name]);
  for (const group of at("tasks").children) {
    const task = group.dataset.task;
    group.className = task === now ? "now" : page.chosen[task] ? "" : "later";
    const settled = Boolean(page.state.statement && page.state.statement.settled[task]);
    for (const button of group.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(page.chosen[task] === button.dataset.label));
      button.disabled = settled;
    }
  }
  at("undo").disabled = !page.state.can_undo && !page.asked.some((name) => page.chosen[name]);
}

function showEnd(state) {
  at("end-title").textContent = state.labelled ? "All done, thank you" : "Nothing left to label";
  const skipped = state.skipped ? ` ${state.skipped} were skipped.` : "";
  at("end-text").textContent = `${state.labelled} of ${state.total} statements are labelled and saved.${skipped} You can close this page and stop the command with Ctrl-C.`;
  at("reopen").hidden = !state.skipped;
  at("end-undo").disabled = !state.can_undo;
  at("work").dataset.id = "";
  at("news").textContent = "All statements are done";
  at("end").focus({ preventScroll: true });
}

// Keys

// By letter, and by place on keyboards that write other letters (Cyrillic).
function pressed(event) {
  if (/^[a-z]$/i.test(event.key)) return event.key.toLowerCase();
  const place = event.code.match(/^(?:Key([A-Z])|(?:Digit|Numpad)([0-9]))$/);
  return place ? (place[1] || place[2]).toLowerCase() : event.key.toLowerCase();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target === at("comment")) {
    if (event.key === "Escape") at("work").focus({ preventScroll: true });
    return;
  }
  if (!at("keys").checked || event.target === at("keys") || event.repeat || !page.about || page.busy) return;
  const key = pressed(event);
  const labelling = Boolean(page.state.statement);
  const commands = {
    g: guide,
    u: undo,
    backspace: undo,
    ...(labelling ? { s: () => save({ skipped: true }), f: flag, c: () => at("comment").focus() } : {}),
    ...(at("reopen").hidden || labelling ? {} : { r: () => act("reopen") }),
  };
  if (/^[1-9]$/.test(key) && labelling) {
    const task = page.about.tasks.find((each) => page.asked.includes(each.name) && !page.chosen[each.name]);
    const label = task && task.labels[Number(key) - 1];
    if (!label) return;
    event.preventDefault();
    choose(task.name, label.name);
  } else if (Object.hasOwn(commands, key)) {
    event.preventDefault();
    commands[key]();
  }
}

document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => {
  if (document.hidden && page.since) page.seen += performance.now() - page.since;
  page.since = document.hidden ? 0 : performance.now();
});
at("skip").addEventListener("click", () => page.busy || save({ skipped: true }));
at("flag").addEventListener("click", flag);
at("undo").addEventListener("click", undo);
at("end-undo").addEventListener("click", undo);
at("reopen").addEventListener("click", () => act("reopen"));
at("open-guide").addEventListener("click", guide);
at("keys").checked = localStorage.getItem("keys") !== "off";
at("keys").addEventListener("change", () => localStorage.setItem("keys", at("keys").checked ? "on" : "off"));

async function begin() {
  if (KEY) sessionStorage.setItem("key", KEY);
  history.replaceState(null, "", location.pathname); // the key is not for shoulders and screenshots
  try {
    page.about = await insist("/api/about");
    const pending = JSON.parse(sessionStorage.getItem("pending") || "null");
    if (pending && pending.key === KEY) await insist(pending.path, pending.body).catch((error) => warn(error.message));
    page.state = await insist("/api/state");
  } catch (error) {
    return warn(error.message);
  }
  at("who").textContent = page.about.annotator + (page.about.adjudicating ? " adjudicates" : " labels");
  document.title = `${page.about.annotator} · détente review`;
  at("open-guide").hidden = !page.about.guide;
  page.busy = false;
  show();
}

begin();
