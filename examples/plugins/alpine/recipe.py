"""The recipe of which abuild makes the same packages. An APKBUILD is run by the shell: every text in it is quoted."""

import archives
import relations
import scripts
from wit_world.imports import artefacts, model, rules

# Variables by the fields of .PKGINFO.
VARIABLES = [
    ("depends", "depend"),
    ("provides", "provides"),
    ("replaces", "replaces"),
    ("install_if", "install_if"),
]


def meta_files(opkg, base, tree, packages):
    """The APKBUILD, and the scripts and texts beside it, which it names as sources."""
    companions = [(f"{package.name}{member.path}", member) for package in packages for member in script_members(package)]
    texts = [(name, text) for package in packages for name, text in own_texts(package)]
    files = [artefacts.TextFile(f"{base}/APKBUILD", render(opkg, base, tree, packages, companions, texts), False)]
    files += [artefacts.TextFile(f"{base}/{name}", member.content.value, True) for name, member in companions]
    files += [artefacts.TextFile(f"{base}/{name}", text, False) for name, text in texts]
    return files


def script_members(package):
    for script in package.scriptlets:
        for path in scripts.MEMBERS[script.time]:
            yield archives.member(path, f"#!/bin/sh\n{script.body}", 0o755)


def own_texts(package):
    """Files that are none of the OPKG's."""
    for file in package.files:
        if isinstance(file.content, artefacts.Content_Text):
            yield file.path.rsplit("/", 1)[1], file.content.value


def render(opkg, base, tree, packages, companions, texts):
    quote = rules.shell_quote
    api = next(package for package in packages if isinstance(package.part, model.Part_Api))
    others = [package for package in packages if package is not api]
    installs = [name for name, member in companions if member.path != ".trigger"]
    triggers = [
        f"{package.name}.trigger={':'.join(scripts.trigger_patterns(package.interests))}"
        for package in packages
        if package.interests
    ]
    subpackages = [f"{package.name}:{function(package)}:{package.arch}" for package in others]
    lines = [
        f"# Maintainer: {api.maintainer}",
        f"pkgname={quote(base)}",
        f"pkgver={quote(api.version)}",
        f"pkgrel={quote(api.release)}",
        f"pkgdesc={quote(api.summary)}",
        f"url={quote(api.url or '')}",
        f"arch={quote(api.arch)}",
        f"license={quote(api.license)}",
        *variables(api),
        f"install={quote(' '.join(installs))}",
        f"triggers={quote(' '.join(triggers))}",
        f"subpackages={quote(' '.join(subpackages))}",
        f"source={quote(' '.join([f'{tree}.tar.gz', *(name for name, _ in companions + texts)]))}",
        f'builddir="$srcdir"/{quote(tree)}',
        "options='!check !tracedeps !strip'",
        "",
        "package() {",
        *install_commands(opkg, api, "$pkgdir"),
        "}",
    ]
    for package in others:
        lines += ["", f"{function(package)}() {{", f"\tpkgdesc={quote(package.summary)}"]
        lines += [f"\t{line}" for line in variables(package)]
        lines += [*install_commands(opkg, package, "$subpkgdir"), "}"]
    return "\n".join(lines) + "\n"


def function(package):
    """A name that the shell takes."""
    if isinstance(package.part, model.Part_Extra):
        return package.part.value.replace("-", "_")
    return type(package.part).__name__.removeprefix("Part_").lower()


def variables(package):
    found = relations.lines(package.relations)
    for variable, field in VARIABLES:
        yield f"{variable}={rules.shell_quote(' '.join(text for name, text in found if name == field))}"


def install_commands(opkg, package, root):
    """Commands that put files where they go."""
    quote = rules.shell_quote
    sources = {file.at: file.path for file in opkg.files}
    yield f'\tmkdir -p "{root}"'
    for file in package.files:
        if artefacts.FileMarks.GHOST in file.marks:
            continue
        path = f'"{root}"{quote(file.path)}'
        owner = f"-o {file.owner} -g {file.group} -m {file.mode:o}"
        match file.content:
            case artefacts.Content_Directory():
                yield f"\tinstall -d {owner} {path}"
            case artefacts.Content_Link(value=target):
                yield f'\tmkdir -p "$(dirname {path})" && ln -s {quote(target)} {path}'
            case artefacts.Content_Source(value=at):
                yield f'\tinstall -D {owner} "$builddir"/{quote(sources[at])} {path}'
            case artefacts.Content_Text():
                yield f'\tinstall -D {owner} "$srcdir"/{quote(file.path.rsplit("/", 1)[1])} {path}'
