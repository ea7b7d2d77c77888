// What `--dist` may name, and the way from an OPKG to packages of xbps. Void has no releases: its packages are always the newest.

import { indexFiles } from "./index.js";
import { packageManager } from "./manager.js";
import { METADATA_SLOT, installScript, metadataMembers, props, removeScript } from "./metadata.js";
import { Builder } from "./package.js";
import { actionCommands, SCRIPT_TIMES } from "./scripts.js";

export const ID = "void";
const NAME = "Void Linux";
// Filters that name Void can say no version of it; the host wants a number for each identity.
const RELEASE = "1";
// The names of OPKGs, and those of Void for systems with the C library of GNU.
export const ARCHS = { x86_64: "x86_64", aarch64: "aarch64", i386: "i686" };

// What the plugin answers to. `rules` is what the host decides of OPKGs; tests have their own.
export function distribution(rules) {
  const packaging = {
    describe() {
      return {
        id: ID,
        name: NAME,
        version: "0.1.0",
        aliases: [{ id: "voidlinux", name: NAME }],
        releases: [{ version: RELEASE, name: "rolling", isDefault: true }],
        archs: Object.entries(ARCHS).map(([canonical, native]) => ({ canonical, native })),
        attributes: [],
      };
    },

    // A refusal is thrown.
    generate(opkg, target) {
      const context = filterContext(target);
      const base = `opkg-${opkg.name}`;
      const plan = planOrRefuse(rules, context, `/usr/share/doc/${base}`);
      const builder = new Builder(rules, opkg, target, ARCHS[context.arch]);
      const packages = plan.parts.map((part) => builder.package(part));
      const diagnostics = [...plan.diagnostics, ...builder.diagnostics];
      if (diagnostics.some((it) => it.severity === "error")) throw { tag: "failed", val: diagnostics };
      return {
        metaFiles: packages.flatMap((it) => metaFiles(base, it)),
        source: { tag: "tree", val: base },
        nativeBuild: { commands: [], results: [] },
        packages,
        // Signatures are of RSA, which the container says.
        acceptedKeys: undefined,
        diagnostics,
        attributes: [],
      };
    },
  };

  const containers = {
    members(slot, built) {
      if (slot !== METADATA_SLOT) throw `there is no slot \`${slot}\` in a package of ${NAME}`;
      return metadataMembers(built);
    },
    describeIndex: () => ({ suffixes: [".xbps"], members: ["./props.plist"], attributes: [] }),
    index: (source, packages) => indexFiles(source, packages, ARCHS),
  };

  return { packaging, containers, packageManager };
}

// What filters of OPKGs are decided for.
function filterContext(target) {
  if (target.version !== undefined && target.version !== RELEASE && target.version !== "rolling") {
    throw { tag: "unknown-target", val: `\`${target.version}\` is no release of ${NAME}: there is ${RELEASE}, \`rolling\`` };
  }
  const arch = target.arch ?? target.machine;
  if (!Object.hasOwn(ARCHS, arch)) {
    const val = `${NAME} has no packages for \`${arch}\`, only for ${Object.keys(ARCHS).join(", ")}`;
    throw { tag: "unknown-target", val };
  }
  const number = BigUint64Array.of(BigInt(RELEASE));
  const identity = (id) => ({ id, number, defaultNumber: number, names: [{ name: "rolling", number }] });
  return {
    name: [target.dist, target.version, target.arch].filter((it) => it !== undefined).join("-"),
    identities: [identity(ID), identity("voidlinux")],
    fallbackIdentities: [],
    arch,
    machine: target.machine,
  };
}

function planOrRefuse(rules, context, documentation) {
  const actions = SCRIPT_TIMES.map((time) => ({ time, commands: actionCommands(time) }));
  try {
    return rules.plan(context, documentation, actions);
  } catch (error) {
    // Why the OPKG is not for this target.
    if (error.payload === undefined) throw error;
    throw { tag: "unavailable", val: error.payload };
  }
}

// What `--source` writes beside the OPKG's files: what `xbps-create` finds in a directory, and the properties that it would be told.
function metaFiles(base, of) {
  const file = (name, contents, executable) => ({ path: `${base}/${of.name}/${name}`, contents, executable });
  const files = [file("props.plist", props(of), false)];
  if (installScript(of)) files.push(file("INSTALL", installScript(of), true));
  if (removeScript(of)) files.push(file("REMOVE", removeScript(of), true));
  return files;
}
