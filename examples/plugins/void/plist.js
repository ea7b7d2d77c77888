// Property lists, as xbps writes them: dictionaries with their keys in order, arrays, strings, integers, booleans, data.

const HEADER = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`;
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'" };
const MAX_DEPTH = 32;

// Data, in base64.
export class Data {
  constructor(base64) {
    this.base64 = base64;
  }
}

export function writePlist(value) {
  return `${HEADER}${write(value, "")}</plist>\n`;
}

function escape(text) {
  return text.replace(/[&<>]/g, (sign) => ESCAPES[sign]);
}

function compare(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}

function write(value, indent) {
  const deeper = `${indent}\t`;
  const container = (name, lines) => {
    if (lines.length === 0) return `${indent}<${name}/>\n`;
    return `${indent}<${name}>\n${lines.join("")}${indent}</${name}>\n`;
  };
  if (typeof value === "string") return `${indent}<string>${escape(value)}</string>\n`;
  if (typeof value === "bigint" || typeof value === "number") return `${indent}<integer>${value}</integer>\n`;
  if (typeof value === "boolean") return `${indent}<${value}/>\n`;
  if (value instanceof Data) return `${indent}<data>${value.base64}</data>\n`;
  if (Array.isArray(value)) {
    return container(
      "array",
      value.map((it) => write(it, deeper)),
    );
  }
  const keys = Object.keys(value).sort(compare);
  return container(
    "dict",
    keys.map((key) => `${deeper}<key>${escape(key)}</key>\n${write(value[key], deeper)}`),
  );
}

// The value of a property list; throws a text where it is none.
export function readPlist(text) {
  const tokens = [...text.matchAll(/<(\/?)(dict|array|key|string|integer|data|true|false)\s*(\/?)>|[^<]+|<[^>]*>/g)];
  const state = { tokens, at: tokens.findIndex((token) => token[2] !== undefined) };
  if (state.at < 0) throw "there is nothing in the property list";
  return read(state, 0);
}

function read(state, depth) {
  const token = nextTag(state);
  const [, closing, name, isEmpty] = token;
  if (closing || depth > MAX_DEPTH) throw `the property list has <${closing}${name}> where a value has to be`;
  if (name === "true" || name === "false") return name === "true";
  if (name === "array") return isEmpty ? [] : readUntil(state, name, [], (all) => all.push(read(state, depth + 1)));
  if (name === "dict") {
    const entries = new Map();
    if (!isEmpty) {
      readUntil(state, name, entries, () => {
        const key = read(state, depth + 1);
        entries.set(String(key), read(state, depth + 1));
      });
    }
    return Object.fromEntries(entries);
  }
  const contents = isEmpty ? "" : readText(state, name);
  if (name === "integer") {
    if (!/^-?\d+$/.test(contents)) throw `the property list has the integer \`${contents}\``;
    return BigInt(contents);
  }
  return name === "data" ? new Data(contents.replace(/\s/g, "")) : contents;
}

// The next tag; only white space is between those of values.
function nextTag(state) {
  while (state.at < state.tokens.length && state.tokens[state.at][2] === undefined) state.at++;
  if (state.at >= state.tokens.length) throw "the property list ends too early";
  return state.tokens[state.at++];
}

function readUntil(state, name, all, readOne) {
  for (;;) {
    const [, closing, found] = nextTag(state);
    if (closing && found === name) return all;
    state.at--;
    readOne(all);
  }
}

function readText(state, name) {
  let contents = "";
  for (; state.at < state.tokens.length; state.at++) {
    const [whole, closing, found] = state.tokens[state.at];
    if (closing && found === name) {
      state.at++;
      return contents.replace(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity);
    }
    contents += whole;
  }
  throw `the property list has no end of <${name}>`;
}
