// One package: its record, and the manifest and scripts in it. CHANGE: the form of the manifest.

// The times at which the package manager runs scripts, in the order in which they stand in a manifest.
export const SCRIPT_TIMES = ["pre-install", "post-install", "pre-uninstall", "post-uninstall"];
const OPERATORS = { lt: "<", le: "<=", eq: "=", ge: ">=", gt: ">" };
// Where the manifest and the scripts stand in a package.
export const MANIFEST_SLOT = "manifest";

// One tar, compressed: what `members` says, then the files under their paths. CHANGE: as many archives as the package manager
// wants, each of which may be an entry of a later one.
function container() {
  const files = {
    select: { tag: "rest" },
    prefix: "",
    directories: "parents",
    // CHANGE: the modes of directories that the distribution has, where they are not 0755: `{ path: "/tmp", mode: 0o1777 }`.
    parentModes: [],
    headers: [],
  };
  const tar = {
    name: "package",
    format: "tar",
    compression: "gzip",
    level: undefined,
    endMarker: true,
    entries: [
      { tag: "slot", val: MANIFEST_SLOT },
      { tag: "files", val: files },
    ],
    attributes: [],
  };
  return {
    tag: "archives",
    val: {
      archives: [tar],
      // What the manifest has. The host takes anything else in a package for a mistake.
      metadata: { relations: true, scriptlets: true, configuration: true, ghosts: true, fields: true },
      signature: undefined, // CHANGE: where signatures stand that the package manager reads
      attributes: [],
    },
  };
}

// CHANGE: what the package manager would not accept in a version, or would sort otherwise, is to be changed here;
// `rules.orderPrereleases` helps.
export function packageVersion(opkg, target) {
  const { epoch, upstream, release } = opkg.history[0].version;
  // CHANGE: of a tag `native` it is the distribution's own, where its releases have one (`el9`, `deb12`).
  const tag = target.releaseTag.tag === "custom" ? `.${target.releaseTag.val}` : "";
  return {
    epoch,
    upstream,
    release: release + tag,
    full: fullVersion({ epoch, version: upstream, release: release + tag }),
    inFileNames: `${upstream}-${release}${tag}`.replaceAll("/", "_"),
  };
}

// `[epoch:]upstream-release`
function fullVersion({ epoch, version, release }) {
  return `${epoch ? `${epoch}:` : ""}${version}-${release}`;
}

// Makes the packages of an OPKG of what each gets. `arch` is what the distribution calls the architecture. What there is to say
// is collected in `diagnostics`.
export class Builder {
  constructor(dist, opkg, target, arch) {
    Object.assign(this, { dist, opkg, arch, version: packageVersion(opkg, target), diagnostics: [] });
    this.reportUnsupported();
  }

  package(plan) {
    const { opkg, version } = this;
    const arch = plan.isArchSpecific ? this.arch : "any";
    const [files, fields] = this.files(plan);
    return {
      part: plan.part,
      name: plan.name,
      epoch: version.epoch,
      version: version.upstream,
      release: version.release,
      arch,
      summary: plan.summary,
      description: opkg.description.join("\n\n"),
      license: opkg.license,
      section: "",
      url: opkg.uri,
      maintainer: this.maintainer(),
      container: container(),
      relations: this.relations(plan),
      files,
      scriptlets: this.scripts(plan),
      fileTriggers: [],
      interests: [],
      changelog: [],
      fields,
      attributes: [],
      fileName: `${plan.name}-${version.inFileNames}.${arch}.tar.gz`,
    };
  }

  // Once: packages share what they are about.
  say(severity, at, message, help) {
    if (!this.diagnostics.some((it) => it.at === at && it.message === message)) {
      this.diagnostics.push({ severity, at, message, help });
    }
  }

  maintainer() {
    const first = this.opkg.authors.find((author) => author.role === "maintainer");
    return `${first.name} <${first.email}>`;
  }

  // Directories, files and links, and what the manifest says of files in words of its own, since only RPMs have a mark for it: of
  // configuration which takes the place of what somebody has changed.
  files(plan) {
    for (const { path, content, capabilities } of plan.files) {
      if (capabilities !== undefined) {
        const message = `\`${path}\` cannot have capabilities in packages for ${this.dist}`;
        this.say("error", content.val, message, "leave this distribution out with the `filters` of `files`");
      }
    }
    const replaced = plan.files.filter(({ marks }) => marks.replaced);
    const fields = replaced.map(({ path }) => ({ name: "configuration-replaced", value: path }));
    return [plan.files.map(archiveFile), fields];
  }

