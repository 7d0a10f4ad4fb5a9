// Keeps a screen up to date, opens a step in place, and goes along ways by the keyboard.
// All can be read and done without it.

const SILENT_MS = 20_000; // a beat comes every 15 s
const CUT_MS = 45_000; // then it is cut
const RELOAD_MS = 10_000; // where nothing can be followed
const SAID_MS = 10_000; // readers are told no more often
const CLOCK = "header .as-of time";

const main = document.querySelector("main");
const find = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const number = (count) => count.toLocaleString("en-US");

// -- Live, stale or stopped

const shown = document.createElement("span");
let state = "";
let heard = Date.now(); // of the engine
let received = Date.now(); // when anything came at all
let ahead;

function show(now = state) {
  state = now;
  const silent = Date.now() - heard;
  if (state === "live" && silent > SILENT_MS) state = "stale";
  shown.textContent = state === "stale" ? `stale ${Math.round(silent / 1000)} s` : state;
  shown.className = `following ${state.split(" ")[0]}`;
  shown.title = state === "stopped" ? "The engine has stopped, or nobody answers here." : "";
  const isOld = state === "stale" || state === "stopped";
  for (const each of all("[data-topics], .figures")) each.ariaBusy = isOld ? "true" : null;
  if (ahead === undefined) return;
  const clock = find(CLOCK);
  clock.dateTime = new Date((state === "live" ? Date.now() : heard) + ahead).toISOString();
  clock.textContent = `${clock.dateTime.slice(0, 19).replace("T", " ")} UTC`;
}

// -- Following

let following = null;
let again = 0;

async function follow() {
  const topics = all("[data-topics]").map((each) => each.dataset.topics).join(",");
  leave();
  if (document.hidden) return;
  if (!topics) return reloads();
  const mine = (following = new AbortController());
  received = Date.now();
  let pause = 1_000;
  try {
    const headers = { Accept: "text/event-stream" };
    const answer = await fetch(new URL(`../live?topics=${topics}`, import.meta.url), { headers, signal: mine.signal });
    if (answer.status === 401) return location.reload(); // the session is over
    if (answer.ok) {
      pause = await read(answer.body, pause);
      if (state === "live") show("stale");
    } else if ((await answer.json()).code === "busy" && answer.status === 503) {
      return reloads();
    } else {
      show(answer.status === 429 || answer.status >= 500 ? "stopped" : "stale");
    }
  } catch {
    if (mine.signal.aborted) return;
    show(navigator.onLine && state !== "live" ? "stopped" : "stale");
  }
  if (following === mine) again = setTimeout(follow, pause);
}

function reloads() {
  show(Date.now() - heard > SILENT_MS ? "stale" : "reloads every 10 s");
  again = setTimeout(async () => (await refresh()) || follow(), RELOAD_MS);
}

function leave() {
  clearTimeout(again);
  following?.abort();
  following = null;
}

async function read(body, pause) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return pause;
    received = Date.now();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const told = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/, 2)));
      if (told.event === "bye") {
        pause = Number(told.retry);
        show("stopped");
      } else if (told.event) {
        take(JSON.parse(told.data));
      }
    }
  }
}

function take(told) {
  heard = Date.now();
  ahead = told.at - heard;
  for (const [step, counts] of Object.entries(told.counts ?? {})) if (counts) showStep(step, counts);
  for (const [part, html] of Object.entries(told.parts ?? {})) {
    const isNew = all(`[data-live="${part}"]`).map((each) => put(each, html)).includes(true);
    if (part === "entered") showEntered(html);
    if (part === "figures" && isNew) say();
    if (part === "health" && isNew) refreshSoon();
  }
  for (const [journey, cells] of Object.entries(told.lines ?? {})) {
    for (const [column, html] of Object.entries(cells ?? {})) {
      const cell = find(`tr[data-journey="${journey}"] td[data-label="${column}"] > div`);
      if (cell && put(cell, html) && column === "Health") refreshSoon(); // those that need attention come first
    }
  }
  if (told.hot) showHot(told.hot);
  const ledger = find("[data-ledger]")?.dataset.ledger;
  if ("ledger" in told && String(told.ledger) !== ledger) refreshSoon();
  show("live");
}

