"""One package: its version, manifest, scripts and files. CHANGE: the form of the manifest."""

import posixpath
from dataclasses import dataclass

from wit_world.imports import artefacts, opkg as wit

# The order in which scripts stand in a manifest.
SCRIPT_TIMES = {
    wit.HookTime.PRE_INSTALL: "pre-install",
    wit.HookTime.POST_INSTALL: "post-install",
    wit.HookTime.PRE_UNINSTALL: "pre-uninstall",
    wit.HookTime.POST_UNINSTALL: "post-uninstall",
}
SUFFIXES = {wit.Part.API: "", wit.Part.SERVER: "-server", wit.Part.CLIENT: "-client"}
SUMMARIES = {wit.Part.API: "", wit.Part.SERVER: ", server part", wit.Part.CLIENT: ", client part"}
OPERATORS = {
    wit.Comparison.LT: "<",
    wit.Comparison.LE: "<=",
    wit.Comparison.EQ: "=",
    wit.Comparison.GE: ">=",
    wit.Comparison.GT: ">",
}


def diagnostic(severity, at, message, help=None):
    return wit.Diagnostic(wit.Severity[severity], at, message, help)


@dataclass
class Version:
    epoch: int
    upstream: str
    release: str

    @classmethod
    def of(cls, opkg, target):
        """CHANGE: what the package manager would not accept in a version, or would sort otherwise, is to be changed here."""
        written = opkg.history[0].version
        tag = target.release_tag
        # CHANGE: `ReleaseTag_Native` is the distribution's own, where its releases have one (`el9`, `deb12`).
        suffix = f".{tag.value}" if isinstance(tag, wit.ReleaseTag_Custom) else ""
        return cls(written.epoch, written.upstream, written.release + suffix)

    def __str__(self):
        epoch = f"{self.epoch}:" if self.epoch else ""
        return f"{epoch}{self.upstream}-{self.release}"

    def in_file_names(self):
        return f"{self.upstream}-{self.release}".replace("/", "_")


