// One package: its record. What xbps cannot hold is said.

import { ALTERNATIVES, METADATA_SLOT, fileName } from "./metadata.js";
import { recordVersion, relation } from "./relation.js";
import { accountCommands, scriptlets, SCRIPT_TIMES } from "./scripts.js";
import { compareVersions, nativeVersion, versionText } from "./version.js";

const OPERATORS = { lt: "<", le: "<=", eq: "=", ge: ">=", gt: ">" };
const FILTER_HELP = "name the package that is meant in a group with a filter for `void`, or leave Void out with a filter";
// xbps installs what a package requires before it, and knows nothing of what would be good to have.
const KINDS = {
  requires: "requires",
  "pre-requires": "requires",
  provides: "provides",
  conflicts: "conflicts",
  breaks: "conflicts",
  obsoletes: "obsoletes",
};
const SET_ID_BITS = 0o6000;

// One tar: metadata in the order in which xbps reads it, then files. It skips directories, so that a script makes them.
function container() {
  const tar = {
    name: "package",
    format: "tar",
    compression: "zstd",
    level: undefined,
    endMarker: true,
    entries: [
      { tag: "slot", val: METADATA_SLOT },
      { tag: "files", val: { select: { tag: "rest" }, prefix: "./", directories: "none", parentModes: [], headers: [] } },
    ],
    attributes: [],
  };
  const metadata = { relations: true, scriptlets: true, configuration: true, ghosts: true, directories: true, fields: true };
  const signature = { suffix: ".sig2", scheme: { tag: "rsa", val: "sha256" } };
  return { tag: "archives", val: { archives: [tar], metadata, signature, attributes: [] } };
}

// `A::B` of `perl(A::B)`; nothing of another name.
function perlModule(name) {
  return name.match(/^perl\((\w+(?:::\w+)*)\)$/)?.[1];
}

// As it is packed: without marks of RPMs, and without the rights of an owner or group that it gets only on the machine.
function packedFile(file) {
  const { documentation, configuration, ghost } = file.marks;
  const isGiven = file.content.tag === "source" && (file.owner !== "root" || file.group !== "root");
  const mode = isGiven ? file.mode & ~SET_ID_BITS : file.mode;
  return { ...file, mode, marks: { documentation, configuration, ghost } };
}

// Makes the packages of an OPKG of what each gets. `arch` is Void's name. What there is to say is collected in `diagnostics`.
export class Builder {
  constructor(rules, opkg, target, arch) {
    Object.assign(this, { rules, opkg, target, arch, diagnostics: [] });
    this.epoch = opkg.history[0].version.epoch;
    this.version = this.ownVersion();
    this.reportUnsupported();
  }

  package(plan) {
    const { opkg, rules, target, version } = this;
    const accounts = opkg.files.filter((it) => it.part.tag === plan.part.tag).flatMap((it) => it.accounts);
    this.reportScripts(plan);
    const fields = [
      ...this.reverts().map((value) => ({ name: "reverts", value })),
      ...this.alternatives(plan),
      ...plan.recordedConflicts.map(({ anyOf }) => ({ name: "opkg-conflicts", value: anyOf[0].name })),
    ];
    if (target.vendor !== undefined) fields.push({ name: "vendor", value: target.vendor });
    if (target.distribution !== undefined) fields.push({ name: "distribution", value: target.distribution });
    const made = {
      part: plan.part,
      name: plan.name,
      epoch: this.epoch,
      version: version.text,
      release: version.revision,
      arch: plan.isArchSpecific ? this.arch : "noarch",
      summary: plan.summary,
      description: opkg.description.join("\n\n"),
      license: opkg.license,
      section: "",
      url: opkg.uri,
      maintainer: this.maintainer(),
      container: container(),
      relations: this.relations(plan),
      files: this.files(plan),
      scriptlets: scriptlets(plan, {
        "pre-install": accountCommands(rules.shellQuote, accounts),
        // xbps unpacks files for the numbers in an archive.
        "post-install": rules.attributeCommands(plan.files, { owners: true, directories: true, capabilities: false }),
        "post-uninstall": rules.ghostCommands(plan.files),
      }),
      fileTriggers: [],
      interests: [],
      changelog: [],
      fields,
      attributes: [],
    };
    return { ...made, fileName: fileName(made) };
  }

