// Builds elements. Text only ever becomes text nodes: nothing of the model is read as HTML.

/** Makes an element with a class and children; a string is a text. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Makes a button. */
export function button(label, className, onClick) {
  const element = make("button", className, label);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

/** Shows a text with code blocks, `code` and **bold**; everything else stays as it is written. */
export function prose(text) {
  const parts = [];
  let block = null;
  let plain = [];
  const flush = () => {
    const paragraph = plain.join("\n").trim();
    if (paragraph) parts.push(make("div", "prose", ...inline(paragraph)));
    plain = [];
  };
  for (const line of text.split("\n")) {
    if (/^\s*```/.test(line)) {
      if (block) {
        parts.push(code(block.join("\n")));
        block = null;
      } else {
        flush();
        block = [];
      }
    } else if (block) {
      block.push(line);
    } else {
      plain.push(line);
    }
  }
  // A block that is still being written.
  if (block) parts.push(code(block.join("\n")));
  flush();
  return parts;
}

/**
 * Makes characters visible that are not seen, or that change the order of what is seen: a command must not look like
 * another one.
 */
export function visible(text) {
  const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu;
  return text.replace(hidden, (sign) =>
    sign === "\n" || sign === "\t" ? sign : `\\u{${sign.codePointAt(0).toString(16)}}`,
  );
}

/** Shows a text as it is, in a block. */
export function code(text, className = "code") {
  const block = make("pre", className, visible(text));
  block.tabIndex = 0;
  return block;
}

function inline(text) {
  const parts = text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/);
  return parts.filter(Boolean).map((part) => {
    if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) return make("code", "", part.slice(1, -1));
    if (part.length > 4 && part.startsWith("**") && part.endsWith("**")) return make("strong", "", part.slice(2, -2));
    return part;
  });
}
