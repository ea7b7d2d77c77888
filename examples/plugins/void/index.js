// The index of a directory of packages: of each architecture a tar with the properties of all packages that are for it, as xbps-rindex
// makes it.

import { Data, readPlist, writePlist } from "./plist.js";
import { compareVersions } from "./version.js";

const PROPS_MEMBER = "./props.plist";
// What only a package itself says.
const NOT_INDEXED = ["pkgname", "version", "packaged-with"];

// What the index says of a package, with its name.
function indexEntry({ fileName, size, digests, members }) {
  const member = members.find(({ path }) => path === PROPS_MEMBER);
  if (member === undefined) throw `${fileName} has no ${PROPS_MEMBER}`;
  const properties = readPlist(new TextDecoder().decode(member.contents));
  const [pkgver, arch] = [properties.pkgver, properties.architecture];
  const name = typeof pkgver === "string" ? pkgver.match(/^(.+)-[^-]*\d[^-]*_\d+$/)?.[1] : undefined;
  if (name === undefined || typeof arch !== "string") throw `${fileName} does not say which package it is, and for what`;
  if (fileName !== `${pkgver}.${arch}.xbps`) throw `${fileName} has to be called ${pkgver}.${arch}.xbps: xbps looks for that`;
  for (const key of NOT_INDEXED) delete properties[key];
  return { name, pkgver, arch, properties: { ...properties, "filename-sha256": digests.sha256, "filename-size": size } };
}

// Whether the first one is to be preferred: xbps knows one version of a package in each index.
function isNewer(one, other) {
  const version = ({ name, pkgver }) => pkgver.slice(name.length + 1);
  const reverts = (by, of) => (by.properties.reverts ?? []).includes(version(of));
  if (reverts(one, other)) return true;
  return !reverts(other, one) && compareVersions(version(one), version(other)) > 0;
}

// Whose signatures packages have; nothing where nobody signs. Without it, xbps looks for none.
function keyProperties(key) {
  if (key === undefined) return "";
  return writePlist({
    "public-key": new Data(btoa(key.pem)),
    // That of a signature.
    "public-key-size": Math.ceil(key.bits / 8) * 8,
    "signature-by": key.owner || key.name,
    "signature-type": "rsa",
  });
}

function repodata(arch, entries, signingKey) {
  const newest = new Map();
  for (const entry of entries) {
    const known = newest.get(entry.name);
    if (known === undefined || isNewer(entry, known)) newest.set(entry.name, entry);
  }
  const index = Object.fromEntries([...newest].map(([name, { properties }]) => [name, properties]));
  const member = (path, val) => ({
    tag: "member",
    val: { path, content: { tag: "text", val }, mode: 0o644, owner: "root", group: "root", headers: [] },
  });
  const archive = {
    name: "repodata",
    format: "tar",
    compression: "zstd",
    level: undefined,
    endMarker: true,
    entries: [
      member("index.plist", writePlist(index)),
      member("index-meta.plist", keyProperties(signingKey)),
      // What waits for other packages: nothing does.
      member("stage.plist", ""),
    ],
    attributes: [],
  };
  return { path: `${arch}-repodata`, content: { tag: "archives", val: [archive] }, signature: undefined, attributes: [] };
}

// Packages for any architecture are in the index of each: of those that were asked for, by their canonical names, and of those that
// other packages are for; of all where there are none. `archs` are the names of Void by the canonical ones.
export function indexFiles({ archs: asked, signingKey }, packages, archs) {
  const entries = packages.map(indexEntry);
  const named = entries.map(({ arch }) => arch).filter((arch) => arch !== "noarch");
  const wanted = new Set([...asked.map((canonical) => archs[canonical] ?? canonical), ...named]);
  const all = wanted.size > 0 ? [...wanted].sort() : Object.values(archs);
  return all.map((arch) => {
    const own = entries.filter((it) => it.arch === arch || it.arch === "noarch");
    return repodata(arch, own, signingKey);
  });
}
