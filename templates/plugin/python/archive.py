"""One package: its record, and the manifest and scripts in it. CHANGE: the form of the manifest."""

from dataclasses import dataclass, replace

from wit_world.exports import containers
from wit_world.imports import artefacts, model

# The times at which the package manager runs scripts, in the order in which they stand in a manifest.
SCRIPT_TIMES = {
    model.ScriptTime.PRE_INSTALL: "pre-install",
    model.ScriptTime.POST_INSTALL: "post-install",
    model.ScriptTime.PRE_UNINSTALL: "pre-uninstall",
    model.ScriptTime.POST_UNINSTALL: "post-uninstall",
}
KINDS = {
    model.RelationKind.REQUIRES: artefacts.NativeKind_Requires(),
    model.RelationKind.PRE_REQUIRES: artefacts.NativeKind_PreRequires(model.ScriptTime.PRE_INSTALL),
    model.RelationKind.RECOMMENDS: artefacts.NativeKind_Recommends(),
    model.RelationKind.SUGGESTS: artefacts.NativeKind_Suggests(),
    model.RelationKind.SUPPLEMENTS: artefacts.NativeKind_Supplements(),
    model.RelationKind.ENHANCES: artefacts.NativeKind_Enhances(),
    model.RelationKind.PROVIDES: artefacts.NativeKind_Provides(),
    model.RelationKind.CONFLICTS: artefacts.NativeKind_Conflicts(),
    model.RelationKind.BREAKS: artefacts.NativeKind_Breaks(),
    model.RelationKind.OBSOLETES: artefacts.NativeKind_Obsoletes(),
}
OPERATORS = {
    model.Comparison.LT: "<",
    model.Comparison.LE: "<=",
    model.Comparison.EQ: "=",
    model.Comparison.GE: ">=",
    model.Comparison.GT: ">",
}
# Where the manifest and the scripts stand in a package.
MANIFEST_SLOT = "manifest"
# Those that an archive has; the others are of RPMs alone.
MARKS = (
    artefacts.FileMarks.DOCUMENTATION | artefacts.FileMarks.CONFIGURATION | artefacts.FileMarks.GHOST
)


def container():
    """One tar, compressed: what `members` says, then the files under their paths. CHANGE: as many archives as the package
    manager wants, each of which may be an entry of a later one."""
    files = artefacts.FileLayout(
        select=artefacts.FileSelection_Rest(),
        prefix="",
        directories=artefacts.DirectoryEntries.PARENTS,
        # CHANGE: the modes of directories that the distribution has, where they are not 0755: `DirectoryMode("/tmp", 0o1777)`.
        parent_modes=[],
        headers=[],
    )
    tar = artefacts.Archive(
        name="package",
        format=artefacts.ArchiveFormat.TAR,
        compression=artefacts.Compression.GZIP,
        level=None,
        end_marker=True,
        entries=[artefacts.ArchiveEntry_Slot(MANIFEST_SLOT), artefacts.ArchiveEntry_Files(files)],
        attributes=[],
    )
    # What the manifest has. The host takes anything else in a package for a mistake.
    kinds = artefacts.ArchiveMetadata
    metadata = kinds.RELATIONS | kinds.SCRIPTLETS | kinds.CONFIGURATION | kinds.GHOSTS | kinds.FIELDS
    # CHANGE: `signature` says where signatures stand that the package manager reads.
    return artefacts.Container_Archives(
        artefacts.ArchiveContainer(archives=[tar], metadata=metadata, signature=None, attributes=[])
    )


@dataclass
class Version:
    epoch: int
    upstream: str
    release: str

    @classmethod
    def of(cls, opkg, target):
        """CHANGE: what the package manager would not accept in a version, or would sort otherwise, is to be changed here;
        `rules.order_prereleases` helps."""
        written = opkg.history[0].version
        tag = target.release_tag
        # CHANGE: `ReleaseTag_Native` is the distribution's own, where its releases have one (`el9`, `deb12`).
        suffix = f".{tag.value}" if isinstance(tag, model.ReleaseTag_Custom) else ""
        return cls(written.epoch, written.upstream, written.release + suffix)

    def __str__(self):
        epoch = f"{self.epoch}:" if self.epoch else ""
        return f"{epoch}{self.upstream}-{self.release}"

    def in_file_names(self):
        return f"{self.upstream}-{self.release}".replace("/", "_")


