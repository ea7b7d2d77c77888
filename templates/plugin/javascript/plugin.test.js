// Run by `node --test`: the plugin is a module like any other. What the host decides of an OPKG is made up here: there is none.

import assert from "node:assert/strict";
import { test } from "node:test";

import { MANIFEST_SLOT } from "./archive.js";
import { ID, distribution } from "./distribution.js";

const home = "/usr/lib/oscar/packages/demo";

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
    directories: [],
    tellsAction: false,
    sourceDate: { seconds: 0n, offset: 0 },
    attributes: [],
    ...changes,
  };
}

function target(changes) {
  return { dist: ID, machine: "x86_64", releaseTag: { tag: "native" }, attributes: [], ...changes };
}

// What the host says of a package for the server.
function serverPlan(changes) {
  return {
    part: { tag: "server" },
    name: "opkg-demo-server",
    summary: "A sample, server part",
    relations: [],
    recordedConflicts: [],
    sameVersion: "opkg-demo",
    isArchSpecific: false,
    programArchs: [],
    files: [],
    scripts: [],
    serviceRules: [],
    alternatives: [],
    triggers: [],
    ...changes,
  };
}

function generate(part, of = target()) {
  const { packaging } = distribution({ plan: () => ({ parts: [part], diagnostics: [] }) });
  return packaging.generate(opkg(), of);
}

// Of a package of which the host has read one file.
function members(of) {
  const kind = { tag: "regular", val: [7n, { sha256: "5ca1ab1e" }] };
  const files = [{ path: "/etc/demo.conf", kind }];
  const built = { package: of, opkg: opkg(), target: target(), files, installedSize: 7n, archives: [] };
  return distribution({}).containers.members(MANIFEST_SLOT, built);
}

test("what the host plans becomes a package", () => {
  const { metaFiles, packages } = generate(serverPlan());
  assert.equal(packages[0].fileName, "opkg-demo-server-1.0-1.any.tar.gz");
  assert.match(metaFiles[0].contents, /^requires = opkg-demo = 1\.0-1$/m);
});

test("the host is asked for the target", () => {
  const asked = [];
  const rules = {
    plan(...all) {
      asked.push(all);
      return { parts: [], diagnostics: [] };
    },
  };
  distribution(rules).packaging.generate(opkg(), target({ arch: "aarch64" }));
  const [[context, documentation, actions]] = asked;
  const [{ id, number }] = context.identities;
  assert.deepEqual([id, [...number], context.arch], [ID, [1n], "aarch64"]);
  assert.deepEqual([documentation, actions.length], ["/usr/share/doc/opkg-demo", 4]);
});

test("an OPKG that is not for the target is unavailable", () => {
  const payload = { severity: "note", at: 0, message: "it is for another one" };
  const rules = {
    plan() {
      throw { payload };
    },
  };
  assert.throws(
    () => distribution(rules).packaging.generate(opkg(), target()),
    (refusal) => refusal.tag === "unavailable" && refusal.val === payload,
  );
});

test("relations stand in the manifest", () => {
  const bound = { comparison: "ge", version: "1.2" };
  const anyOf = [
    { at: 7, name: "a", bound },
    { at: 7, name: "b" },
  ];
  const { metaFiles, packages } = generate(serverPlan({ relations: [{ at: 7, kind: "pre-requires", anyOf }] }));
  assert.match(metaFiles[0].contents, /^pre-requires = a >= 1\.2 \| b$/m);
  assert.deepEqual(packages[0].relations[1].kind, { tag: "pre-requires", val: "pre-install" });
});

test("scripts are members of the package", () => {
  const scripts = [
    { source: 0, time: "post-install", body: "exit 1\n" },
    { source: 0, time: "pre-install", body: "exit 2\n" },
  ];
  const [manifest, ...carried] = members(generate(serverPlan({ scripts })).packages[0]);
  assert.match(manifest.content.val, /^pre-install = scripts\/pre-install\npost-install = scripts\/post-install$/m);
  assert.deepEqual(
    carried.map(({ path, mode }) => [path, mode]),
    [
      ["scripts/pre-install", 0o755],
      ["scripts/post-install", 0o755],
    ],
  );
  assert.equal(carried[0].content.val, "#!/bin/sh\nexit 2\n");
});

test("the manifest has what is kept and what the host has read", () => {
  const files = [{ path: "/etc/demo.conf", content: { tag: "source", val: 9 }, marks: { configuration: true } }];
  const manifest = members(generate(serverPlan({ files })).packages[0])[0].content.val;
  assert.match(manifest, /^configuration = \/etc\/demo\.conf$/m);
  assert.ok(manifest.endsWith("size = 7\nfile = 5ca1ab1e 7 /etc/demo.conf\n"), manifest);
});

test("what is said of files stands in the manifest", () => {
  const file = (path, marks) => ({ path, content: { tag: "source", val: 9 }, marks });
  const files = [
    file("/etc/new", { configuration: true, replaced: true }),
    file("/usr/share/licenses/demo", { license: true }),
    file("/var/state", { ghost: true, missingOk: true }),
  ];
  const { metaFiles, packages } = generate(serverPlan({ files }));
  const lines = "configuration = /etc/new\nghost = /var/state\nconfiguration-replaced = /etc/new\n";
  assert.ok(metaFiles[0].contents.endsWith(lines), metaFiles[0].contents);
  // A record with what only an RPM has would be refused.
  const marks = packages[0].files.map((packed) => Object.keys(packed.marks).filter((mark) => packed.marks[mark]));
  assert.deepEqual(marks, [["configuration"], [], ["ghost"]]);
});

test("a release tag follows the release", () => {
  const tagged = target({ releaseTag: { tag: "custom", val: "site" } });
  assert.equal(generate(serverPlan(), tagged).packages[0].release, "1.site");
});

test("a target that there is not is refused", () => {
  for (const wrong of [{ version: "no" }, { arch: "s390x" }]) {
    assert.throws(
      () => generate(serverPlan(), target(wrong)),
      (refusal) => refusal.tag === "unknown-target",
    );
  }
});