// Whether it is new. Whoever is at a link in it stays there.
function put(element, html) {
  const now = document.createElement("template");
  now.innerHTML = html;
  if (now.innerHTML === element.innerHTML) return false;
  const at = [...element.querySelectorAll("a")].indexOf(document.activeElement);
  element.replaceChildren(now.content);
  if (at >= 0) element.querySelectorAll("a")[at]?.focus();
  return true;
}

// -- Figures

function showStep(step, [came, waits, on, out, parked]) {
  const cells = all(`tr[data-step="${step}"] .number`);
  [came, waits, on, out].forEach((count, at) => cells[at] && (cells[at].textContent = number(count)));
  const box = find(`a.box[data-step="${step}"]`);
  const line = box?.nextElementSibling.querySelector(".figures");
  if (!line) return;
  const ends = parked ? `, ${number(parked)} parked` : "";
  const exact = `${number(waits)} wait, ${number(on)} went on, ${number(out)} ended${ends}.`;
  label(box, /[\d,]+ came, .*$/, `${number(came)} came, ${exact}`);
  const figures = (written) => `${written(came)} in · ${written(on)} on · ${written(out)} out`;
  line.textContent = figures(number);
  const { x, y, width } = box.querySelector("rect").getBBox();
  if (line.getComputedTextLength() > width - 28) line.textContent = figures(short);
  for (const old of line.parentNode.querySelectorAll(".mark")) old.remove();
  const wide = waits && mark(line.parentNode, "waiting", short(waits), x + width - 10, y) + 4;
  if (parked) mark(line.parentNode, "parked", `!${short(parked)}`, x + width - 10 - wide, y);
}

// Returns how wide it is.
function mark(into, name, words, right, middle) {
  const width = 18 + 7.7 * words.length;
  const pill = `<rect x="${right - width}" y="${middle - 9}" width="${width}" height="18" rx="9"/>`;
  const text = `<text x="${right - width / 2}" y="${middle + 4.2}" text-anchor="middle">${words}</text>`;
  into.insertAdjacentHTML("beforeend", `<g class="mark ${name}">${pill}${text}</g>`);
  return width;
}

function showEntered(count) {
  const box = find('a.box[data-step=""]');
  if (!box) return;
  box.nextElementSibling.querySelector(".figures").textContent = `${count} entered`;
  label(box, /[\d,]+ entered\.$/, `${count} entered.`);
}

function label(box, old, exact) {
  box.ariaLabel = box.querySelector("title").textContent = box.ariaLabel.replace(old, exact);
}

function short(count) {
  if (count < 100_000) return number(count);
  const [unit, letter] = count < 1e6 ? [1e3, "k"] : [1e6, "M"];
  const whole = Math.floor(count / unit);
  return whole < 10 ? `${whole}.${Math.floor((count % unit) * 10 / unit)}${letter}` : `${number(whole)}${letter}`;
}

function showHot(hot) {
  for (const way of all(".way[data-from]")) {
    way.toggleAttribute("data-hot", hot.includes(`${way.dataset.from}.${way.dataset.way}`));
  }
}

// -- Telling a reader

const said = document.createElement("p");
let saying = 0;

function say() {
  saying ||= setTimeout(() => {
    saying = 0;
    const figures = find('#step [data-live="figures"]');
    if (figures) said.textContent = `${find("#step h2").textContent}: ${figures.textContent}`;
  }, SAID_MS);
}

// -- Opening in place

let opener = null; // of the panel, as a selector
let soon = 0;
let newest = 0;

