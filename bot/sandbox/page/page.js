// The page's hands: loads one person's view, follows its changes, sends what that person does.
import * as draw from "/draw.js";

const MAIN_PEOPLE = 3;
const FIELD_MAX_PX = 180;
const $ = (id) => document.getElementById(id);
const now = { view: null, chat: null, reply: null, events: null, stick: true, drafts: new Map() };

// -- address ---------------------------------------------------------------------------------------------------------

const address = () => new URLSearchParams(location.hash.slice(1));

function go(as, chat) {
  const hash = new URLSearchParams({ as, ...(chat ? { chat } : {}) });
  if (`#${hash}` === location.hash) arrive();
  else location.hash = hash;
}

async function arrive() {
  const wanted = address();
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  keepDraft();
  if (!now.view || String(now.view.me.id) !== wanted.get("as")) await load(wanted.get("as"));
  const id = Number(wanted.get("chat"));
  const found = now.view.chats.find((chat) => chat.id === id);
  if (!found && matchMedia("(min-width: 721px)").matches) return go(now.view.me.id, busiest().id);
  open(found || null);
}

function busiest() {
  return now.view.chats.find((chat) => chat.unread) || now.view.chats.find((chat) => chat.messages.length) || now.view.chats[0];
}

// -- server ----------------------------------------------------------------------------------------------------------

async function call(path, body) {
  const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  let answer;
  try {
    answer = await fetch(`/sandbox/${path}`, options);
  } catch {
    toast("沙盒没有回应，请确认它还在运行");
    return null;
  }
  const result = await answer.json();
  if (!answer.ok) {
    toast(result.error || result.description);
    return null;
  }
  return result;
}

async function load(as) {
  const view = await call(`state?as=${encodeURIComponent(as)}`);
  if (!view) throw new Error("no view");
  now.view = view;
  document.title = `${view.title} · 沙盒`;
  $("title").textContent = view.title;
  const hint = $("hint");
  hint.hidden = !view.hint || sessionStorage.getItem("hint") === view.hint;
  hint.querySelector("span").textContent = view.hint;
  people();
  chats();
  follow();
}

function follow() {
  now.events?.close();
  const events = new EventSource(`/sandbox/events?as=${now.view.me.id}&after=${now.view.revision}`);
  events.onopen = () => { $("line").textContent = ""; };
  events.onerror = () => {
    $("line").textContent = "连接中断，正在重连…";
    if (events.readyState === EventSource.CLOSED) setTimeout(() => { if (now.events === events) follow(); }, 2000);
  };
  events.onmessage = (event) => { if (now.events === events) happen(JSON.parse(event.data)); };
  now.events = events;
}

async function reload() {
  keepDraft();
  const chat = now.chat?.id;
  await load(now.view.me.id);
  open(now.view.chats.find((one) => one.id === chat) || null);
}

function happen(change) {
  now.view.revision = change.revision;
  const chat = now.view.chats.find((one) => one.id === change.chat);
  if (change.unread) {
    for (const one of now.view.people) one.unread = change.unread[one.id] ?? 0;
  }
  if (["reset", "group", "person"].includes(change.kind) || (change.kind === "message" && !chat)) return reload();
  if (change.kind === "toast") answered(change.toast);
  if (change.kind === "message") came(chat, change.message);
  if (change.kind === "edit") edited(chat, change.message);
  if (change.kind === "delete") gone(chat, change.message);
  if (change.kind === "read") chat.unread = chat.messages.filter((one) => one.id > change.message && !one.mine).length;
  if (change.kind !== "toast") {
    people();
    chats();
  }
}

function came(chat, message) {
  if (chat.messages.some((one) => one.id === message.id)) return;
  chat.messages.push(message);
  if (!message.mine) chat.unread += 1;
  if (message.mine && message.reply_to) markAnswered(chat, message.reply_to.id);
  if (chat !== now.chat) return;
  const below = atEnd();
  put(message);
  if (below || message.mine) toEnd();
  else $("newer").hidden = false;
  seen();
  prompt(message);
  pinned();
}

