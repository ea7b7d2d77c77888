"""One package, decided in full: what abuild reads and what the host packs are written from this."""

from dataclasses import replace

import metadata
import relations
import scripts
import version
from diagnostics import Diagnostics
from wit_world.imports import artefacts, model, rules

# What scripts are told of what apk passes: the new version and, of an upgrade, the old one; the version that goes.
INSTALLED = "OPKG_ACTION=${2:+upgrade} OPKG_OLD_VERSION=$2\nOPKG_ACTION=${OPKG_ACTION:-install}\n"
REMOVED = "OPKG_ACTION=remove OPKG_OLD_VERSION=$1\n"
TRIGGERED = "OPKG_ACTION=triggered OPKG_OLD_VERSION=\n"
ACTIONS = [
    rules.ActionCommands(model.ScriptTime.PRE_INSTALL, INSTALLED),
    rules.ActionCommands(model.ScriptTime.POST_INSTALL, INSTALLED),
    rules.ActionCommands(model.ScriptTime.PRE_UNINSTALL, REMOVED),
    rules.ActionCommands(model.ScriptTime.POST_UNINSTALL, REMOVED),
    rules.ActionCommands(model.ScriptTime.TRIGGERED, TRIGGERED),
]
# Where apk looks for what it is to keep; what is below /etc it keeps by itself.
PROTECTED_PATHS = "/etc/apk/protected_paths.d"
SET_ID_BITS = 0o6000
# Those that records of such packages have; the others are of RPMs alone.
MARKS = artefacts.FileMarks.DOCUMENTATION | artefacts.FileMarks.CONFIGURATION | artefacts.FileMarks.GHOST


class Builder:
    """Makes the packages of an OPKG of what each gets. `arch` is what the distribution calls the architecture."""

    def __init__(self, opkg, target, arch):
        self.opkg = opkg
        self.target = target
        self.arch = arch
        self.diagnostics = Diagnostics()
        self.version = version.of_opkg(opkg, self.diagnostics)
        self.report_release_tag()

    def package(self, plan):
        opkg = self.opkg
        self.report_unsupported(plan)
        scriptlets = scripts.of_part(opkg, plan)
        own = relations.of_part(plan, self.version, self.diagnostics)
        needed = scripts.needed(plan, scriptlets)
        own += [relations.relation(artefacts.NativeKind_Requires(), name) for name in needed]
        return artefacts.BinaryPackage(
            part=plan.part,
            name=plan.name,
            # Of the record alone: apk has none.
            epoch=self.version.epoch,
            version=self.version.upstream,
            release=self.version.release,
            arch=self.arch if plan.is_arch_specific else "noarch",
            summary=plan.summary,
            description="\n\n".join(opkg.description),
            license=opkg.license,
            section="",
            url=opkg.uri,
            maintainer=self.maintainer(),
            container=metadata.container(),
            relations=own,
            files=self.files(plan),
            scriptlets=scriptlets,
            file_triggers=[],
            interests=[opkg.triggers[index].path for index in plan.triggers],
            changelog=[],
            fields=self.fields(plan),
            attributes=[],
            file_name=f"{plan.name}-{version.native(str(self.version))}.apk",
        )

    def maintainer(self):
        first = next(author for author in self.opkg.authors if author.role == model.Role.MAINTAINER)
        return f"{first.name} <{first.email}>"

    def files(self, plan):
        """As they are packed; scripts do the rest."""
        for file in plan.files:
            if artefacts.FileMarks.REPLACED in file.marks and artefacts.FileMarks.GHOST not in file.marks:
                message = f"apk keeps `{file.path}` where somebody has changed it, and never replaces it"
                self.diagnostics.note(file.content.value, message)
        files = [
            replace(file, mode=packed_mode(file), capabilities=None, marks=file.marks & MARKS) for file in plan.files
        ]
        if rules_of_protection := protection(files):
            path = f"{PROTECTED_PATHS}/{plan.name}.list"
            text = artefacts.Content_Text("".join(f"{rule}\n" for rule in rules_of_protection))
            files.append(artefacts.PackedFile(path, text, 0o644, "root", "root", None, artefacts.FileMarks(0)))
        return sorted(files, key=lambda file: file.path)

    def fields(self, plan):
        """What nothing else of .PKGINFO says: apk passes over what it does not know."""
        told = [("vendor", self.target.vendor), ("distribution", self.target.distribution)]
        for planned in plan.recorded_conflicts:
            for package in planned.any_of if planned.by_default else []:
                bound = package.bound
                written = f" {relations.OPERATORS[bound.comparison]} {bound.version}" if bound else ""
                told.append(("opkg_conflicts", package.name + written))
        return [artefacts.Field(name, value) for name, value in told if value is not None]

    def report_release_tag(self):
        """A release is a number, and says nothing of the distribution's."""
        tag = self.target.release_tag
        if isinstance(tag, model.ReleaseTag_Custom):
            message = f"apk has no place for the release tag `{tag.value}`, which is left out"
            help = "leave it out for this distribution, with --release-tag native or none"
            self.diagnostics.warning(self.opkg.at, message, help)

    def report_unsupported(self, plan):
        """What the distribution does not do."""
        opkg, say = self.opkg, self.diagnostics.warning
        for script in plan.scripts:
            if script.time not in scripts.MEMBERS:
                source = opkg.files[script.source]
                message = f"never run: apk has no scripts such as `{source.path}`"
                say(source.at, message, "let the post-install script do it, which runs for each package")
        packed = {file.content.value for file in plan.files if isinstance(file.content, artefacts.Content_Source)}
        for file in opkg.files:
            if file.unit and file.at in packed:
                message = f"Alpine Linux has no systemd: nothing starts `{file.path}`"
                help = "bring a service of OpenRC in /etc/init.d, and add it to a runlevel in the post-install script"
                say(file.at, message, help)
        for index in plan.alternatives:
            main = opkg.alternatives[index].main
            message = f"Alpine Linux has no alternatives: nothing leads to `{main.path}`"
            say(main.at, message, "leave this distribution out with the `filters` of `alternatives`")


def packed_mode(file):
    """Until its owner is right, a file is nobody's with the rights of another: `rules.attribute_commands` gives them."""
    is_given = is_regular(file) and (file.owner, file.group) != ("root", "root")
    return file.mode & ~SET_ID_BITS if is_given else file.mode


def protection(files):
    """What apk has to be told of configuration elsewhere, and of files below /etc that are none: protected_paths(5)."""
    packed = [file for file in files if is_regular(file) and artefacts.FileMarks.GHOST not in file.marks]
    is_kept = {file.path: artefacts.FileMarks.CONFIGURATION in file.marks for file in packed}
    return [
        f"{'+' if kept else '-'}{path.removeprefix('/')}"
        for path, kept in sorted(is_kept.items())
        if kept != path.startswith("/etc/")
    ]


def is_regular(file):
    return not isinstance(file.content, (artefacts.Content_Directory, artefacts.Content_Link))