class Builder:
    """Makes the packages of an OPKG of what each gets. `arch` is what the distribution calls the architecture. What there is
    to say is collected in `diagnostics`."""

    def __init__(self, dist, opkg, target, arch):
        self.dist = dist
        self.opkg = opkg
        self.version = Version.of(opkg, target)
        self.arch = arch
        self.diagnostics = []
        self.report_unsupported()

    def package(self, plan):
        opkg, version = self.opkg, self.version
        arch = self.arch if plan.is_arch_specific else "any"
        files, fields = self.files(plan)
        return artefacts.BinaryPackage(
            part=plan.part,
            name=plan.name,
            epoch=version.epoch,
            version=version.upstream,
            release=version.release,
            arch=arch,
            summary=plan.summary,
            description="\n\n".join(opkg.description),
            license=opkg.license,
            section="",
            url=opkg.uri,
            maintainer=self.maintainer(),
            container=container(),
            relations=self.relations(plan),
            files=files,
            scriptlets=self.scripts(plan),
            file_triggers=[],
            interests=[],
            changelog=[],
            fields=fields,
            attributes=[],
            file_name=f"{plan.name}-{version.in_file_names()}.{arch}.tar.gz",
        )

    def say(self, severity, at, message, help):
        """Once: packages share what they are about."""
        diagnostic = model.Diagnostic(severity, at, message, help)
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)

    def maintainer(self):
        first = next(author for author in self.opkg.authors if author.role == model.Role.MAINTAINER)
        return f"{first.name} <{first.email}>"

    def files(self, plan):
        """Directories, files and links, and what the manifest says of files in words of its own, since only RPMs have a mark for
        it: of configuration which takes the place of what somebody has changed."""
        files, fields = [], []
        for file in plan.files:
            if file.capabilities is not None:
                message = f"`{file.path}` cannot have capabilities in packages for {self.dist}"
                help = "leave this distribution out with the `filters` of `files`"
                self.say(model.Severity.ERROR, file.content.value, message, help)
            if artefacts.FileMarks.REPLACED in file.marks:
                fields.append(artefacts.Field("configuration-replaced", file.path))
            files.append(replace(file, marks=file.marks & MARKS))
        return files, fields

    def scripts(self, plan):
        """What the package manager runs: each for `/bin/sh`."""
        scripts = []
        for script in plan.scripts:
            if script.time in SCRIPT_TIMES:
                scripts.append(artefacts.Scriptlet(script.time, ["/bin/sh"], script.body))
            else:
                source = self.opkg.files[script.source]
                message = f"packages for {self.dist} have no scripts such as `{source.path}`"
                self.say(model.Severity.WARNING, source.at, message, "let the post-install script do it")
        return scripts

    def relations(self, plan):
        relations = []
        if plan.same_version is not None:
            bound = model.Bound(model.Comparison.EQ, str(self.version))
            kind = artefacts.NativeKind_Requires()
            relations.append(artefacts.NativeRelation(kind, plan.same_version, bound, [], None))
        for relation in plan.relations:
            first, *others = [self.native_package(package) for package in relation.any_of]
            kind = KINDS[relation.kind]
            relations.append(artefacts.NativeRelation(kind, first.name, first.bound, others, None))
        return relations

    def native_package(self, package):
        """CHANGE: what the distribution calls a package, and how it writes versions."""
        if " " in package.name or "|" in package.name:
            message = f"`{package.name}` cannot be the name of a package of {self.dist}"
            help = "name the package that is meant, in a group with filters for this distribution"
            self.say(model.Severity.ERROR, package.at, message, help)
        return artefacts.NativePackage(package.name, package.bound)

    def report_unsupported(self):
        """What an OPKG may want and an archive cannot give: said, not lost. CHANGE: do what the distribution can."""
        dist, opkg = self.dist, self.opkg
        help = f"leave {dist} out with `filters`, or do it in a post-install script"
        wanted = [
            (it.at, f"packages for {dist} do nothing about the unit `{it.path}`") for it in opkg.files if it.unit
        ]
        wanted += [
            (it.at, f"packages for {dist} do not make the users and groups of `{it.path}`")
            for it in opkg.files
            if it.accounts
        ]
        wanted += [
            (it.main.at, f"packages for {dist} have no alternatives: nothing leads to `{it.main.path}`")
            for it in opkg.alternatives
        ]
        wanted += [
            (trigger.at, f"packages for {dist} have no triggers: nobody looks at `{trigger.path}`")
            for trigger in opkg.triggers
        ]
        for at, message in wanted:
            self.say(model.Severity.WARNING, at, message, help)


def members(built):
    """The manifest, then the scripts. By now the host has read all files."""
    text = manifest(built.package, built.opkg, built.target) + contents(built)
    found = [member("manifest", text, 0o644)]
    found += [member(script_path(name), f"#!/bin/sh\n{body}", 0o755) for name, body in scripts(built.package)]
    return found


def member(path, text, mode):
    content = artefacts.MemberContent_Text(text)
    return artefacts.Member(path, content, mode, owner="root", group="root", headers=[])


def scripts(package):
    bodies = {script.time: script.body for script in package.scriptlets}
    return [(name, bodies[time]) for time, name in SCRIPT_TIMES.items() if time in bodies]


def script_path(name):
    return f"scripts/{name}"


def manifest(package, opkg, target):
    """What is known of a package before its files are read: `key = value`, a line each."""
    epoch = f"{package.epoch}:" if package.epoch else ""
    lines = [
        ("name", package.name),
        ("version", f"{epoch}{package.version}-{package.release}"),
        ("arch", package.arch),
        ("summary", package.summary),
        ("license", package.license),
        ("maintainer", package.maintainer),
        ("url", package.url),
        ("vendor", target.vendor),
        ("distribution", target.distribution),
        ("home", opkg.home),
    ]
    for relation in package.relations:
        packages = [artefacts.NativePackage(relation.name, relation.bound), *relation.alternatives]
        lines.append((key(relation.kind), " | ".join(related(package) for package in packages)))
    for file in package.files:
        if artefacts.FileMarks.CONFIGURATION in file.marks:
            lines.append(("configuration", file.path))
        if artefacts.FileMarks.GHOST in file.marks:
            lines.append(("ghost", file.path))
    lines += [(field.name, field.value) for field in package.fields]
    lines += [(name, script_path(name)) for name, _ in scripts(package)]
    return "".join(f"{key} = {value}\n" for key, value in lines if value is not None)


def contents(built):
    """What is known once they are read: how much the package takes, and of each file its SHA-256 and size."""
    lines = [f"size = {built.installed_size}\n"]
    for file in built.files:
        if isinstance(file.kind, containers.FileKind_Regular):
            size, digests = file.kind.value
            lines.append(f"file = {digests.sha256} {size} {file.path}\n")
    return "".join(lines)


def key(kind):
    """`pre-requires`"""
    written = next(written for written, native in KINDS.items() if type(native) is type(kind))
    return written.name.lower().replace("_", "-")


def related(package):
    """`a >= 1.2`"""
    if package.bound is None:
        return package.name
    return f"{package.name} {OPERATORS[package.bound.comparison]} {package.bound.version}"
