// One package: its version, manifest, scripts and files. CHANGE: the form of the manifest.

// The order in which scripts stand in a manifest.
const SCRIPT_TIMES = ["pre-install", "post-install", "pre-uninstall", "post-uninstall"];
const SUFFIXES = { api: "", server: "-server", client: "-client" };
const SUMMARIES = { api: "", server: ", server part", client: ", client part" };
const OPERATORS = { lt: "<", le: "<=", eq: "=", ge: ">=", gt: ">" };

// The order of bytes, as everywhere else: that of JavaScript differs beyond U+FFFF.
const byPath = (one, other) => {
  const [a, b] = [one.path, other.path].map((path) => Array.from(path, (letter) => letter.codePointAt(0)));
  const at = a.findIndex((letter, index) => letter !== b[index]);
  return at < 0 ? a.length - b.length : a[at] - (b[at] ?? -1);
};

// CHANGE: what the package manager would not accept in a version, or would sort otherwise, is to be changed here.
export function packageVersion(opkg, target) {
  const { epoch, upstream, release } = opkg.history[0].version;
  // CHANGE: of a tag `native` it is the distribution's own, where its releases have one (`el9`, `deb12`).
  const tag = target.releaseTag.tag === "custom" ? `.${target.releaseTag.val}` : "";
  return {
    epoch,
    upstream,
    release: release + tag,
    full: `${epoch ? `${epoch}:` : ""}${upstream}-${release}${tag}`,
    inFileNames: `${upstream}-${release}${tag}`.replaceAll("/", "_"),
  };
}

// Makes the packages of an OPKG for a target. `arch` is what the distribution calls the architecture.
export class Builder {
  constructor(opkg, target, context, arch) {
    Object.assign(this, { opkg, target, context, version: packageVersion(opkg, target) });
    this.arch = mentionsArch(opkg) ? arch : "any";
    // CHANGE: where documents of packages go.
    this.documentation = `/usr/share/doc/opkg-${opkg.name}`;
  }

  package(part) {
    const { opkg, version } = this;
    const installed = opkg.files
      .filter((file) => file.part === part && this.isForArch(file.onlyArch))
      .map((file) => ({ path: this.path(file.destination), file }))
      .sort(byPath);
    const scripts = this.scripts(installed);
    const carried = scripts.filter((script) => script.text !== undefined);
    const name = `opkg-${opkg.name}${SUFFIXES[part]}`;
    return {
      name,
      epoch: version.epoch,
      version: version.upstream,
      release: version.release,
      arch: this.arch,
      summary: opkg.summary + SUMMARIES[part],
      description: opkg.description.join("\n\n"),
      license: opkg.license,
      section: "",
      url: opkg.uri,
      maintainer: this.maintainer(),
      // An archive has no other place for these than its members.
      relations: [],
      scriptlets: [],
      fileTriggers: [],
      interests: [],
      changelog: [],
      fields: [],
      members: [
        { path: "manifest", contents: this.manifest(part, installed, scripts), executable: false },
        ...carried.map(({ path, text }) => ({ path, contents: text, executable: true })),
      ],
      files: this.files(part, installed),
      fileName: `${name}-${version.inFileNames}.${this.arch}.tar.gz`,
    };
  }

  isForArch(only) {
    return only === undefined || only === this.context.arch;
  }

  path(destination) {
    if (destination.tag === "path") return destination.val;
    return destination.val ? `${this.documentation}/${destination.val}` : this.documentation;
  }

  maintainer() {
    const first = this.opkg.authors.find((author) => author.role === "maintainer");
    return `${first.name} <${first.email}>`;
  }

  // Name, path and text of each: the path on the system, or that in the archive with the text.
  scripts(installed) {
    const scripts = [];
    for (const { path, file } of installed.filter(({ file }) => file.scriptlet)) {
      const { time, text } = file.scriptlet;
      if (!SCRIPT_TIMES.includes(time)) {
        const message = `packages for ${this.context.dist} have no scripts such as \`${file.path}\``;
        this.context.say("warning", file.at, message, "let the post-install script do it");
      } else {
        scripts.push({ name: time, path: text === undefined ? path : `scripts/${time}`, text });
      }
    }
    return scripts.sort((one, other) => SCRIPT_TIMES.indexOf(one.name) - SCRIPT_TIMES.indexOf(other.name));
  }

  // Directories, files and links, sorted by path.
  files(part, installed) {
    const directories = new Map(
      this.opkg.directories
        .filter((directory) => directory.part === part && this.isForArch(directory.onlyArch))
        .map((directory) => {
          const path = this.path(directory.destination);
          const attributes = this.attributes(directory.rules, 0o755, { isDirectory: true });
          return [path, packedFile(path, { tag: "directory" }, attributes, false)];
        }),
    );
    const files = installed.flatMap(({ path, file }) => {
      const { dist } = this.context;
      const attributes = this.attributes(file.rules, file.mode, { isLink: file.link !== undefined });
      if (attributes.ghost) return []; // The manifest knows it.
      if (attributes.capabilities) {
        const message = `\`${path}\` cannot have capabilities in packages for ${dist}`;
        this.context.say("error", file.at, message, "leave this distribution out with the `filters` of `files`");
      }
      const content =
        file.link === undefined
          ? { tag: "source", val: file.at }
          : { tag: "link", val: this.installedLink(path, file) };
      return packedFile(path, content, attributes, file.destination.tag === "documentation");
    });
    return [...directories.values(), ...files].sort(byPath);
  }

