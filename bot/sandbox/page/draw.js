// What the page looks like: plain values in, DOM nodes out. Knows neither server nor state.

export function el(tag, fields = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(fields)) {
    if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const two = (number) => String(number).padStart(2, "0");
const clock = (seconds) => {
  const at = new Date(seconds * 1000);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
};
export const day = (seconds) => {
  const at = new Date(seconds * 1000);
  return `${at.getMonth() + 1}月${at.getDate()}日`;
};

function size(bytes) {
  if (bytes < 1024) return `${bytes} 字节`;
  return bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

function face(name, id) {
  return el("span", { class: "face", "aria-hidden": "true", data: { hue: Math.abs(id) % 7 } }, [...name][0] || "？");
}

function badge(count) {
  return count ? el("span", { class: "badge", "aria-label": `${count} 条未读` }, count > 99 ? "99+" : String(count)) : null;
}

export function person(someone, chosen) {
  const label = someone.label ? el("span", { class: "label" }, someone.label) : null;
  const name = el("span", { class: "name" }, someone.name);
  const fields = { type: "button", role: "tab", class: "person", data: { id: someone.id } };
  return el("button", { ...fields, "aria-selected": String(chosen), tabIndex: chosen ? 0 : -1 }, label, name, badge(someone.unread));
}

export function lastLine(message) {
  if (!message) return "还没有消息";
  if (message.service) return message.service;
  const kinds = { photo: "[图片] ", document: "[文件] ", sticker: "[贴纸] " };
  const what = message.files.map((file) => kinds[file.kind]).join("") + message.text.replace(/\s+/g, " ");
  return `${message.mine ? "我" : message.from.name}：${what}`;
}

export function chat(one, chosen) {
  const last = one.messages[one.messages.length - 1];
  const lines = el("span", { class: "lines" },
    el("span", { class: "first" }, el("b", {}, one.title), el("time", {}, last ? clock(last.date) : "")),
    el("span", { class: "second" }, el("span", { class: "last" }, lastLine(last)), badge(one.unread)));
  const fields = { type: "button", class: "chat", data: { id: one.id } };
  const button = el("button", fields, face(one.title, one.id), lines);
  if (chosen) button.setAttribute("aria-current", "true");
  return el("li", {}, button);
}

export function separator(seconds) {
  return el("li", { class: "day", "aria-hidden": "true" }, el("span", {}, day(seconds)));
}

export function message(one, inGroup) {
  const item = el("li", { class: "message", data: { id: one.id, date: one.date } });
  if (one.service) {
    item.classList.add("service");
    item.append(el("span", {}, one.service));
    return item;
  }
  item.classList.toggle("mine", one.mine);
  item.classList.toggle("sticker", one.files.some((file) => file.kind === "sticker"));
  const bubble = el("article", { class: "bubble", tabIndex: -1, "aria-label": `${one.from.name}，${clock(one.date)}` });
  if (inGroup && !one.mine) bubble.append(sender(one.from));
  if (one.forwarded) bubble.append(el("p", { class: "forwarded" }, "转发的消息"));
  if (one.reply_to) bubble.append(quote(one.reply_to));
  bubble.append(...one.files.map(file));
  if (one.text) {
    const text = el("div", { class: "text" });
    text.innerHTML = one.html; // escaped on the server, our own tags only
    bubble.append(text);
  }
  bubble.append(foot(one));
  const stack = el("div", { class: "stack" }, bubble);
  if (one.buttons.length) stack.append(keyboard(one));
  if (!one.mine) item.append(face(one.from.name, one.from.id));
  item.append(stack);
  return item;
}

function sender(from) {
  return el("p", { class: "sender" }, from.name, from.label ? el("span", {}, from.label) : null);
}

function quote(reply) {
  return el("button", { type: "button", class: "quote", data: { jump: reply.id } }, el("b", {}, reply.from), el("span", {}, reply.excerpt));
}

function file(one) {
  if (one.kind === "photo") {
    const image = el("img", { src: one.url, alt: one.name, width: one.width, height: one.height });
    return el("button", { type: "button", class: "thumb", data: { photo: one.url }, "aria-label": "放大图片" }, image);
  }
  if (one.kind === "sticker") return el("p", { class: "big", "aria-label": "贴纸：赞" }, "赞");
  const lines = el("span", { class: "lines" }, el("b", {}, one.name), el("span", {}, `${size(one.size)} · 点击下载`));
  const kind = (one.name.split(".").pop() || "").slice(0, 4).toUpperCase();
  return el("a", { class: "file", href: one.url, download: one.name }, el("span", { class: "icon", "aria-hidden": "true" }, kind), lines);
}

function foot(one) {
  // One Tab stop a message would hide the keys among them: the keyboard replies with r and Ctrl+↑, as in Telegram Desktop.
  const fields = { type: "button", class: "plain reply", tabIndex: -1, title: "回复：r 键；Ctrl+↑ / Ctrl+↓ 逐条选择" };
  const reply = el("button", { ...fields, data: { reply: one.id } }, "回复");
  const edited = one.edited ? el("span", { class: "edited" }, "已编辑") : null;
  return el("footer", {}, reply, edited, el("time", {}, clock(one.date)));
}

function keyboard(one) {
  const rows = one.buttons.map((row) => el("div", { class: "keys" }, ...row.map((button) => key(one, button))));
  return el("div", { class: "keyboard", role: "group", "aria-label": "按钮" }, ...rows);
}

function key(one, button) {
  const style = `key ${["danger", "success", "primary"].includes(button.style) ? button.style : ""}`;
  if (button.url) {
    const safe = /^https?:/i.test(button.url) ? button.url : "#";
    return el("a", { class: style, href: safe, target: "_blank", rel: "noopener noreferrer" }, `${button.text} ↗`);
  }
  const node = el("button", { type: "button", class: style }, button.text);
  if (button.data != null) Object.assign(node.dataset, { press: one.id, value: button.data });
  else if (button.copy != null) node.dataset.copy = button.copy;
  else node.disabled = true;
  return node;
}

export function menu(details, entries) {
  const sheet = details.querySelector(".sheet");
  sheet.replaceChildren(...entries.map(([text, act, note]) => {
    const entry = el("button", { type: "button" }, text, note ? el("span", {}, note) : null);
    entry.addEventListener("click", () => { details.open = false; act(); });
    return entry;
  }));
  details.hidden = entries.length === 0;
}
