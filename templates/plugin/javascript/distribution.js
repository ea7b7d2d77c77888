// @NAME@: each of the three packages of an OPKG is a tar with a manifest in front of its files.

import { Builder, MANIFEST_SLOT, SCRIPT_TIMES, manifest, members } from "./archive.js";

// What `--dist` names.
export const ID = "@NAME@";
// CHANGE: the releases of the distribution, newest first.
const RELEASES = ["1"];
// The release of which packages are where nobody names one.
const DEFAULT_RELEASE = "1";
// CHANGE: architectures, by the names that OPKGs use and by those of the distribution.
const ARCHS = { x86_64: "x86_64", aarch64: "aarch64" };
// CHANGE: shell commands that set both from the arguments that the package manager gives to its scripts.
const ACTION = "OPKG_ACTION=\nOPKG_OLD_VERSION=\n";

// What the plugin answers to. `rules` is what the host decides of OPKGs; tests have their own.
export function distribution(rules) {
  const packaging = {
    describe() {
      return {
        id: ID,
        name: ID, // CHANGE: as people write it
        version: "0.1.0",
        aliases: [],
        releases: RELEASES.map((version) => ({ version, isDefault: version === DEFAULT_RELEASE })),
        archs: Object.entries(ARCHS).map(([canonical, native]) => ({ canonical, native })),
        attributes: [],
      };
    },

    // A refusal is thrown.
    generate(opkg, target) {
      const context = filterContext(target);
      const base = `opkg-${opkg.name}`;
      // CHANGE: where documents of packages go.
      const documentation = `/usr/share/doc/${base}`;
      const plan = planOrRefuse(rules, context, documentation);
      const builder = new Builder(ID, opkg, target, ARCHS[context.arch]);
      const packages = plan.parts.map((part) => builder.package(part));
      const diagnostics = [...plan.diagnostics, ...builder.diagnostics];
      if (diagnostics.some((it) => it.severity === "error")) throw { tag: "failed", val: diagnostics };
      const tree = `${base}-${builder.version.inFileNames}`;
      return {
        // What `--source` writes: text that people read, and the OPKG's files as they are.
        metaFiles: packages.map((it) => {
          return { path: `${base}/${it.name}.manifest`, contents: manifest(it, opkg, target), executable: false };
        }),
        source: { tag: "tarball", val: { path: `${base}/${tree}.tar.gz`, prefix: tree } },
        // CHANGE: the commands by which the distribution's own tools make the packages.
        nativeBuild: { commands: [], results: [] },
        packages,
        acceptedKeys: undefined,
        diagnostics,
        attributes: [],
      };
    },
  };

  // What stands in packages besides their files.
  const containers = {
    members(slot, built) {
      if (slot !== MANIFEST_SLOT) throw `there is no slot \`${slot}\` in a package for ${ID}`;
      return members(built);
    },
    // CHANGE: where the package manager reads an index of a directory of packages
    describeIndex: () => undefined,
    index() {
      throw `the plugin ${ID} makes no index of packages`;
    },
  };

  return { packaging, containers, packageManager };
}

// What filters of OPKGs are decided for.
function filterContext(target) {
  const release = target.version ?? DEFAULT_RELEASE;
  if (!RELEASES.includes(release)) {
    const val = `\`${release}\` is no release of ${ID}: there is ${RELEASES.join(", ")}`;
    throw { tag: "unknown-target", val };
  }
  const arch = target.arch ?? target.machine;
  if (!Object.hasOwn(ARCHS, arch)) {
    const val = `${ID} has no packages for \`${arch}\`, only for ${Object.keys(ARCHS).join(", ")}`;
    throw { tag: "unknown-target", val };
  }
  const number = BigUint64Array.from(release.split("."), BigInt);
  const name = [target.dist, target.version, target.arch].filter((it) => it !== undefined).join("-");
  return {
    name,
    // CHANGE: `names` are releases that filters may name, `fallbackIdentities` what the distribution is derived from.
    identities: [{ id: ID, number, defaultNumber: number, names: [] }],
    fallbackIdentities: [],
    arch,
    machine: target.machine,
  };
}

function planOrRefuse(rules, context, documentation) {
  const actions = SCRIPT_TIMES.map((time) => ({ time, commands: ACTION }));
  try {
    return rules.plan(context, documentation, actions);
  } catch (error) {
    // Why the OPKG is not for this target.
    if (error.payload === undefined) throw error;
    throw { tag: "unavailable", val: error.payload };
  }
}

// CHANGE: return commands instead, and their program in `programs`.
function notWritten() {
  throw `the plugin ${ID} drives no package manager yet: install the packages by hand`;
}

// `opkgc` makes packages without it; `opm` needs it to install them.
const packageManager = {
  programs: () => [],
  offers: () => [],
  parseOffers: () => [],
  install: notWritten,
  reinstall: notWritten,
  simulate: () => [],
  parseSimulation: () => [],
  remove: notWritten,
  repair: () => [],
  refresh: notWritten,
  query: notWritten,
  parseQuery: notWritten,
  explain: () => [],
};
