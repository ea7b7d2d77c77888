// What stands in a package before its files: scripts, and property lists of the package and of its files.

import { writePlist } from "./plist.js";
import { relationText } from "./relation.js";

export const METADATA_SLOT = "metadata";

// Keys of the properties whose values are lists; all other fields have one value, but for links, whose names end with a group.
const LISTS = ["reverts", "opkg-conflicts"];
export const ALTERNATIVES = "alternatives.";
const RELATION_KEYS = { requires: "run_depends", provides: "provides", conflicts: "conflicts", obsoletes: "replaces" };

function fullVersion({ version, release }) {
  return `${version}_${release}`;
}

export function fileName(of) {
  return `${of.name}-${fullVersion(of)}.${of.arch}.xbps`;
}

function isConfiguration({ marks }) {
  return marks.configuration && !marks.ghost;
}

// `props.plist`. How much a package takes is known once its files are read.
export function props(of, installedSize) {
  const all = {
    architecture: of.arch,
    homepage: of.url,
    installed_size: installedSize,
    license: of.license,
    long_desc: of.description,
    maintainer: of.maintainer,
    pkgname: of.name,
    pkgver: `${of.name}-${fullVersion(of)}`,
    short_desc: of.summary,
    version: fullVersion(of),
  };
  const addTo = (key, value) => (all[key] = [...(all[key] ?? []), value]);
  for (const relation of of.relations) addTo(RELATION_KEYS[relation.kind.tag], relationText(relation));
  for (const { path } of of.files.filter(isConfiguration)) addTo("conf_files", path);
  for (const { name, value } of of.fields) {
    if (name.startsWith(ALTERNATIVES)) {
      const group = name.slice(ALTERNATIVES.length);
      all.alternatives ??= {};
      (all.alternatives[group] ??= []).push(value);
    } else if (LISTS.includes(name)) {
      addTo(name, value);
    } else {
      all[name] = value;
    }
  }
  return writePlist(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
}

// `files.plist`, from what the host has read.
export function fileList(files) {
  const all = {};
  const addTo = (key, entry) => (all[key] ??= []).push(entry);
  for (const { path: file, kind, isConfiguration } of files) {
    if (kind.tag === "directory") addTo("dirs", { file });
    if (kind.tag === "link") addTo("links", { file, target: linkTarget(file, kind.val) });
    if (kind.tag === "regular") {
      const [size, { sha256 }] = kind.val;
      addTo(isConfiguration ? "conf_files" : "files", { file, sha256, ...(size > 0n && { size }) });
    }
  }
  return writePlist(all);
}

// Absolute, as xbps compares it with what there is.
function linkTarget(path, target) {
  const whole = target.startsWith("/") ? target : `${path.slice(0, path.lastIndexOf("/"))}/${target}`;
  const parts = [];
  for (const part of whole.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

// A script for two actions of xbps, each in a function, so that nothing of one is in the other; none where there is neither.
function script({ scriptlets }, actions) {
  const found = Object.entries(actions).flatMap(([action, time]) => {
    const body = scriptlets.find((it) => it.time === time)?.body;
    return body === undefined ? [] : [{ action, name: time.replace("-", "_"), body }];
  });
  if (found.length === 0) return undefined;
  const functions = found.map(({ name, body }) => `${name}() {\n${body}}\n\n`);
  const cases = found.map(({ action, name }) => `${action}) ${name} "$@" ;;\n`);
  return `#!/bin/sh\n# Action, package, version, whether it is an update.\n\n${functions.join("")}case "$1" in\n${cases.join("")}esac\n`;
}

export function installScript(of) {
  return script(of, { pre: "pre-install", post: "post-install" });
}

export function removeScript(of) {
  return script(of, { pre: "pre-uninstall", post: "post-uninstall" });
}

// In the order in which xbps looks for them.
export function metadataMembers({ package: of, files, installedSize }) {
  const member = (path, text, mode) => ({ path, content: { tag: "text", val: text }, mode, owner: "root", group: "root", headers: [] });
  const scripts = [
    ["./INSTALL", installScript(of)],
    ["./REMOVE", removeScript(of)],
  ];
  return [
    ...scripts.flatMap(([path, text]) => (text === undefined ? [] : [member(path, text, 0o755)])),
    member("./props.plist", props(of, installedSize), 0o644),
    member("./files.plist", fileList(files), 0o644),
  ];
}
