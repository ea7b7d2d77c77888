// Versions as xbps has them: `version_revision`, without epochs. It compares the numbers in them one by one; `alpha`, `beta` and `rc`
// are numbers below 0, single letters numbers behind a 0, and all other signs nothing. See xbps-uhelper(1), `cmpver`.

const MAX_NUMBER = 2147483647;
// What no revision reaches, so that it tells versions from the next ones.
const LAST_REVISION = "999999999";
const WORDS = { alpha: -3, beta: -2, pre: -1, rc: -1, pl: 0 };

// How a pre-release is written whose word xbps does not know: before all those that it knows.
const PRERELEASES = { alpha: "alpha", a: "alpha", beta: "beta", b: "beta", rc: "rc", pre: "pre", preview: "pre" };

// A revision is a whole number: `1.1.2` becomes 1001002. `undefined` where there is something else than numbers.
function revisionOf(release) {
  const parts = release.split(".");
  if (parts.length > 3 || parts.some((part) => !/^\d+$/.test(part))) return undefined;
  if (parts.length === 1) return release;
  const numbers = [...parts, "0"].slice(0, 3).map(Number);
  if (numbers.slice(1).some((number) => number > 999)) return undefined;
  return String((numbers[0] * 1000 + numbers[1]) * 1000 + numbers[2]);
}

// The version of an OPKG or of a bound; `undefined` where xbps cannot have it.
export function nativeVersion(rules, { upstream, release }) {
  const text = rules
    .orderPrereleases(upstream)
    .replaceAll("_", ".")
    .replace(/~([A-Za-z]*)/g, (_, word) => PRERELEASES[word.toLowerCase()] ?? (word ? `alpha0.${word}` : "alpha0."));
  const revision = release === undefined ? undefined : revisionOf(release);
  if (!/^[A-Za-z0-9.+^]*[0-9][A-Za-z0-9.+^]*$/.test(text) || (release !== undefined && revision === undefined)) return undefined;
  const numbers = [...text.matchAll(/\d+/g), [revision ?? "0"]];
  return numbers.some(([digits]) => Number(digits) >= MAX_NUMBER) ? undefined : { text, revision };
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