  // What the package manager runs: each for `/bin/sh`.
  scripts(plan) {
    const [known, others] = [[], []];
    for (const script of plan.scripts) (SCRIPT_TIMES.includes(script.time) ? known : others).push(script);
    for (const { source } of others) {
      const { at, path } = this.opkg.files[source];
      const message = `packages for ${this.dist} have no scripts such as \`${path}\``;
      this.say("warning", at, message, "let the post-install script do it");
    }
    return known.map(({ time, body }) => ({ time, interpreter: ["/bin/sh"], body }));
  }

  relations(plan) {
    const relations = plan.relations.map(({ kind, anyOf }) => {
      const [{ name, bound }, ...alternatives] = anyOf.map((it) => this.nativePackage(it));
      return { kind: nativeKind(kind), name, bound, alternatives, condition: undefined };
    });
    if (plan.sameVersion === undefined) return relations;
    const bound = { comparison: "eq", version: this.version.full };
    const same = { kind: { tag: "requires" }, name: plan.sameVersion, bound, alternatives: [], condition: undefined };
    return [same, ...relations];
  }

  // CHANGE: what the distribution calls a package, and how it writes versions.
  nativePackage({ at, name, bound }) {
    if (/[ |]/.test(name)) {
      const message = `\`${name}\` cannot be the name of a package of ${this.dist}`;
      const help = "name the package that is meant, in a group with filters for this distribution";
      this.say("error", at, message, help);
    }
    return { name, bound };
  }

  // What an OPKG may want and an archive cannot give: said, not lost. CHANGE: do what the distribution can.
  reportUnsupported() {
    const { dist, opkg } = this;
    const help = `leave ${dist} out with \`filters\`, or do it in a post-install script`;
    const warn = (at, message) => this.say("warning", at, message, help);
    for (const { at, path, unit } of opkg.files) {
      if (unit) warn(at, `packages for ${dist} do nothing about the unit \`${path}\``);
    }
    for (const { at, path, accounts } of opkg.files) {
      if (accounts.length > 0) warn(at, `packages for ${dist} do not make the users and groups of \`${path}\``);
    }
    for (const { main } of opkg.alternatives) {
      warn(main.at, `packages for ${dist} have no alternatives: nothing leads to \`${main.path}\``);
    }
    for (const { at, path } of opkg.triggers) {
      warn(at, `packages for ${dist} have no triggers: nobody looks at \`${path}\``);
    }
  }
}

// With the marks that an archive has; the others are of RPMs alone.
function archiveFile(file) {
  const { documentation, configuration, ghost } = file.marks;
  return { ...file, marks: { documentation, configuration, ghost } };
}

function nativeKind(kind) {
  return kind === "pre-requires" ? { tag: kind, val: "pre-install" } : { tag: kind };
}

// The manifest, then the scripts. By now the host has read all files.
export function members(built) {
  const text = manifest(built.package, built.opkg, built.target) + contents(built);
  return [
    member("manifest", text, 0o644),
    ...scripts(built.package).map(({ time, body }) => member(scriptPath(time), `#!/bin/sh\n${body}`, 0o755)),
  ];
}

function member(path, text, mode) {
  return { path, content: { tag: "text", val: text }, mode, owner: "root", group: "root", headers: [] };
}

function scripts({ scriptlets }) {
  return SCRIPT_TIMES.flatMap((time) => scriptlets.filter((script) => script.time === time));
}

function scriptPath(time) {
  return `scripts/${time}`;
}

// What is known of a package before its files are read: `key = value`, a line each.
export function manifest(of, opkg, target) {
  const lines = [
    ["name", of.name],
    ["version", fullVersion(of)],
    ["arch", of.arch],
    ["summary", of.summary],
    ["license", of.license],
    ["maintainer", of.maintainer],
    ["url", of.url],
    ["vendor", target.vendor],
    ["distribution", target.distribution],
    ["home", opkg.home],
    ...of.relations.map((it) => [it.kind.tag, [it, ...it.alternatives].map(related).join(" | ")]),
  ];
  for (const { path, marks } of of.files) {
    if (marks.configuration) lines.push(["configuration", path]);
    if (marks.ghost) lines.push(["ghost", path]);
  }
  lines.push(...of.fields.map(({ name, value }) => [name, value]));
  lines.push(...scripts(of).map(({ time }) => [time, scriptPath(time)]));
  return lines.map(([key, value]) => (value === undefined ? "" : `${key} = ${value}\n`)).join("");
}

// What is known once they are read: how much the package takes, and of each file its SHA-256 and size.
function contents({ installedSize, files }) {
  const lines = files
    .filter((file) => file.kind.tag === "regular")
    .map(({ path, kind: { val: [size, digests] } }) => `file = ${digests.sha256} ${size} ${path}\n`);
  return [`size = ${installedSize}\n`, ...lines].join("");
}

// `a >= 1.2`
function related({ name, bound }) {
  return bound ? `${name} ${OPERATORS[bound.comparison]} ${bound.version}` : name;
}
