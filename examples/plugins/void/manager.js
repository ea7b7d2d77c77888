// How xbps is driven: inside the root that it is about.

import { compareVersions } from "./version.js";

const [INSTALL, REMOVE, QUERY, CONFIGURE] = ["xbps-install", "xbps-remove", "xbps-query", "xbps-reconfigure"];
const STATES = { uu: "unpacked", hr: "half-removed" };

function command(place, program, options, names = []) {
  return {
    argv: [program, ...options, ...(names.length > 0 ? ["--", ...names] : [])],
    env: [],
    inRoot: place.root !== "/",
    files: [],
    success: Int32Array.of(0),
    attributes: [],
  };
}

// Sources beside the configured ones, for this command. xbps takes no unsigned package of another machine; one of this machine
// needs no signature.
function sources(place) {
  return place.repositories.map(({ location }) => `--repository=${location}`);
}

function checkName(name) {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._+-]*$/.test(name)) throw `\`${name}\` is no name of a package of Void`;
  return name;
}

// `name-1.0_1` where a version is asked for.
function requested({ name, version }) {
  if (version !== undefined && !/^[A-Za-z0-9.+^~]+_\d+$/.test(version)) throw `\`${version}\` is no version of a package of Void`;
  return version === undefined ? checkName(name) : `${checkName(name)}-${version}`;
}

// With `-u`, xbps also installs what is not there, and is content with what is the newest.
function installCommands(packages, place, options) {
  const exact = packages.filter(({ version }) => version !== undefined).map(requested);
  const newest = packages.filter(({ version }) => version === undefined).map(requested);
  const install = (more, names) => command(place, INSTALL, [...options, ...more, ...sources(place)], names);
  return [
    ...(newest.length > 0 ? [install(["-u"], newest)] : []),
    // Also an older one than there is.
    ...(exact.length > 0 ? [install(["-f"], exact)] : []),
  ];
}

// `name-1.0_1`, in its parts.
function splitPkgver(pkgver) {
  const found = pkgver.match(/^(.+)-([^-]*\d[^-]*_\d+)$/);
  return found === null ? undefined : { name: found[1], version: found[2] };
}

// A line of `xbps-query -l`; `archs` are the architectures by what packages are called with their versions.
function parseInstalled(line, archs) {
  const [state, pkgver] = line.split(/\s+/, 2);
  const found = pkgver === undefined ? undefined : splitPkgver(pkgver);
  if (found === undefined) throw `xbps-query printed a line that names no package: ${line.slice(0, 100)}`;
  return {
    ...found,
    arch: archs.get(pkgver),
    hasScriptlets: undefined,
    state: state === "ii" ? { tag: "complete" } : { tag: "incomplete", val: STATES[state] ?? state },
    attributes: [],
  };
}

function lines(text) {
  return text.split("\n").map((line) => line.trimEnd());
}

