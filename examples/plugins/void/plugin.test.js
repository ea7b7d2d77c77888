// Run by `node --test`: the plugin is a module like any other. What the host decides of an OPKG is made up here: there is none. What
// xbps prints is what it did print.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ARCHS, ID, distribution } from "./distribution.js";
import { indexFiles } from "./index.js";
import { packageManager } from "./manager.js";
import { METADATA_SLOT } from "./metadata.js";
import { readPlist, writePlist } from "./plist.js";
import { compareVersions, nativeVersion, patternOf, versionText } from "./version.js";

// The host's, as far as tests need them.
const hostRules = {
  orderPrereleases: (upstream) => upstream.replace(/-/g, "~"),
  shellQuote: (word) => `'${word}'`,
  isCorePerlModule: (module) => module === "File::Copy",
  attributeCommands(files, { owners, directories }) {
    assert.ok(owners && directories);
    return files.filter(({ mode }) => mode & 0o7000).map(({ path }) => `give ${path}\n`).join("");
  },
  ghostCommands: (files) => files.filter(({ marks }) => marks.ghost).map(({ path }) => `rm ${path}\n`).join(""),
};

// The least that an OPKG can be.
function opkg(changes) {
  return {
    at: 0,
    name: "demo",
    summary: "A sample",
    description: ["A package made up for a test.", "With <signs> & more."],
    license: "GPL",
    authors: [{ role: "maintainer", name: "Ann Author", email: "ann@example.org" }],
    alternatives: [],
    serviceRules: [],
    triggers: [],
    history: [{ version: { epoch: 0, upstream: "1.0-rc1", release: "2" }, changes: [] }],
    files: [],
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
    files: [],
    scripts: [],
    alternatives: [],
    ...changes,
  };
}

function file(path, changes) {
  return { path, content: { tag: "source", val: 9 }, mode: 0o644, owner: "root", group: "root", marks: {}, ...changes };
}

function generate(part, of = {}, at = target()) {
  const rules = { ...hostRules, plan: () => ({ parts: [part], diagnostics: [] }) };
  return distribution(rules).packaging.generate(opkg(of), at);
}

// What stands in front of the files: texts by their paths.
function metadata({ packages: [of] }, files = []) {
  const members = distribution(hostRules).containers.members(METADATA_SLOT, { package: of, files, installedSize: 7n });
  return Object.fromEntries(members.map(({ path, content }) => [path, content.val]));
}

function properties(output) {
  return readPlist(metadata(output)["./props.plist"]);
}

test("what the host plans becomes a package", () => {
  const output = generate(serverPlan());
  assert.equal(output.packages[0].fileName, "opkg-demo-server-1.0rc1_2.noarch.xbps");
  const { pkgver, run_depends, long_desc, installed_size } = properties(output);
  assert.equal(pkgver, "opkg-demo-server-1.0rc1_2");
  assert.deepEqual(run_depends, ["opkg-demo-1.0rc1_2"]);
  assert.equal(long_desc, "A package made up for a test.\n\nWith <signs> & more.");
  assert.equal(installed_size, 7n);
  assert.match(output.diagnostics[0].message, /version `1.0-rc1-2` is written `1.0rc1_2`/);
});

test("pre-releases sort before releases, and bounds hold for all releases of a version", () => {
  const native = (upstream, release) => {
    const version = nativeVersion(hostRules, { upstream, release });
    return version && versionText(version);
  };
  const sorted = ["1.0-dev2", "1.0-alpha1", "1.0-b1", "1.0-rc.1", "1.0", "1.0.1", "2", "10"].map((it) => native(it, "1"));
  assert.deepEqual([...sorted].reverse().sort(compareVersions), sorted);
  assert.equal(native("1.0_2", "1"), "1.0.2_1");
  assert.equal(native("1.0", "1.1.2"), "1.0_1001002");
  for (const [upstream, release] of [
    ["1.0", "2.el9"],
    ["1:0", "1"],
    ["20250101123456", "1"],
    ["rc", "1"],
  ]) {
    assert.equal(native(upstream, release), undefined);
  }
  const of = { text: "1.0" };
  assert.deepEqual(
    ["lt", "le", "eq", "ge", "gt"].map((it) => patternOf(it, of)),
    ["<1.0", "<=1.0_999999999", ">=1.0<=1.0_999999999", ">=1.0", ">1.0_999999999"],
  );
  assert.equal(patternOf("eq", { text: "1.0", revision: "2" }), "-1.0_2");
});

