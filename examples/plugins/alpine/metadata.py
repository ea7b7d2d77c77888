"""Of what archives a package is made, and what stands in the first of them: see apk-v2(5)."""

import relations
import scripts
import version
from wit_world.imports import artefacts

# Where `.PKGINFO` and the scripts stand.
SLOT = "control"
DATA, CONTROL, PACKAGE = "data", "control", "package"
# What abuild compresses with.
LEVEL = 9
# apk checks files by it, links by what they hold.
FILE_CHECKSUM = "APK-TOOLS.checksum.SHA1"
# Those of alpine-baselayout whose modes are not 0755.
BASE_DIRECTORIES = {"/root": 0o700, "/tmp": 0o1777, "/var/empty": 0o555, "/var/tmp": 0o1777}


def container():
    """Two tars, each compressed by itself, one behind the other; the first has no end, so that together they are one."""
    files = artefacts.FileLayout(
        select=artefacts.FileSelection_Rest(),
        prefix="",
        # apk takes no file whose directory is not there.
        directories=artefacts.DirectoryEntries.PARENTS,
        parent_modes=[artefacts.DirectoryMode(path, mode) for path, mode in BASE_DIRECTORIES.items()],
        headers=[
            artefacts.ExtendedHeader(
                FILE_CHECKSUM, artefacts.HeaderValue_Digest(artefacts.DigestAlgorithm.SHA1)
            )
        ],
    )
    nested = [artefacts.ArchiveEntry_Archive(artefacts.NestedArchive(name, "")) for name in (CONTROL, DATA)]
    tar, concatenation = artefacts.ArchiveFormat.TAR, artefacts.ArchiveFormat.CONCATENATION
    gzip, none = artefacts.Compression.GZIP, artefacts.Compression.NONE
    archives = [
        artefacts.Archive(DATA, tar, gzip, LEVEL, True, [artefacts.ArchiveEntry_Files(files)], []),
        artefacts.Archive(CONTROL, tar, gzip, LEVEL, False, [artefacts.ArchiveEntry_Slot(SLOT)], []),
        artefacts.Archive(PACKAGE, concatenation, none, None, False, nested, []),
    ]
    kinds = artefacts.ArchiveMetadata
    told = kinds.RELATIONS | kinds.SCRIPTLETS | kinds.CONFIGURATION | kinds.GHOSTS | kinds.TRIGGERS | kinds.FIELDS
    # apk's signatures are of another kind, and stand within the package.
    return artefacts.Container_Archives(artefacts.ArchiveContainer(archives, told, None, []))


def members(built):
    """`.PKGINFO` and the scripts. By now the host has packed the files."""
    found = [member(".PKGINFO", package_info(built), 0o644)]
    for script in built.package.scriptlets:
        text = f"#!/bin/sh\n{script.body}"
        found += [member(path, text, 0o755) for path in scripts.MEMBERS[script.time]]
    return found


def member(path, text, mode):
    return artefacts.Member(path, artefacts.MemberContent_Text(text), mode, "root", "root", [])


def package_info(built):
    """What apk shows of a package, and what it needs: a field in each line."""
    package, opkg = built.package, built.opkg
    data = next(archive for archive in built.archives if archive.name == DATA)
    fields = [
        ("pkgname", package.name),
        ("pkgver", full_version(package)),
        ("pkgdesc", package.summary),
        ("url", package.url or ""),
        ("builddate", opkg.source_date.seconds),
        ("packager", package.maintainer),
        ("size", installed_size(built)),
        ("arch", package.arch),
        ("origin", f"opkg-{opkg.name}"),
        ("maintainer", package.maintainer),
        ("license", package.license),
    ]
    fields += relations.lines(package.relations)
    if package.interests:
        fields.append(("triggers", " ".join(scripts.trigger_patterns(package.interests))))
    fields += [(field.name, field.value) for field in package.fields]
    # For people: apk knows configuration by where it lies, see `package.protection`.
    kept = [file.path.removeprefix("/") for file in built.files if file.is_configuration]
    fields += [("# configuration", path) for path in kept]
    fields.append(("datahash", data.digests.sha256))
    return "".join(f"{name} = {value}\n" for name, value in fields)


def installed_size(built):
    """Of a package of no size, apk 2 would unpack nothing and run nothing."""
    has_something = built.files or built.package.scriptlets
    return built.installed_size or (1 if has_something else 0)


def full_version(package):
    return version.native(f"{package.version}-{package.release}")
