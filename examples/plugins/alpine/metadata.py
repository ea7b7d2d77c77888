"""Of what archives a package is made, and what stands in the first of them: see apk-v2(5)."""

import archives
import relations
import scripts
import version
from wit_world.imports import artefacts

# Where `.PKGINFO` and the scripts stand.
SLOT = "control"
DATA, CONTROL, PACKAGE = "data", "control", "package"
# apk checks files by it, links by what they hold.
FILE_CHECKSUM = "APK-TOOLS.checksum.SHA1"
# Those of alpine-baselayout whose modes are not 0755.
BASE_DIRECTORIES = {"/root": 0o700, "/tmp": 0o1777, "/var/empty": 0o555, "/var/tmp": 0o1777}


def container():
    """The signature, what describes the package, its files. It is over the second one, which has the checksum of the third."""
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
    made = [
        archives.tar(DATA, [artefacts.ArchiveEntry_Files(files)], end_marker=True),
        archives.tar(CONTROL, [artefacts.ArchiveEntry_Slot(SLOT)], end_marker=False),
        archives.signature(CONTROL),
        archives.concatenation(PACKAGE, [archives.SIGNATURE, CONTROL, DATA]),
    ]
    kinds = artefacts.ArchiveMetadata
    told = kinds.RELATIONS | kinds.SCRIPTLETS | kinds.CONFIGURATION | kinds.GHOSTS | kinds.TRIGGERS | kinds.FIELDS
    return artefacts.Container_Archives(artefacts.ArchiveContainer(made, told, signature=None, attributes=[]))


def members(built):
    """`.PKGINFO` and the scripts. By now the host has packed the files."""
    found = [archives.member(".PKGINFO", package_info(built))]
    for script in built.package.scriptlets:
        text = f"#!/bin/sh\n{script.body}"
        found += [archives.member(path, text, 0o755) for path in scripts.MEMBERS[script.time]]
    return found


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