function edited(chat, message) {
  const at = chat.messages.findIndex((one) => one.id === message.id);
  if (at < 0) return;
  chat.messages[at] = message;
  if (chat !== now.chat) return;
  const below = atEnd();
  const old = node(message.id);
  const fresh = draw.message(message, chat.kind !== "private");
  fresh.classList.add("pulse");
  if (old.querySelector(".folded.open")) fresh.querySelector(".folded")?.classList.add("open");
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(fresh);
  if (held) successor(fresh, held).focus({ preventScroll: true });
  if (below) toEnd();
  pinned();
}

// Where the focus goes when a card is redrawn: the same key, else its first key, else the card itself.
function successor(fresh, held) {
  const same = [...fresh.querySelectorAll("button, a")].find((one) => one.className === held.className && one.textContent === held.textContent);
  return same || fresh.querySelector(".key:not(:disabled)") || fresh.querySelector(".bubble") || $("messages");
}

function gone(chat, id) {
  chat.messages = chat.messages.filter((one) => one.id !== id);
  if (chat !== now.chat) return;
  const old = node(id);
  const held = old?.contains(document.activeElement);
  old?.remove();
  if (held) $("messages").focus({ preventScroll: true });
}

function answered(given) {
  for (const key of document.querySelectorAll(".key.waiting")) {
    if (key.dataset.query === given.press) key.classList.remove("waiting");
  }
  if (given.alert && given.text) {
    $("alert-text").textContent = given.text;
    if (!$("alert").open) $("alert").showModal();
  } else if (given.text) {
    toast(given.text);
  }
}

function toast(text) {
  const note = draw.el("div", { class: "toast" }, text);
  $("toasts").append(note);
  setTimeout(() => note.remove(), 4500);
}

// -- lists -----------------------------------------------------------------------------------------------------------

function people() {
  const focused = document.activeElement?.classList.contains("person") ? document.activeElement.dataset.id : null;
  const all = now.view.people;
  const main = all.length > MAIN_PEOPLE + 1 ? all.slice(0, MAIN_PEOPLE) : all;
  const rest = all.slice(main.length);
  const mine = (one) => one.id === now.view.me.id;
  const nodes = main.map((one) => draw.person(one, mine(one)));
  if (rest.length) {
    const chosen = rest.find(mine);
    const unread = rest.reduce((sum, one) => sum + one.unread, 0);
    const more = draw.el("details", { class: "menu more" },
      draw.el("summary", { class: chosen ? "chosen" : "" }, chosen ? `${chosen.label} ${chosen.name}` : "更多", unread ? draw.el("span", { class: "badge" }, String(unread)) : null),
      draw.el("div", { class: "sheet" }, ...rest.map((one) => draw.person(one, mine(one)))));
    more.open = $("people").querySelector("details")?.open || false;
    nodes.push(more);
  }
  $("people").replaceChildren(...nodes);
  if (focused) $("people").querySelector(`[data-id="${focused}"]`)?.focus();
}

function order() {
  const last = (chat) => chat.messages[chat.messages.length - 1]?.date || 0;
  return [...now.view.chats].sort((a, b) => last(b) - last(a));
}

function chats() {
  const focused = document.activeElement?.classList.contains("chat") ? document.activeElement.dataset.id : null;
  $("chats").replaceChildren(...order().map((chat) => draw.chat(chat, chat.id === now.chat?.id)));
  if (focused) $("chats").querySelector(`[data-id="${focused}"]`)?.focus();
}

function step(by) {
  const list = order();
  const at = list.findIndex((chat) => chat.id === now.chat?.id);
  const next = list[Math.min(Math.max(at + by, 0), list.length - 1)];
  if (next) go(now.view.me.id, next.id);
}

// -- conversation ----------------------------------------------------------------------------------------------------

