"""The index of a directory of packages, as `apk index` writes it: APKINDEX.tar.gz."""

import base64

import archives
import version
from componentize_py_types import Err
from wit_world.exports import containers
from wit_world.imports import artefacts

PACKAGE_INFO = ".PKGINFO"
FILE = "APKINDEX.tar.gz"
# The archive in it that is signed.
INDEX = "index"
REQUEST = containers.IndexRequest(suffixes=[".apk"], members=[PACKAGE_INFO], attributes=[])
# Letters of an index by the fields of .PKGINFO, in their order: those that each package has, others, and those that may stand
# there several times.
FIELDS = [
    ("P", "pkgname"),
    ("V", "pkgver"),
    ("A", "arch"),
    ("S", None),
    ("I", "size"),
    ("T", "pkgdesc"),
    ("U", "url"),
    ("L", "license"),
]
OPTIONAL = [("o", "origin"), ("m", "maintainer"), ("t", "builddate"), ("c", "commit"), ("k", "provider_priority")]
LISTS = [("D", "depend"), ("p", "provides"), ("i", "install_if")]
NOARCH = "noarch"


class Package:
    """A package with what it says of itself."""

    def __init__(self, file):
        self.file = file
        info = next((member.contents for member in file.members if member.path == PACKAGE_INFO), None)
        if info is None:
            raise Err(f"`{file.file_name}` is no package of apk: it has no .PKGINFO")
        try:
            lines = info.decode().split("\n")
        except UnicodeDecodeError:
            raise Err(f"`{file.file_name}` is no package of apk: its .PKGINFO is not in UTF-8")
        self.fields = {}
        for line in lines:
            name, separator, value = line.partition(" = ")
            if separator and not line.startswith("#"):
                self.fields.setdefault(name, []).append(value)
        for needed in ("pkgname", "pkgver", "arch"):
            if not self.value(needed):
                raise Err(f"`{file.file_name}` is no package of apk: its .PKGINFO has no {needed}")
        expected = f"{self.value('pkgname')}-{self.value('pkgver')}.apk"
        if file.file_name != expected:
            raise Err(f"apk looks for `{file.file_name}` as `{expected}`: rename it")

    def value(self, name):
        return self.fields.get(name, [""])[0]

    def identity(self):
        """The checksum of the archive that describes the package: behind those of signatures, if there are any."""
        if len(self.file.segments) < 2:
            raise Err(f"`{self.file.file_name}` is no package of apk: it is not made of two archives")
        digest = bytes.fromhex(self.file.segments[-2].digests.sha1)
        return "Q1" + base64.b64encode(digest).decode()

    def entry(self, arch):
        """`arch` is that of the directory: apk looks for a package in the one that is called after its architecture."""
        given = {"A": arch if self.value("arch") == NOARCH else self.value("arch"), "S": str(self.file.size)}
        lines = [f"C:{self.identity()}"]
        lines += [f"{letter}:{given.get(letter) or self.value(field)}" for letter, field in FIELDS]
        lines += [f"{letter}:{self.value(field)}" for letter, field in OPTIONAL if self.value(field)]
        lines += [f"{letter}:{' '.join(self.fields[field])}" for letter, field in LISTS if field in self.fields]
        return "".join(f"{line}\n" for line in lines) + "\n"


def write(source, files, native_archs):
    """`native_archs` are the distribution's names of architectures, by the canonical ones."""
    packages = sorted(
        (Package(file) for file in files),
        key=lambda package: (package.value("pkgname"), version.key(package.value("pkgver"))),
    )
    arch = directory_arch({native_archs.get(canonical, canonical) for canonical in source.archs}, packages)
    text = "".join(package.entry(arch) for package in packages)
    members = [archives.member("DESCRIPTION", source.name), archives.member("APKINDEX", text)]
    made = [
        archives.tar(INDEX, [artefacts.ArchiveEntry_Member(member) for member in members], end_marker=True),
        archives.signature(INDEX),
        archives.concatenation(FILE, [archives.SIGNATURE, INDEX]),
    ]
    return [containers.IndexFile(FILE, containers.IndexContent_Archives(made), signature=None, attributes=[])]


def directory_arch(asked, packages):
    """What the directory is called after: the architecture that was asked for, or that of packages that are for one alone."""
    archs = asked | {package.value("arch") for package in packages} - {NOARCH}
    if len(archs) > 1:
        raise Err(f"the packages are for {' and '.join(sorted(archs))}: apk has a directory for each architecture")
    return archs.pop() if archs else NOARCH
