// A model's words as elements. They are not to be trusted: HTML in them is shown as the text it is,
// and what markdown makes of the rest goes through the sanitiser, which knows a short list of
// elements and attributes. The server's content security policy is the third wall.

const kTags = ["p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em",
  "del", "code", "pre", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "a"];
const kAttributes = ["href", "title", "start", "class", "align"];

const escaped = (text) =>
  text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const renderer = {
  html: (html) => escaped(html),
  // A picture would tell whoever serves it that it was looked at.
  image: (href, title, text) => escaped(text ? `${text} (${href})` : href || ""),
  checkbox: (checked) => (checked ? "☑ " : "☐ "),
};

// DOMPurify 2.4.1 as Debian 12 patched it reads this name in its check of the nesting of the whole
// text, and never sets it; a depth of 0 lets that check pass. Its checks of each element stand.
if (!("shadowNode" in globalThis)) globalThis.shadowNode = { __depth: 0 };

// Text with elements in it to a fragment with only the harmless ones. Everything that becomes part
// of the page comes from here.
export function sanitised(html) {
  const holder = document.createElement("template");
  holder.innerHTML = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: kTags,
    ALLOWED_ATTR: kAttributes,
    ADD_URI_SAFE_ATTR: ["align", "start"],  // their values are no addresses
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(https?:|mailto:)/i,
    RETURN_TRUSTED_TYPE: true,
  });
  const fragment = holder.content;
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const node of fragment.querySelectorAll("[class]")) {
    const language = node.localName === "code" && /^language-([\w+#.-]{1,30})$/.exec(node.className);
    node.removeAttribute("class");
    if (language) node.parentElement.dataset.language = language[1];
  }
  return fragment;
}

let prepared = false;

export function render(text) {
  if (!prepared) {
    marked.use({ renderer, gfm: true, breaks: true });
    prepared = true;
  }
  return sanitised(marked.parse(text, { headerIds: false, mangle: false }));
}