const node = (id) => $("messages").querySelector(`[data-id="${id}"]`);
const atEnd = () => { const box = $("messages"); return box.scrollHeight - box.scrollTop - box.clientHeight < 80; };
const toEnd = () => { const box = $("messages"); box.scrollTop = box.scrollHeight; now.stick = true; $("newer").hidden = true; };

function keepDraft() {
  if (now.chat && now.view) now.drafts.set(`${now.view.me.id}/${now.chat.id}`, $("text").value);
}

function open(chat) {
  now.chat = chat;
  document.body.dataset.view = chat ? "chat" : "list";
  chats();
  if (!chat) return;
  reply(null);
  const group = chat.kind !== "private";
  $("chat-title").textContent = chat.title;
  $("chat-people").textContent = chat.members.map((one) => (one.label ? `${one.name}（${one.label}）` : one.name)).join("、");
  $("messages").replaceChildren();
  chat.messages.forEach(put);
  toEnd();
  $("text").value = now.drafts.get(`${now.view.me.id}/${chat.id}`) || "";
  gate(chat);
  grow();
  draw.menu($("chat-menu"), group ? groupMenu(chat) : privateMenu());
  draw.menu($("commands"), chat.commands.map((one) => [`/${one.command}`, () => command(one, group), one.description]));
  pinned();
  seen();
  chat.messages.slice(-30).forEach(prompt);
}

function put(message) {
  const box = $("messages");
  const last = box.lastElementChild;
  if (!last || draw.day(Number(last.dataset.date)) !== draw.day(message.date)) box.append(draw.separator(message.date));
  box.append(draw.message(message, now.chat.kind !== "private"));
}

function pinned() {
  const held = now.chat.messages.filter((one) => one.pinned).pop();
  $("pinned").hidden = !held;
  $("pinned").textContent = held ? `置顶 · ${draw.lastLine(held)}` : "";
  $("pinned").dataset.jump = held?.id || "";
}

function gate(chat) {
  const { started, blocked } = now.view.me;
  const closed = chat.kind === "private" ? blocked || !started : Boolean(chat.migrated_to);
  $("composer").hidden = closed;
  $("gate").hidden = !closed;
  const button = $("gate").querySelector("button");
  button.disabled = chat.kind !== "private";
  button.textContent = chat.kind !== "private" ? "本群已升级为超级群" : blocked ? "恢复机器人" : "开始";
  button.onclick = () => (blocked ? call("block", { as: now.view.me.id, blocked: false }) : send({ text: "/start" }));
}

function privateMenu() {
  const { blocked } = now.view.me;
  return [[blocked ? "恢复机器人" : "停用机器人", () => call("block", { as: now.view.me.id, blocked: !blocked })]];
}

function groupMenu(chat) {
  if (chat.migrated_to) return [];
  const act = (action) => () => call("group", { as: now.view.me.id, action, chat: chat.id });
  const entries = [chat.bot_is_member ? ["移出机器人", act("remove")] : ["加入机器人", act("add")]];
  if (chat.kind === "group") entries.push(["升级为超级群", act("migrate")]);
  return entries;
}

function seen() {
  const chat = now.chat;
  if (!chat?.unread || document.visibilityState !== "visible") return;
  const last = chat.messages[chat.messages.length - 1];
  chat.unread = 0;
  call("read", { as: now.view.me.id, chat: chat.id, message: last.id });
}

function prompt(message) {
  if (message.force_reply?.for_me && !message.force_reply.answered) reply(message, message.force_reply.placeholder);
}

function markAnswered(chat, id) {
  const asked = chat.messages.find((one) => one.id === id);
  if (asked?.force_reply) asked.force_reply.answered = true;
}

// -- composer --------------------------------------------------------------------------------------------------------

function reply(message, placeholder) {
  now.reply = message;
  const bar = $("replying");
  bar.hidden = !message;
  $("text").placeholder = (message && placeholder) || "输入消息";
  if (!message) return;
  bar.querySelector("b").textContent = `回复 ${message.from.name}`;
  bar.querySelector("span").textContent = draw.lastLine(message).replace(/^[^：]*：/, "");
  if (matchMedia("(hover: hover)").matches || !placeholder) $("text").focus({ preventScroll: true });
}

