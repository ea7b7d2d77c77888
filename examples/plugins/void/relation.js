// Relations: in records with versions as everywhere, `1.0-1`, and in property lists in the way of xbps.

import { patternOf, versionText } from "./version.js";

export function relation(tag, name, bound) {
  return { kind: { tag }, name, bound, alternatives: [], condition: undefined };
}

export function recordVersion({ text, revision }) {
  return revision === undefined ? text : `${text}-${revision}`;
}

// What a relation is in a property list: `foo>=1.0`; of what is provided `foo-1.0_1`.
export function relationText({ kind: { tag }, name, bound }) {
  if (bound === undefined) return tag === "provides" ? `${name}-0_1` : `${name}>=0`;
  // No version of xbps has a `-` in it, or an epoch.
  const [text, revision] = bound.version.replace(/^\d+:/, "").split("-");
  if (tag === "provides") return `${name}-${versionText({ text, revision: revision ?? "1" })}`;
  return `${name}${patternOf(bound.comparison, { text, revision })}`;
}