// Shows the page of this address in place; whether it has done so.
async function load(url, isAsked) {
  const turn = ++newest;
  const cut = new AbortController();
  setTimeout(() => cut.abort(), RELOAD_MS);
  const answer = await fetch(url, { headers: { Accept: "text/html" }, signal: cut.signal }).catch(() => null);
  const text = await answer?.text().catch(() => "");
  if (!text) return false;
  if (answer.redirected || (isAsked && !answer.ok)) location.href = url;
  if (answer.redirected || !answer.ok) return false;
  const next = new DOMParser().parseFromString(text, "text/html");
  if (turn !== newest) return false;
  const scrolled = all("figure .scroll").map((each) => [each.scrollLeft, each.scrollTop]);
  main.replaceChildren(...next.querySelector("main").childNodes);
  document.title = next.title;
  find(CLOCK).replaceWith(next.querySelector(CLOCK));
  heard = Date.now();
  all("figure .scroll").forEach((each, at) => each.scrollTo(...(scrolled[at] ?? [0, 0])));
  follow(); // the whole state comes
  return true;
}

async function open(url, isNew) {
  const closed = find("#step h2")?.textContent;
  if (!(await load(url, true))) return;
  if (isNew) history.pushState(null, "", url);
  const back = (opener && find(opener)) || all("a.box").find((box) => box.dataset.step === closed);
  (find("#step") ?? back ?? main).focus();
}

async function refresh() {
  if (document.activeElement.closest("main form")) return refreshSoon();
  const at = main.contains(document.activeElement) && selectorOf(document.activeElement);
  const isNew = await load(location.href);
  if (isNew && at) find(at)?.focus({ preventScroll: true });
  return isNew;
}

// Not everybody at once.
function refreshSoon() {
  clearTimeout(soon);
  soon = setTimeout(refresh, 1_000 + Math.random() * 9_000);
}

function selectorOf(element) {
  if (element.id) return `#${element.id}`;
  const href = element.getAttribute("href");
  if (href === null) return "main";
  return `main a${element.matches(".box") ? ".box" : ":not(.box)"}[href="${href}"]`;
}

addEventListener("click", (event) => {
  const link = event.target.closest("main a[href]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.getAttribute("href"), location.href);
  const isOfPanel = url.hash === "#step" || link.closest(".panel .close");
  if (!isOfPanel || url.pathname !== location.pathname || !find("[data-topics]")) return;
  event.preventDefault();
  if (!link.closest(".panel")) opener = selectorOf(link);
  open(url, true);
});

addEventListener("popstate", () => find("[data-topics]") && open(location.href, false));

// -- The keyboard

const cameFrom = new Map();

function neighbour(step, key) {
  const ways = all(".way[data-from]").map((way) => way.dataset);
  const after = (from) => ways.filter((way) => way.from === from).map((way) => way.to);
  const before = ways.filter((way) => way.to === step).map((way) => way.from);
  const parent = before.includes(cameFrom.get(step)) ? cameFrom.get(step) : before[0];
  const siblings = after(parent);
  const at = { ArrowRight: 1, ArrowLeft: -1 }[key] + siblings.indexOf(step);
  const next = { ArrowUp: parent, ArrowDown: after(step)[0] }[key] ?? siblings[at];
  if (key !== "ArrowUp") cameFrom.set(next, key === "ArrowDown" ? step : parent);
  return next;
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.target.closest("form")) find(".panel .close a")?.click();
  if (!/^Arrow(Up|Down|Left|Right)$/.test(event.key) || !event.target.matches("a.box")) return;
  event.preventDefault();
  const next = neighbour(event.target.dataset.step, event.key);
  all("a.box").find((box) => box.dataset.step === next)?.focus();
});

// -- Begin

addEventListener("mouseover", (event) => {
  const time = event.target.closest("time[datetime]");
  if (time) time.title = new Date(time.dateTime).toLocaleString();
});

if (find("[data-topics], head noscript")) {
  find("header .as-of").append(" ", shown);
  said.setAttribute("role", "status");
  said.className = "spoken";
  document.body.append(said);
  addEventListener("visibilitychange", follow); // a browser has few connections
  addEventListener("offline", () => (leave(), show("stale")));
  addEventListener("online", follow);
  setInterval(() => {
    show();
    if (following && Date.now() - received > CUT_MS) follow();
  }, 1_000);
  follow();
}