test("a later epoch takes back what looks newer", () => {
  const history = [
    { version: { epoch: 1, upstream: "1.0", release: "1" }, changes: [] },
    { version: { epoch: 0, upstream: "2005", release: "3" }, changes: [] },
  ];
  const output = generate(serverPlan(), { history });
  assert.deepEqual(properties(output).reverts, ["2005_3"]);
  assert.deepEqual(properties(output).run_depends, ["opkg-demo-1.0_1"]);
  assert.match(output.diagnostics[0].message, /^Void has no epochs: `1:1.0-1` is written `1.0_1`/);
});

test("relations are patterns", () => {
  const bound = { comparison: "ge", version: "1.2" };
  const some = { at: 7, name: "a", bound, version: { upstream: "1.2" } };
  const relations = [
    { at: 7, kind: "pre-requires", anyOf: [some, { at: 7, name: "b" }], byDefault: true },
    { at: 8, kind: "provides", anyOf: [{ at: 8, name: "v" }], byDefault: true },
    { at: 9, kind: "obsoletes", anyOf: [{ at: 9, name: "old" }], byDefault: true },
    { at: 10, kind: "suggests", anyOf: [{ at: 10, name: "nice" }], byDefault: true },
    { at: 11, kind: "requires", anyOf: [{ at: 11, name: "elsewhere" }], byDefault: false },
  ];
  const output = generate(serverPlan({ relations, sameVersion: undefined }));
  const { run_depends, provides, replaces } = properties(output);
  assert.deepEqual([run_depends, provides, replaces], [["a>=1.2"], ["v-0_1"], ["old>=0"]]);
  assert.deepEqual(
    output.diagnostics.filter(({ severity }) => severity === "warning").map(({ at }) => at),
    [7, 10],
  );
  const wrong = [{ at: 7, kind: "requires", anyOf: [{ at: 7, name: "config(a)" }], byDefault: true }];
  assert.throws(() => generate(serverPlan({ relations: wrong })), { tag: "failed" });
});

test("modules of Perl have packages of their own or are in that of Perl", () => {
  const required = (name) => {
    const some = { at: 7, name, bound: { comparison: "ge", version: "1.2" }, version: { upstream: "1.2" } };
    return { at: 7, kind: "requires", anyOf: [some], byDefault: true };
  };
  const relations = ["perl(XML::Simple)", "perl(File::Copy)"].map(required);
  const output = generate(serverPlan({ relations, sameVersion: undefined }));
  assert.deepEqual(properties(output).run_depends, ["perl-XML-Simple>=1.2", "perl>=0"]);
  assert.match(output.diagnostics.at(-1).message, /^`perl\(File::Copy\)` is part of Perl, .* `>= 1.2` is left out$/);
});

test("scripts are run for the action that xbps names", () => {
  const scripts = [
    { source: 0, time: "post-install", body: "exit 1\n" },
    { source: 0, time: "pre-uninstall", body: "exit 2\n" },
  ];
  const accounts = [{ tag: "user", val: { name: "demo", uid: 300, home: "/srv" } }];
  const files = [
    file("/etc/demo", { content: { tag: "directory" }, mode: 0o750 }),
    file("/srv/demo", { mode: 0o4750, owner: "demo" }),
    file("/var/made", { marks: { ghost: true, configuration: true, missingOk: true } }),
  ];
  const output = generate(serverPlan({ scripts, files }), { files: [{ at: 1, path: "x", part: { tag: "server" }, accounts }] });
  const members = metadata(output);
  assert.match(members["./INSTALL"], /^getent group .*\ngetent passwd 'demo' > .* useradd -u 300 -r -g 'demo' -d '\/srv' /m);
  assert.match(members["./INSTALL"], /^give \/srv\/demo\nexit 1\n\}\n\ncase "\$1" in\npre\) pre_install "\$@" ;;\n/m);
  assert.match(members["./REMOVE"], /^pre_uninstall\(\) \{\nexit 2\n\}\n\npost_uninstall\(\) \{\nrm \/var\/made\n\}$/m);
  const [, given, ghost] = output.packages[0].files;
  assert.deepEqual([given.mode, ghost.marks.ghost, ghost.marks.missingOk], [0o750, true, undefined]);
  assert.equal(properties(output).conf_files, undefined);
});