// Causes, by what xbps says: the text, which of its groups names the package whose fault it is, whether it passes by itself.
const CAUSES = [
  [/^ERROR: (\S+): \[(?:configure|trans)\] (?:INSTALL|REMOVE) script failed.*$/, 1],
  [/^MISSING: (\S+)$/],
  [/^ERROR: Package ['`](\S+)' not found in repository pool\.$/, 1],
  [/^Package ['`](\S+)' is not currently installed\.$/, 1],
  [/^(\S+) (?:in transaction|\(\w+\)) breaks installed pkg .*$/, 1],
  [/^CONFLICT: (\S+) with .*$/, 1],
  [/^ERROR: (\S+): file `.*' already installed by package .*$/, 1],
  [/^ERROR: (\S+): \[unpack\] .*$/, 1],
  [/^ERROR: .*(?:failed to lock|failed to fetch|timed out|temporarily unavailable).*$/i, undefined, true],
  [/^ERROR: Transaction aborted due to insufficient disk space.*$/],
];

function explainLine(line) {
  for (const [pattern, group, transient = false] of CAUSES) {
    const found = line.match(pattern);
    if (found === null) continue;
    const pkgver = group === undefined ? undefined : found[group];
    const name = pkgver === undefined ? undefined : (splitPkgver(pkgver)?.name ?? pkgver);
    const cause = line.replace(/^ERROR: /, "").replace(/^MISSING: /, "nothing provides ");
    return [{ cause, packages: name === undefined ? [] : [name], transient }];
  }
  return [];
}

export const packageManager = {
  programs: () => [INSTALL, REMOVE, QUERY, CONFIGURE],

  // All that the sources have. Of one package, xbps-query shows what the first source has; a search goes through all of them.
  offers(packages, place) {
    if (packages.length === 0) return [];
    return [command(place, QUERY, [...sources(place), "-R", "-p", "pkgver", "-s", ""])];
  },

  // `opkg-demo-1.0_1: opkg-demo-1.0_1 (https://…)`
  parseOffers(printed) {
    const offered = new Map();
    for (const line of printed.flatMap(lines)) {
      const found = splitPkgver(line.match(/^(\S+): /)?.[1] ?? "");
      if (found !== undefined) offered.set(found.name, (offered.get(found.name) ?? new Set()).add(found.version));
    }
    const newestFirst = (versions) => [...versions].sort((one, other) => compareVersions(other, one));
    return [...offered].flatMap(([name, versions]) => newestFirst(versions).map((version) => ({ name, version })));
  },

  install: (packages, place) => installCommands(packages, place, ["-y"]),

  // The scripts of what is there run once more, and nothing else changes; where a version is asked for, it is that one.
  reinstall(packages, place) {
    const names = packages.filter(({ version }) => version === undefined).map(requested);
    const exact = packages.filter(({ version }) => version !== undefined);
    const configure = names.length > 0 ? [command(place, CONFIGURE, ["-f"], names)] : [];
    return [...configure, ...installCommands(exact, place, ["-y"])];
  },

  simulate: (packages, place) => installCommands(packages, place, ["-n"]),

  // `opkg-demo-1.0_1 remove noarch - 0 0`
  parseSimulation(printed) {
    return printed.flatMap(lines).flatMap((line) => {
      const [pkgver, action] = line.split(" ");
      const name = splitPkgver(pkgver ?? "")?.name;
      return action === "remove" && name !== undefined ? [{ name, kind: "remove" }] : [];
    });
  },

  // Refused where others need them.
  remove(packages, place) {
    return packages.length === 0 ? [] : [command(place, REMOVE, ["-y"], packages.map(checkName))];
  },

  repair(packages, place) {
    const names = packages.map(({ name }) => checkName(name));
    return names.length === 0 ? [] : [command(place, CONFIGURE, ["-f"], names)];
  },

  refresh: (place) => [command(place, INSTALL, ["-S", ...sources(place)])],

  // The list tells the state of each package, the search its architecture.
  query: (place) => [command(place, QUERY, ["-l"]), command(place, QUERY, ["-p", "architecture", "-s", ""])],

  // `ii opkg-demo-1.0_1   A sample`, and `opkg-demo-1.0_1: noarch`.
  parseQuery([listed = "", searched = ""]) {
    const archs = new Map(lines(searched).map((line) => line.split(": ", 2)));
    const installed = lines(listed)
      .filter((line) => line !== "")
      .map((line) => parseInstalled(line, archs));
    if (installed.length === 0) throw "xbps-query named no package that is installed";
    return installed;
  },

  // Scripts that failed are told where xbps exits with 0 as well.
  explain(printed, succeeded) {
    const failures = lines(printed).flatMap(explainLine);
    // A script that fails before a removal is not named.
    if (failures.length === 0 && /^ERROR: Transaction failed!/m.test(printed)) {
      return [{ cause: "a script of a package failed", packages: [], transient: false }];
    }
    return succeeded ? failures.filter(({ cause }) => /script failed/.test(cause)) : failures;
  },
};