// Ctrl+↑ and Ctrl+↓ walk through what can be answered; past the newest there is no reply.
function replyStep(by) {
  const list = now.chat.messages.filter((one) => !one.service);
  const at = now.reply ? list.findIndex((one) => one.id === now.reply.id) : list.length;
  const next = list[Math.max(at + by, 0)] || null;
  reply(next);
  if (next) jump(next.id);
}

function replyHere(focused) {
  const id = Number(focused.closest(".message")?.dataset.id);
  const message = now.chat?.messages.find((one) => one.id === id && !one.service);
  if (message) reply(message);
  return Boolean(message);
}

function grow() {
  const box = $("text");
  box.style.height = "auto";
  const wanted = box.scrollHeight + box.offsetHeight - box.clientHeight; // scrollHeight leaves the border out
  box.style.height = `${Math.min(wanted, FIELD_MAX_PX)}px`;
  box.style.overflowY = wanted > FIELD_MAX_PX ? "auto" : "hidden";
}

// A command whose description shows an example (如 /case 1) needs words after it: it waits in the field for them.
function command(one, group) {
  const text = group ? `/${one.command}@${now.view.bot.username}` : `/${one.command}`;
  if (!one.description.includes("如")) return send({ text });
  const box = $("text");
  box.value = `${text} ${box.value}`;
  grow();
  box.focus();
}

async function send(what) {
  const body = { as: now.view.me.id, chat: now.chat.id, reply_to: now.reply?.id ?? null, ...what };
  const sent = await call("send", body);
  if (sent) reply(null);
  return Boolean(sent);
}

async function submit() {
  const box = $("text");
  const text = box.value;
  if (!text.trim()) return;
  box.value = "";
  grow();
  if (!(await send({ text }))) box.value = text;
}

async function press(key) {
  if (key.classList.contains("waiting")) return;
  key.classList.add("waiting");
  setTimeout(() => key.classList.remove("waiting"), 10000);
  const body = { as: now.view.me.id, chat: now.chat.id, message: Number(key.dataset.press), data: key.dataset.value };
  const result = await call("press", body);
  if (result) key.dataset.query = result.query;
  else key.classList.remove("waiting");
}

function jump(id) {
  const target = node(id);
  if (!target) return;
  target.scrollIntoView({ block: "center", behavior: "smooth" });
  target.classList.remove("pulse");
  requestAnimationFrame(() => target.classList.add("pulse"));
}

// -- events of the hands ---------------------------------------------------------------------------------------------

$("people").addEventListener("click", (event) => {
  const chosen = event.target.closest(".person");
  if (!chosen) return;
  const more = chosen.closest("details");
  if (more) more.open = false;
  go(chosen.dataset.id, now.chat && now.chat.kind !== "private" ? now.chat.id : "");
});
$("people").addEventListener("keydown", (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const tabs = [...$("people").querySelectorAll(".person")].filter((one) => one.offsetParent);
  tabs[(tabs.indexOf(document.activeElement) + by + tabs.length) % tabs.length]?.focus();
  event.preventDefault();
});
$("chats").addEventListener("click", (event) => {
  const chosen = event.target.closest(".chat");
  if (chosen) go(now.view.me.id, Number(chosen.dataset.id));
});
$("back").addEventListener("click", () => go(now.view.me.id, ""));
$("hint").querySelector("button").addEventListener("click", () => {
  sessionStorage.setItem("hint", now.view.hint);
  $("hint").hidden = true;
});
$("messages").addEventListener("click", (event) => {
  const hit = event.target.closest("[data-press], [data-reply], [data-jump], [data-photo], [data-copy], a, .e-spoiler, .folded");
  if (!hit) return;
  if (hit.dataset.press) press(hit);
  else if (hit.dataset.reply) reply(now.chat.messages.find((one) => one.id === Number(hit.dataset.reply)));
  else if (hit.dataset.jump) jump(hit.dataset.jump);
  else if (hit.dataset.photo) enlarge(hit.dataset.photo);
  else if (hit.dataset.copy != null) navigator.clipboard.writeText(hit.dataset.copy).then(() => toast("已复制"));
  else if (hit.matches(".folded")) hit.classList.toggle("open");
  else if (hit.matches("a")) lead(event, hit.href);
  else hit.classList.add("open");
});
$("messages").addEventListener("scroll", () => {
  now.stick = atEnd();
  if (now.stick) $("newer").hidden = true;
});
$("messages").addEventListener("load", () => { if (now.stick) toEnd(); }, true); // a picture grows when it arrives
$("newer").addEventListener("click", toEnd);
$("pinned").addEventListener("click", () => jump($("pinned").dataset.jump));
$("replying").querySelector("button").addEventListener("click", () => reply(null));
$("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
});