test("the list of files has what the host has read", () => {
  const kind = { tag: "regular", val: [7n, { sha256: "5ca1ab1e" }] };
  const files = [
    { path: "/etc/demo.conf", kind, isConfiguration: true },
    { path: "/usr/bin/demo", kind: { tag: "link", val: "../lib/demo" } },
    { path: "/usr/lib/demo", kind: { tag: "directory" } },
  ];
  const output = generate(serverPlan({ files: [file("/etc/demo.conf", { marks: { configuration: true, replaced: true } })] }));
  assert.deepEqual(readPlist(metadata(output, files)["./files.plist"]), {
    conf_files: [{ file: "/etc/demo.conf", sha256: "5ca1ab1e", size: 7n }],
    dirs: [{ file: "/usr/lib/demo" }],
    links: [{ file: "/usr/bin/demo", target: "/usr/lib/demo" }],
  });
  assert.deepEqual(properties(output).conf_files, ["/etc/demo.conf"]);
  assert.match(output.diagnostics.at(-1).message, /^xbps keeps `\/etc\/demo.conf`/);
});

test("alternatives are groups", () => {
  const main = { at: 5, name: "vi", link: "/usr/bin/vi", path: "/usr/bin/vim" };
  const slaves = [{ at: 6, name: "vi.1", link: "/usr/share/vi.1", path: "/usr/share/vim.1" }];
  const output = generate(serverPlan({ alternatives: [0] }), { alternatives: [{ main, slaves, priority: 30 }] });
  assert.deepEqual(properties(output).alternatives, {
    vi: ["/usr/bin/vi:/usr/bin/vim", "/usr/share/vi.1:/usr/share/vim.1"],
  });
});

test("what there is not is refused", () => {
  for (const wrong of [{ version: "9" }, { arch: "s390x" }]) {
    assert.throws(() => generate(serverPlan(), {}, target(wrong)), { tag: "unknown-target" });
  }
  const payload = { severity: "note", at: 0, message: "it is for another one" };
  const plan = () => {
    throw { payload };
  };
  assert.throws(() => distribution({ ...hostRules, plan }).packaging.generate(opkg(), target()), { tag: "unavailable" });
});

test("a property list is read as it was written", () => {
  const value = { a: ["<&>", 7n, true], b: {}, c: { d: "two\nlines" } };
  assert.deepEqual(readPlist(writePlist(value)), value);
  for (const wrong of ["", "<dict><key>a</key>", "<dict><array></dict>", "<integer>x</integer>", "<array>".repeat(100)]) {
    assert.throws(() => readPlist(wrong));
  }
});

test("an index has the newest of each package for its architecture", () => {
  const packageFile = (pkgver, architecture, more) => {
    const contents = new TextEncoder().encode(writePlist({ pkgver, architecture, pkgname: "x", version: "x", ...more }));
    const members = [{ path: "./props.plist", contents }];
    return { fileName: `${pkgver}.${architecture}.xbps`, size: 5n, digests: { sha256: "5ca1ab1e" }, members };
  };
  const files = [
    packageFile("a-1.0rc1_1", "noarch"),
    packageFile("a-1.0_1", "noarch"),
    packageFile("b-1_1", "i686", { reverts: ["2_1"] }),
    packageFile("b-2_1", "i686"),
  ];
  const paths = (archs, packages) => indexFiles({ archs }, packages, ARCHS).map(({ path }) => path);
  const [only, ...others] = indexFiles({ archs: [] }, files, ARCHS);
  assert.deepEqual([only.path, others], ["i686-repodata", []]);
  const index = readPlist(only.content.val[0].entries[0].val.content.val);
  assert.deepEqual(index.a, { architecture: "noarch", "filename-sha256": "5ca1ab1e", "filename-size": 5n, pkgver: "a-1.0_1" });
  assert.equal(index.b.pkgver, "b-1_1");
  assert.deepEqual(paths([], files.slice(0, 2)), ["x86_64-repodata", "aarch64-repodata", "i686-repodata"]);
  assert.deepEqual(paths(["i386"], files.slice(0, 2)), ["i686-repodata"]);
  assert.deepEqual(paths(["x86_64"], files), ["i686-repodata", "x86_64-repodata"]);
  assert.throws(() => indexFiles({ archs: [] }, [{ ...files[0], members: [] }], ARCHS));
});