class Builder:
    """Makes the packages of an OPKG for a target. `arch` is what the distribution calls the architecture."""

    def __init__(self, opkg, target, context, arch):
        self.opkg = opkg
        self.target = target
        self.context = context
        self.version = Version.of(opkg, target)
        self.arch = arch if mentions_arch(opkg) else "any"
        # CHANGE: where documents of packages go.
        self.documentation = f"/usr/share/doc/opkg-{opkg.name}"

    def package(self, part):
        opkg, version = self.opkg, self.version
        sources = [file for file in opkg.files if file.part == part and self.is_for_arch(file.only_arch)]
        installed = sorted(((self.path(file.destination), file) for file in sources), key=lambda it: it[0])
        scripts = self.scripts(installed)
        members = [artefacts.TextFile("manifest", self.manifest(part, installed, scripts), False)]
        members += [artefacts.TextFile(path, text, True) for _, path, text in scripts if text is not None]
        name = f"opkg-{opkg.name}{SUFFIXES[part]}"
        return artefacts.BinaryPackage(
            name=name,
            epoch=version.epoch,
            version=version.upstream,
            release=version.release,
            arch=self.arch,
            summary=opkg.summary + SUMMARIES[part],
            description="\n\n".join(opkg.description),
            license=opkg.license,
            section="",
            url=opkg.uri,
            maintainer=self.maintainer(),
            # An archive has no other place for these than its members.
            relations=[],
            scriptlets=[],
            file_triggers=[],
            interests=[],
            changelog=[],
            fields=[],
            members=members,
            files=self.files(part, installed),
            file_name=f"{name}-{version.in_file_names()}.{self.arch}.tar.gz",
        )

    def is_for_arch(self, only):
        return only is None or only == self.context.arch

    def path(self, destination):
        if isinstance(destination, wit.Destination_Path):
            return destination.value
        return f"{self.documentation}/{destination.value}" if destination.value else self.documentation

    def maintainer(self):
        first = next(author for author in self.opkg.authors if author.role == wit.Role.MAINTAINER)
        return f"{first.name} <{first.email}>"

    def scripts(self, installed):
        """Name, path and text of each: the path on the system, or that in the archive with the text."""
        found = []
        for path, file in installed:
            if file.scriptlet is None:
                continue
            name = SCRIPT_TIMES.get(file.scriptlet.time)
            if name is None:
                message = f"packages for {self.context.dist} have no scripts such as `{file.path}`"
                help = "let the post-install script do it"
                self.context.say(diagnostic("WARNING", file.at, message, help))
            elif file.scriptlet.text is None:
                found.append((name, path, None))
            else:
                found.append((name, f"scripts/{name}", file.scriptlet.text))
        order = list(SCRIPT_TIMES.values())
        return sorted(found, key=lambda script: order.index(script[0]))

    def files(self, part, installed):
        """Directories, files and links, sorted by path."""
        packed = {}
        for directory in self.opkg.directories:
            if directory.part == part and self.is_for_arch(directory.only_arch):
                path = self.path(directory.destination)
                attributes = self.attributes(directory.rules, 0o755, is_directory=True)
                packed[path] = self.packed(path, artefacts.Content_Directory(), attributes, False)
        for path, file in installed:
            attributes = self.attributes(file.rules, file.mode, is_link=file.link is not None)
            if attributes.ghost:
                continue  # The manifest knows it.
            if attributes.capabilities:
                message = f"`{path}` cannot have capabilities in packages for {self.context.dist}"
                help = "leave this distribution out with the `filters` of `files`"
                self.context.say(diagnostic("ERROR", file.at, message, help))
            if file.link is None:
                content = artefacts.Content_Source(file.at)
            else:
                content = artefacts.Content_Link(self.installed_link(path, file))
            is_document = isinstance(file.destination, wit.Destination_Documentation)
            packed[path] = self.packed(path, content, attributes, is_document)
        return [packed[path] for path in sorted(packed)]

    def installed_link(self, path, file):
        """What a link has to hold where it is installed: files of one directory may be installed in several."""
        if file.path.startswith("files/"):
            return file.link  # Laid into the root as it stands.
        target = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), file.link))
        for other in self.opkg.files:
            installed, rest = self.path(other.destination), other.path[len(target) :]
            if other.path == target:
                return posixpath.relpath(installed, posixpath.dirname(path))
            # The directory of a file.
            if other.path.startswith(f"{target}/") and installed.endswith(rest):
                return posixpath.relpath(installed[: -len(rest)], posixpath.dirname(path))
        return file.link

    def attributes(self, rules, mode, is_directory=False, is_link=False):
        """What the rules of the OPKG say of a file; of several a later one counts."""
        attributes = Attributes(mode)
        for rule in (self.opkg.file_rules[index] for index in rules):
            if self.context.matches(rule.filter):
                attributes.owner = rule.owner or attributes.owner
                attributes.group = rule.group or attributes.group
                mode = rule.directory_mode if is_directory else rule.mode
                if mode is not None and not is_link:
                    attributes.mode = mode
                if not is_link and not is_directory:
                    attributes.config = rule.config if rule.config is not None else attributes.config
                    attributes.ghost = rule.ghost if rule.ghost is not None else attributes.ghost
                    attributes.capabilities = rule.capabilities or attributes.capabilities
        return attributes

    def packed(self, path, content, attributes, is_document):
        marks = artefacts.FileMarks.DOCUMENTATION if is_document else artefacts.FileMarks(0)
        return artefacts.PackedFile(
            path=path,
            content=content,
            mode=attributes.mode,
            owner=attributes.owner,
            group=attributes.group,
            capabilities=None,
            marks=marks,
        )

    def manifest(self, part, installed, scripts):
        """`key = value`, a line each."""
        opkg = self.opkg
        lines = [
            ("name", f"opkg-{opkg.name}{SUFFIXES[part]}"),
            ("version", str(self.version)),
            ("arch", self.arch),
            ("summary", opkg.summary + SUMMARIES[part]),
            ("license", opkg.license),
            ("maintainer", self.maintainer()),
            ("url", opkg.uri),
            ("vendor", self.target.vendor),
            ("distribution", self.target.distribution),
            # Scripts find it in $OSCAR_PACKAGE_HOME, which whoever runs them has to set.
            ("home", opkg.home),
        ]
        lines += self.relations(part)
        for path, file in installed:
            attributes = self.attributes(file.rules, file.mode, is_link=file.link is not None)
            config = attributes.config
            if attributes.ghost:
                lines.append(("ghost", path))
            elif config is None and file.configuration or config == wit.ConfigKind.KEEP:
                lines.append(("configuration", path))
            elif config == wit.ConfigKind.REPLACE:
                lines.append(("configuration-replaced", path))
        lines += [(name, path) for name, path, _ in scripts]
        return "".join(f"{key} = {value}\n" for key, value in lines if value is not None)

    def relations(self, part):
        lines = []
        if part == wit.Part.SERVER:
            lines.append(("requires", f"opkg-{self.opkg.name} = {self.version}"))
        for relation in self.opkg.relations:
            is_own = isinstance(relation.scope, wit.Scope_Part) and relation.scope.value == part
            is_shared = not isinstance(relation.scope, wit.Scope_Part) and part != wit.Part.API
            if (is_own or is_shared) and self.context.matches(relation.filter):
                key = relation.kind.name.lower().replace("_", "-")
                line = (key, " | ".join(self.related(package, part) for package in relation.any_of))
                if line not in lines:
                    lines.append(line)
        return lines

    def related(self, package, part):
        """CHANGE: what the distribution calls a package, and how it writes versions."""
        if isinstance(package.name, wit.RelatedName_Native):
            name = package.name.value
        else:
            of = package.name.value
            name = f"opkg-{of.name}{SUFFIXES[part if of.part is None else of.part]}"
        if " " in name or "|" in name:
            message = f"`{name}` cannot be the name of a package of {self.context.dist}"
            help = "name the package that is meant, in a group with filters for this distribution"
            self.context.say(diagnostic("ERROR", package.at, message, help))
        if package.bound is None:
            return name
        return f"{name} {OPERATORS[package.bound.comparison]} {package.bound.version}"

    def report_unsupported(self):
        """What an OPKG may want and an archive cannot give: said, not lost. CHANGE: do what the distribution can."""
        dist = self.context.dist
        help = f"leave {dist} out with `filters`, or do it in a post-install script"
        files = self.opkg.files
        wanted = [(it.at, f"packages for {dist} do nothing about the unit `{it.path}`") for it in files if it.unit]
        wanted += [
            (it.at, f"packages for {dist} do not make the users and groups of `{it.path}`") for it in files if it.accounts
        ]
        wanted += [
            (it.main.at, f"packages for {dist} have no alternatives: nothing leads to `{it.main.path}`")
            for it in self.opkg.alternatives
        ]
        wanted += [
            (trigger.at, f"packages for {dist} have no triggers: nobody looks at `{trigger.path}`")
            for trigger in self.opkg.triggers
        ]
        for at, message in wanted:
            self.context.say(diagnostic("WARNING", at, message, help))


@dataclass
class Attributes:
    mode: int
    owner: str = "root"
    group: str = "root"
    config: wit.ConfigKind | None = None
    ghost: bool = False
    capabilities: str | None = None


def mentions_arch(opkg):
    """Whether packages for one architecture may differ from those for another."""
    ruled = [opkg, *opkg.relations, *opkg.file_rules, *opkg.service_rules, *opkg.alternatives, *opkg.triggers]
    placed = [*opkg.files, *opkg.directories]
    return (
        any(it.filter.archs for it in ruled)
        or any(it.only_arch is not None for it in placed)
        or any(file.arch is not None for file in opkg.files)
    )