// A link to a message of a group here opens it here, as it would in the real client.
function lead(event, href) {
  const [, group, message] = /^https:\/\/t\.me\/c\/(\d+)\/(\d+)$/.exec(href) || [];
  if (!group) return;
  event.preventDefault();
  go(now.view.me.id, `-100${group}`);
  setTimeout(() => jump(message), 300);
}

function enlarge(url) {
  const frame = $("photo").querySelector(".frame");
  frame.classList.remove("natural");
  frame.querySelector("img").src = url;
  $("photo").showModal();
}

// A tap shows the picture in its own size, at the place that was tapped; the next shows it whole again.
function zoom(event) {
  const frame = $("photo").querySelector(".frame");
  const image = frame.querySelector("img");
  const box = image.getBoundingClientRect();
  const shrunk = image.naturalWidth > Math.ceil(box.width);
  if (!shrunk && !frame.classList.contains("natural")) return $("photo").close();
  const across = event.detail ? (event.clientX - box.left) / box.width : 0;
  const down = event.detail ? (event.clientY - box.top) / box.height : 0;
  if (!frame.classList.toggle("natural")) return;
  frame.scrollLeft = across * image.naturalWidth - frame.clientWidth / 2;
  frame.scrollTop = down * image.naturalHeight - frame.clientHeight / 2;
}
$("photo").querySelector(".frame button").addEventListener("click", zoom);
$("photo").addEventListener("click", (event) => { if (event.target === $("photo")) $("photo").close(); });

draw.menu($("extras"), [
  ["发送现场照片", () => send({ photo: true, text: takeText() }), "附上输入框里的文字"],
  ["作为转发发送", () => send({ forward: true, text: takeText() || "（转发）" }), "输入框里的文字"],
  ["发送贴纸", () => send({ sticker: true })],
]);

function takeText() {
  const text = $("text").value;
  $("text").value = "";
  grow();
  return text;
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    const menu = document.querySelector("details[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
    else if (now.reply) reply(null);
    else if (document.activeElement === $("text")) $("text").blur();
    return;
  }
  if ((event.ctrlKey || event.metaKey) && now.chat && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    event.preventDefault();
    return replyStep(event.key === "ArrowUp" ? -1 : 1);
  }
  if (event.key === "r" && !event.ctrlKey && !event.metaKey && !event.altKey && replyHere(event.target)) return event.preventDefault();
  const typing = event.target.closest("textarea, input, [role=tablist], #messages");
  const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
  const letter = event.key.length === 1;
  if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing && !(letter && !typing.matches("textarea, input"))) return;
  event.preventDefault();
  step(by);
});
document.addEventListener("visibilitychange", () => { if (now.view) seen(); });
window.addEventListener("hashchange", () => arrive());

// The first visit names nobody: ask the server for the first of the cast.
if (address().get("as")) arrive();
else fetch("/sandbox/people").then((answer) => answer.json()).then((cast) => go(cast.people[0].id, ""));