  // Once: packages share what they are about.
  say(severity, at, message, help) {
    if (!this.diagnostics.some((it) => it.at === at && it.message === message)) {
      this.diagnostics.push({ severity, at, message, help });
    }
  }

  ownVersion() {
    const { opkg, target } = this;
    const { epoch, upstream, release } = opkg.history[0].version;
    const written = `${epoch ? `${epoch}:` : ""}${upstream}-${release}`;
    const version = nativeVersion(this.rules, { upstream, release });
    if (version === undefined) {
      const message = `\`${written}\` cannot be a version of a package of Void: a revision is a number, and none is above 2147483646`;
      this.say("error", opkg.at, message, "let the release be a number, or leave Void out with a filter");
      return { text: "0", revision: "0" };
    }
    const native = versionText(version);
    if (epoch) {
      this.say("note", opkg.at, `Void has no epochs: \`${written}\` is written \`${native}\`, and takes back what looks newer`);
    } else if (native !== `${upstream}_${release}`) {
      this.say("note", opkg.at, `version \`${written}\` is written \`${native}\` on Void`);
    }
    if (target.releaseTag.tag === "custom") {
      const message = `a revision of Void is a number: the tag \`${target.releaseTag.val}\` is left out`;
      this.say("warning", opkg.at, message, "ask for no tag where packages are for Void");
    }
    return version;
  }

  // The older versions that xbps takes for newer ones, of smaller epochs for instance, which this one takes back.
  reverts() {
    const [, ...older] = this.opkg.history.map(({ version }) => nativeVersion(this.rules, version));
    const own = versionText(this.version);
    const written = older.filter((it) => it !== undefined).map(versionText);
    return [...new Set(written)].filter((it) => it !== own && compareVersions(it, own) > 0);
  }

  maintainer() {
    const first = this.opkg.authors.find((author) => author.role === "maintainer");
    return `${first.name} <${first.email}>`;
  }

  // What the package has; scripts do the rest. xbps always keeps configuration that somebody has changed.
  files(plan) {
    for (const { path, content, capabilities, marks } of plan.files) {
      const at = content.tag === "source" ? content.val : this.opkg.at;
      if (capabilities !== undefined) {
        const message = `\`${path}\` cannot have capabilities in a package of Void`;
        this.say("error", at, message, "leave this distribution out with the `filters` of `files`");
      }
      if (marks.replaced && !marks.ghost) {
        const message = `xbps keeps \`${path}\` where somebody has changed it: the new one is put beside it`;
        this.say("warning", at, message, "let `config` be `keep` for Void, or `no`");
      }
    }
    return plan.files.map(packedFile);
  }

  relations(plan) {
    const relations = plan.relations.filter((it) => it.byDefault).flatMap((it) => this.relation(it));
    if (plan.sameVersion === undefined) return relations;
    const bound = { comparison: "eq", version: `${this.epoch ? `${this.epoch}:` : ""}${recordVersion(this.version)}` };
    return [relation("requires", plan.sameVersion, bound), ...relations];
  }

  relation({ at, kind, anyOf: [first, ...others] }) {
    const name = this.nativeName(first);
    if (KINDS[kind] === undefined) {
      const message = `xbps has nothing like \`${kind}\`: the relation to \`${name}\` is left out`;
      this.say("warning", at, message, "require the package for Void, or let somebody install it");
      return [];
    }
    if (others.length > 0) {
      const names = others.map((it) => `\`${it.name}\``).join(", ");
      this.say("warning", at, `xbps knows no alternatives: of \`${name}\` and ${names} the first one is meant`, FILTER_HELP);
    }
    return [relation(KINDS[kind], name, this.bound(kind, first))];
  }

