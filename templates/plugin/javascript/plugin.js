// @NAME@: each of the three packages of an OPKG is a tar with a manifest in front of its files.

import { Builder } from "./archive.js";
import { Context } from "./filters.js";

// What `--dist` names.
const ID = "@NAME@";
// CHANGE: the releases of the distribution, newest first.
const RELEASES = ["1"];
// The release of which packages are where nobody names one.
const DEFAULT_RELEASE = "1";
// CHANGE: architectures, by the names that OPKGs use and by those of the distribution.
const ARCHS = { x86_64: "x86_64", aarch64: "aarch64" };

export const packaging = {
  describe() {
    return {
      id: ID,
      name: ID, // CHANGE: as people write it
      version: "0.1.0",
      aliases: [],
      releases: RELEASES.map((version) => ({ version, isDefault: version === DEFAULT_RELEASE })),
      archs: Object.entries(ARCHS).map(([canonical, native]) => ({ canonical, native })),
    };
  },

  // A refusal is thrown.
  generate(opkg, target) {
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
    const context = new Context(ID, release, arch);
    if (!context.matches(opkg.filter)) {
      const message = `opkg-${opkg.name} is not available for ${ID}: its filters name others`;
      throw { tag: "unavailable", val: { severity: "note", at: opkg.at, message } };
    }
    const builder = new Builder(opkg, target, context, ARCHS[arch]);
    const packages = ["api", "server", "client"].map((part) => builder.package(part));
    builder.reportUnsupported();
    const { diagnostics } = context;
    if (diagnostics.some((it) => it.severity === "error")) throw { tag: "failed", val: diagnostics };
    const base = `opkg-${opkg.name}`;
    const tree = `${base}-${builder.version.inFileNames}`;
    return {
      // What `--source` writes: text that people read, and the OPKG's files as they are.
      metaFiles: packages.map(({ name, members: [{ contents }] }) => {
        return { path: `${base}/${name}.manifest`, contents, executable: false };
      }),
      source: { tag: "tarball", val: { path: `${base}/${tree}.tar.gz`, prefix: tree } },
      // CHANGE: the commands by which the distribution's own tools make the packages.
      nativeBuild: { commands: [], results: [] },
      container: { tag: "archive", val: "gzip" },
      packages,
      acceptedKeys: undefined,
      diagnostics,
    };
  },
};

// CHANGE: return commands instead, and their program in `programs`.
function notWritten() {
  throw `the plugin ${ID} drives no package manager yet: install the packages by hand`;
}

// `opkgc` makes packages without it; `opm` needs it to install them.
export const packageManager = {
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
