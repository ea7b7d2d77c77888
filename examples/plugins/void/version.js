// Versions as xbps has them: `version_revision`, without epochs. It compares the numbers in them one by one; `alpha`, `beta` and `rc`
// are numbers below 0, single letters numbers behind a 0, and all other signs nothing. See xbps-uhelper(1), `cmpver`.

const MAX_NUMBER = 2147483647;
// What no revision reaches, so that it tells versions from the next ones.
const LAST_REVISION = "999999999";
const WORDS = { alpha: -3, beta: -2, pre: -1, rc: -1, pl: 0 };

// How a pre-release is written whose word xbps does not know: before all those that it knows.
const PRERELEASES = { alpha: "alpha", a: "alpha", beta: "beta", b: "beta", rc: "rc", pre: "pre", preview: "pre" };

// The version of an OPKG or of a bound; `undefined` where xbps cannot have it. `release` is a whole number, or none.
export function nativeVersion(rules, { upstream, release }) {
  const text = rules
    .orderPrereleases(upstream)
    .replaceAll("_", ".")
    .replace(/~([A-Za-z]*)/g, (_, word) => PRERELEASES[word.toLowerCase()] ?? (word ? `alpha0.${word}` : "alpha0."));
  const numbers = [...text.matchAll(/\d+/g), ...(release ?? "").matchAll(/\d+/g)];
  const isKnown = /^[A-Za-z0-9.+^]*[0-9][A-Za-z0-9.+^]*$/.test(text) && /^[0-9]*$/.test(release ?? "0") && release !== "";
  if (!isKnown || numbers.some(([digits]) => Number(digits) >= MAX_NUMBER)) return undefined;
  return { text, revision: release };
}

export function versionText({ text, revision }) {
  return revision === undefined ? text : `${text}_${revision}`;
}

// What follows a name in a pattern, where a bound without a release is about all releases of its version: `>=1.0<=1.0_999999999`.
export function patternOf(comparison, version) {
  const whole = versionText(version);
  const first = version.revision === undefined ? version.text : whole;
  const last = version.revision === undefined ? `${version.text}_${LAST_REVISION}` : whole;
  switch (comparison) {
    case "lt":
      return `<${first}`;
    case "le":
      return `<=${last}`;
    case "ge":
      return `>=${first}`;
    case "gt":
      return `>${last}`;
    default:
      return version.revision === undefined ? `>=${first}<=${last}` : `-${whole}`;
  }
}

function components(version) {
  const [numbers, rest] = [[], { text: version.toLowerCase(), revision: 0 }];
  const take = (pattern) => {
    const found = rest.text.match(pattern)?.[0];
    if (found !== undefined) rest.text = rest.text.slice(found.length);
    return found;
  };
  while (rest.text) {
    let found;
    if ((found = take(/^\d+/))) numbers.push(Number(found));
    else if ((found = take(/^(alpha|beta|pre|rc|pl)/))) numbers.push(WORDS[found]);
    else if (take(/^\./)) numbers.push(0);
    else if ((found = take(/^_\d*/))) rest.revision = Number(found.slice(1));
    else if ((found = take(/^[a-z]/))) numbers.push(0, found.charCodeAt(0) - "a".charCodeAt(0) + 1);
    else take(/^[^]/u);
  }
  return { numbers, revision: rest.revision };
}

// Negative where the first one is older, 0 where they are the same.
export function compareVersions(one, other) {
  const [left, right] = [components(one), components(other)];
  for (let at = 0; at < Math.max(left.numbers.length, right.numbers.length); at++) {
    const difference = (left.numbers[at] ?? 0) - (right.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.revision - right.revision;
}