  // What Void calls a package. Modules of Perl have their own, those that come with Perl are in its package.
  nativeName({ at, name }) {
    const module = perlModule(name);
    if (module !== undefined) {
      const native = this.rules.isCorePerlModule(module) ? "perl" : `perl-${module.replaceAll("::", "-")}`;
      this.say("note", at, `\`${name}\` is called \`${native}\` on Void`);
      return native;
    }
    if (!/^[A-Za-z0-9._+-]+$/.test(name)) {
      this.say("error", at, `\`${name}\` cannot be the name of a package of Void`, FILTER_HELP);
    }
    return name;
  }

  // As records have it, `1.0-1`; `relationText` writes it in the way of xbps.
  bound(kind, { at, name, bound, version }) {
    if (bound === undefined) return undefined;
    const written = `${OPERATORS[bound.comparison]} ${bound.version}`;
    const module = perlModule(name);
    if (module !== undefined && this.rules.isCorePerlModule(module)) {
      this.say("note", at, `\`${name}\` is part of Perl, which counts its versions otherwise: \`${written}\` is left out`);
      return undefined;
    }
    const native = version === undefined ? undefined : nativeVersion(this.rules, version);
    if (native === undefined) {
      const message = `\`${bound.version}\` cannot be a version of a package of Void`;
      this.say("error", at, message, "write `upstream[-release]`, such as `1.2` or `1.2-3`");
      return bound;
    }
    if (version.epoch) {
      const message = `Void has no epochs: \`${name} ${written}\` is about ${versionText(native)}`;
      this.say("warning", at, message, "write a version of Void in a group with a filter for `void`");
    }
    if (kind === "provides" && bound.comparison !== "eq") {
      const message = `a package of Void provides one version of \`${name}\` or none: \`${written}\` is left out`;
      this.say("warning", at, message, "write `rel=\"=\"`, or no version");
      return undefined;
    }
    return { comparison: bound.comparison, version: recordVersion(native) };
  }

  // One group for those that go together. Links lead to the first package of a group that is installed.
  alternatives(plan) {
    return [...plan.alternatives].flatMap((index) => {
      const { main, slaves, priority } = this.opkg.alternatives[index];
      const message = `xbps has no priorities: \`${main.path}\` is used where it is installed first, whatever ${priority} says`;
      this.say("note", main.at, message);
      return [main, ...slaves].map(({ at, link, path }) => {
        if (link.includes(":") || path.includes(":")) {
          const message = `an alternative of xbps cannot have a \`:\` in \`${link}\` or \`${path}\``;
          this.say("error", at, message, "choose other paths, or leave Void out with a filter");
        }
        return { name: `${ALTERNATIVES}${main.name}`, value: `${link}:${path}` };
      });
    });
  }

  reportScripts(plan) {
    for (const { source, time } of plan.scripts) {
      if (SCRIPT_TIMES.includes(time)) continue;
      const { at, path } = this.opkg.files[source];
      this.say("warning", at, `xbps runs no scripts such as \`${path}\``, "let the post-install script do it");
    }
  }

  // What an OPKG may want and Void does not have: said, not lost.
  reportUnsupported() {
    for (const { at, path, unit } of this.opkg.files) {
      const help = "lay a service into `files/etc/sv` for Void; whoever wants it links it into /var/service";
      if (unit) this.say("warning", at, `Void has no systemd: nothing is done about the unit \`${path}\``, help);
    }
    for (const { at, name } of this.opkg.serviceRules) {
      this.say("warning", at, `Void has no systemd: what is said of the unit \`${name}\` is left out`);
    }
    for (const { at, path } of this.opkg.triggers) {
      const help = "leave Void out with `filters`, or let the post-install script look";
      this.say("warning", at, `packages of Void have no triggers: nobody looks at \`${path}\``, help);
    }
  }
}
