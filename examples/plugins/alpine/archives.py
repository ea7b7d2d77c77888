"""Archives as apk has them, in packages and in indices: tars with gzip, one behind the other, see apk-v2(5)."""

from wit_world.imports import artefacts

# What abuild compresses with.
LEVEL = 9
SIGNATURE = "signature"


def tar(name, entries, end_marker):
    """Those before the last have no end, so that together they are one tar."""
    tar, gzip = artefacts.ArchiveFormat.TAR, artefacts.Compression.GZIP
    return artefacts.Archive(name, tar, gzip, LEVEL, end_marker, entries, attributes=[])


def signature(signed):
    """That of another archive; where nobody signs, it has no bytes. The path ends with the name of a file in /etc/apk/keys."""
    made = artefacts.EmbeddedSignature(
        name=signed,
        path_prefix=".SIGN.RSA.",
        path_suffix=".rsa.pub",
        scheme=artefacts.SignatureScheme_Rsa(artefacts.DigestAlgorithm.SHA1),
    )
    return tar(SIGNATURE, [artefacts.ArchiveEntry_Signature(made)], end_marker=False)


def concatenation(name, archives):
    nested = [artefacts.ArchiveEntry_Archive(artefacts.NestedArchive(archive, path="")) for archive in archives]
    form, none = artefacts.ArchiveFormat.CONCATENATION, artefacts.Compression.NONE
    return artefacts.Archive(name, form, none, None, False, nested, attributes=[])


def member(path, text, mode=0o644):
    content = artefacts.MemberContent_Text(text)
    return artefacts.Member(path, content, mode, owner="root", group="root", headers=[])
