// Run by `node --test`: the plugin is a module like any other.

import assert from "node:assert/strict";
import { test } from "node:test";

import { preciseOrder, releaseNumber } from "./filters.js";
import { packaging } from "./plugin.js";

const home = "/usr/lib/oscar/packages/demo";
const { id, releases } = packaging.describe();

// The least that an OPKG can be.
function opkg(changes) {
  return {
    at: 0,
    name: "demo",
    class: "base",
    summary: "A sample",
    description: ["A package made up for a test."],
    license: "GPL",
    groups: ["Applications/System"],
    authors: [{ role: "maintainer", name: "Ann Author", email: "ann@example.org" }],
    filter: { dists: [], archs: [] },
    relations: [],
    fileRules: [],
    serviceRules: [],
    alternatives: [],
    triggers: [],
    history: [{ version: { epoch: 0, upstream: "1.0", release: "1" }, changes: [] }],
    home,
    files: [],
    directories: [{ part: "api", destination: { tag: "path", val: home }, rules: [] }],
    tellsAction: false,
    sourceDate: { seconds: 0n, offset: 0 },
    ...changes,
  };
}

function target(changes) {
  return { dist: id, machine: "x86_64", releaseTag: { tag: "native" }, ...changes };
}

function script(name, scriptlet) {
  const destination = { tag: "path", val: `${home}/${name}` };
  return { at: 9, path: `scripts/${name}`, part: "server", destination, mode: 0o755, rules: [], accounts: [], scriptlet };
}

test("an OPKG becomes three packages", () => {
  const { packages } = packaging.generate(opkg(), target());
  const names = ["opkg-demo", "opkg-demo-server", "opkg-demo-client"];
  assert.deepEqual(
    packages.map((it) => it.fileName),
    names.map((name) => `${name}-1.0-1.any.tar.gz`),
  );
  assert.match(packages[1].members[0].contents, /^requires = opkg-demo = 1\.0-1$/m);
});

test("relations count where their filters say so", () => {
  const relation = (name, dist, bound) => ({
    at: 7,
    scope: { tag: "part", val: "client" },
    kind: "requires",
    anyOf: [{ at: 7, name: { tag: "native", val: name } }],
    filter: { dists: [{ at: 7, id: dist, bound }], archs: [] },
  });
  const later = { comparison: "gt", version: releases.find((release) => release.isDefault).version };
  const relations = [relation("here", id), relation("later", id, later), relation("elsewhere", "other")];
  const manifest = packaging.generate(opkg({ relations }), target()).packages[2].members[0].contents;
  assert.match(manifest, /^requires = here$/m);
  assert.doesNotMatch(manifest, /later|elsewhere/);
});

test("scripts are in the package or in its manifest", () => {
  const files = [
    script("server-post-install", { time: "post-install" }),
    script("server-pre-install", { time: "pre-install", text: "#!/bin/sh\nexit 0\n" }),
  ];
  const [manifest, carried] = packaging.generate(opkg({ files }), target()).packages[1].members;
  const lines = `pre-install = scripts/pre-install\npost-install = ${home}/server-post-install\n`;
  assert.ok(manifest.contents.endsWith(lines), manifest.contents);
  assert.deepEqual([carried.path, carried.executable], ["scripts/pre-install", true]);
});

test("a release tag follows the release", () => {
  const tagged = target({ releaseTag: { tag: "custom", val: "site" } });
  assert.equal(packaging.generate(opkg(), tagged).packages[0].release, "1.site");
});

test("a target that there is not is refused", () => {
  for (const wrong of [{ version: "no" }, { arch: "s390x" }]) {
    assert.throws(
      () => packaging.generate(opkg(), target(wrong)),
      (refusal) => refusal.tag === "unknown-target",
    );
  }
});

test("releases compare at the precision of the bound", () => {
  for (const [release, bound, order] of [
    ["5.4", "5", 0],
    ["5", "5.4", -1],
    ["6", "5", 1],
    ["5.4", "5.5", -1],
  ]) {
    assert.equal(Math.sign(preciseOrder(releaseNumber(release), releaseNumber(bound))), order, `${release} ${bound}`);
  }
  assert.equal(releaseNumber("9b"), undefined);
});