test("an index names the key that signs", () => {
  const meta = (signingKey) => {
    const [file] = indexFiles({ archs: ["x86_64"], signingKey }, [], ARCHS);
    return file.content.val[0].entries[1].val.content.val;
  };
  const key = { name: "opkg-5ca1ab1e", owner: "A & B <ab@example.org>", bits: 2047, pem: "PEM\n" };
  const { "public-key": data, ...others } = readPlist(meta(key));
  assert.equal(atob(data.base64), key.pem);
  assert.deepEqual(others, { "public-key-size": 2048n, "signature-by": key.owner, "signature-type": "rsa" });
  assert.equal(readPlist(meta({ ...key, owner: "" }))["signature-by"], key.name);
  assert.equal(meta(undefined), "");
});

test("commands say what is wanted", () => {
  const place = { root: "/srv/image", repositories: [{ location: "/srv/packages", unauthenticated: true }] };
  const argvs = (commands) => commands.map(({ argv }) => argv.join(" "));
  assert.deepEqual(argvs(packageManager.install([{ name: "a" }, { name: "b", version: "1.0_1" }], place)), [
    "xbps-install -y -u --repository=/srv/packages -- a",
    "xbps-install -y -f --repository=/srv/packages -- b-1.0_1",
  ]);
  assert.deepEqual(argvs(packageManager.remove(["a"], place)), ["xbps-remove -y -- a"]);
  assert.deepEqual(argvs(packageManager.reinstall([{ name: "a" }], place)), ["xbps-reconfigure -f -- a"]);
  assert.throws(() => packageManager.install([{ name: "--yes" }], place));
});

test("what xbps prints is read", () => {
  const printed = ["uu f-1_1    text of f\nii ok-1.1_1 text of ok\n", "ok-1.1_1: noarch\n"];
  const installed = packageManager.parseQuery(printed).map((it) => [it.name, it.version, it.state.val ?? it.state.tag, it.arch]);
  assert.deepEqual(installed, [
    ["f", "1_1", "unpacked", undefined],
    ["ok", "1.1_1", "complete", "noarch"],
  ]);
  assert.throws(() => packageManager.parseQuery(["\n", "\n"]), /named no package/);
  assert.throws(() => packageManager.parseQuery([]), /named no package/);
  const offered = "a-1.9_1: a-1.9_1 (/srv/r)\na-1.10_1: a-1.10_1 (https://example.org)\na-1.9_1: a-1.9_1 (https://example.org)\n?\n";
  assert.deepEqual(packageManager.parseOffers([offered]), [
    { name: "a", version: "1.10_1" },
    { name: "a", version: "1.9_1" },
  ]);
  const simulated = ["old-1_1 remove noarch /srv/r 4 547\nnew-1_1 install noarch /srv/r 4 566\n", "b-1_1 remove noarch /srv/r 4 5\n"];
  assert.deepEqual(packageManager.parseSimulation(simulated), [
    { name: "old", kind: "remove" },
    { name: "b", kind: "remove" },
  ]);
});

test("what went wrong is told", () => {
  const explained = (printed) => {
    const failures = packageManager.explain(printed, false);
    assert.equal(failures.length, 1, printed);
    return [failures[0].cause, ...failures[0].packages];
  };
  const failed = "f-1_1: [configure] INSTALL script failed to execute the post ACTION: No such process";
  assert.deepEqual(explained(`RUN post\nERROR: ${failed}\nERROR: Transaction failed! see above for errors.\n`), [failed, "f"]);
  assert.deepEqual(explained("MISSING: nothere>=2\nERROR: Transaction aborted due to unresolved dependencies.\n"), [
    "nothing provides nothere>=2",
  ]);
  const breaks = "opkg-a-1.1_1 in transaction breaks installed pkg `opkg-a-server-1.1_1'";
  assert.deepEqual(explained(`${breaks}\nERROR: Transaction aborted due to unresolved dependencies.\n`), [breaks, "opkg-a"]);
  const conflict = "CONFLICT: bad-1_1 with installed pkg ok-1.1_1 (matched by ok>=0)";
  assert.deepEqual(explained(`${conflict}\nERROR: Transaction aborted due to conflicting packages.\n`), [conflict, "bad"]);
  assert.deepEqual(explained("RM pre\nERROR: Transaction failed! see above for errors.\n"), ["a script of a package failed"]);
  assert.deepEqual(packageManager.explain("MISSING: a>=1\n", true), []);
});