  // What a link has to hold where it is installed: files of one directory may be installed in several.
  installedLink(path, file) {
    if (file.path.startsWith("files/")) return file.link; // Laid into the root as it stands.
    const target = normalize(`${directoryOf(file.path)}/${file.link}`);
    for (const other of this.opkg.files) {
      const [place, rest] = [this.path(other.destination), other.path.slice(target.length)];
      if (other.path === target) return relativePath(directoryOf(path), place);
      // The directory of a file.
      if (other.path.startsWith(`${target}/`) && place.endsWith(rest)) {
        return relativePath(directoryOf(path), place.slice(0, -rest.length));
      }
    }
    return file.link;
  }

  // What the rules of the OPKG say of a file; of several a later one counts.
  attributes(rules, mode, { isDirectory = false, isLink = false } = {}) {
    const attributes = { mode, owner: "root", group: "root" };
    for (const rule of Array.from(rules, (index) => this.opkg.fileRules[index])) {
      if (!this.context.matches(rule.filter)) continue;
      attributes.owner = rule.owner ?? attributes.owner;
      attributes.group = rule.group ?? attributes.group;
      if (isLink) continue;
      attributes.mode = (isDirectory ? rule.directoryMode : rule.mode) ?? attributes.mode;
      if (isDirectory) continue;
      attributes.config = rule.config ?? attributes.config;
      attributes.ghost = rule.ghost ?? attributes.ghost;
      attributes.capabilities = rule.capabilities ?? attributes.capabilities;
    }
    return attributes;
  }

  // `key = value`, a line each.
  manifest(part, installed, scripts) {
    const { opkg, target } = this;
    const lines = [
      ["name", `opkg-${opkg.name}${SUFFIXES[part]}`],
      ["version", this.version.full],
      ["arch", this.arch],
      ["summary", opkg.summary + SUMMARIES[part]],
      ["license", opkg.license],
      ["maintainer", this.maintainer()],
      ["url", opkg.uri],
      ["vendor", target.vendor],
      ["distribution", target.distribution],
      // Scripts find it in $OSCAR_PACKAGE_HOME, which whoever runs them has to set.
      ["home", opkg.home],
      ...this.relations(part),
    ];
    for (const { path, file } of installed) {
      const { config, ghost } = this.attributes(file.rules, file.mode, { isLink: file.link !== undefined });
      if (ghost) lines.push(["ghost", path]);
      else if (config === "replace") lines.push(["configuration-replaced", path]);
      else if (config === "keep" || (config === undefined && file.configuration)) lines.push(["configuration", path]);
    }
    lines.push(...scripts.map(({ name, path }) => [name, path]));
    return lines.map(([key, value]) => (value === undefined ? "" : `${key} = ${value}\n`)).join("");
  }

  relations(part) {
    const lines = part === "server" ? [["requires", `opkg-${this.opkg.name} = ${this.version.full}`]] : [];
    for (const relation of this.opkg.relations) {
      const { tag, val } = relation.scope;
      const counts = tag === "part" ? val === part : part !== "api";
      if (!counts || !this.context.matches(relation.filter)) continue;
      const value = relation.anyOf.map((it) => this.related(it, part)).join(" | ");
      if (!lines.some(([key, old]) => key === relation.kind && old === value)) lines.push([relation.kind, value]);
    }
    return lines;
  }

  // CHANGE: what the distribution calls a package, and how it writes versions.
  related({ at, name: { tag, val }, bound }, part) {
    const name = tag === "native" ? val : `opkg-${val.name}${SUFFIXES[val.part ?? part]}`;
    if (/[ |]/.test(name)) {
      const message = `\`${name}\` cannot be the name of a package of ${this.context.dist}`;
      const help = "name the package that is meant, in a group with filters for this distribution";
      this.context.say("error", at, message, help);
    }
    return bound ? `${name} ${OPERATORS[bound.comparison]} ${bound.version}` : name;
  }

  // What an OPKG may want and an archive cannot give: said, not lost. CHANGE: do what the distribution can.
  reportUnsupported() {
    const { context, opkg } = this;
    const { dist } = context;
    const help = `leave ${dist} out with \`filters\`, or do it in a post-install script`;
    const warn = (at, message) => context.say("warning", at, message, help);
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

function packedFile(path, content, { mode, owner, group }, isDocument) {
  return { path, content, mode, owner, group, capabilities: undefined, marks: { documentation: isDocument } };
}

function directoryOf(path) {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

// A relative path without `.` and `..`.
function normalize(path) {
  const steps = [];
  for (const step of path.split("/")) {
    if (step === "..") steps.pop();
    else if (step !== "" && step !== ".") steps.push(step);
  }
  return steps.join("/");
}

// From a directory to a path, both absolute.
function relativePath(from, to) {
  const [front, back] = [from.split("/"), to.split("/")];
  while (front.length > 0 && front[0] === back[0]) {
    front.shift();
    back.shift();
  }
  return [...front.map(() => ".."), ...back].join("/") || ".";
}

// Whether packages for one architecture may differ from those for another.
function mentionsArch(opkg) {
  const ruled = [
    opkg,
    ...opkg.relations,
    ...opkg.fileRules,
    ...opkg.serviceRules,
    ...opkg.alternatives,
    ...opkg.triggers,
  ];
  const placed = [...opkg.files, ...opkg.directories];
  return (
    ruled.some((it) => it.filter.archs.length > 0) ||
    placed.some((it) => it.onlyArch !== undefined) ||
    opkg.files.some((file) => file.arch !== undefined)
  );
}
