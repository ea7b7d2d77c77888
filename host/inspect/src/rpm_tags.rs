//! Names of the tags of an RPM, from its public header `rpmtag.h`, and which of them are told of elsewhere.

/// Tags that are compared one by one.
const TAG_NAMES: [(u32, &str); 75] = [
    (100, "HEADERI18NTABLE"),
    (1000, "NAME"),
    (1001, "VERSION"),
    (1002, "RELEASE"),
    (1003, "EPOCH"),
    (1004, "SUMMARY"),
    (1005, "DESCRIPTION"),
    (1006, "BUILDTIME"),
    (1007, "BUILDHOST"),
    (1009, "SIZE"),
    (1010, "DISTRIBUTION"),
    (1011, "VENDOR"),
    (1014, "LICENSE"),
    (1015, "PACKAGER"),
    (1016, "GROUP"),
    (1018, "SOURCE"),
    (1019, "PATCH"),
    (1020, "URL"),
    (1021, "OS"),
    (1022, "ARCH"),
    (1044, "SOURCERPM"),
    (1059, "EXCLUDEARCH"),
    (1060, "EXCLUDEOS"),
    (1061, "EXCLUSIVEARCH"),
    (1062, "EXCLUSIVEOS"),
    (1064, "RPMVERSION"),
    (1065, "TRIGGERSCRIPTS"),
    (1066, "TRIGGERNAME"),
    (1067, "TRIGGERVERSION"),
    (1068, "TRIGGERFLAGS"),
    (1069, "TRIGGERINDEX"),
    (1089, "BUILDARCHS"),
    (1092, "TRIGGERSCRIPTPROG"),
    (1094, "COOKIE"),
    (1098, "PREFIXES"),
    (1106, "SOURCEPACKAGE"),
    (1122, "OPTFLAGS"),
    (1123, "DISTURL"),
    (1124, "PAYLOADFORMAT"),
    (1125, "PAYLOADCOMPRESSOR"),
    (1126, "PAYLOADFLAGS"),
    (1132, "PLATFORM"),
    (1140, "FILECOLORS"),
    (1141, "FILECLASS"),
    (1142, "CLASSDICT"),
    (1143, "FILEDEPENDSX"),
    (1144, "FILEDEPENDSN"),
    (1145, "DEPENDSDICT"),
    (1146, "SOURCEPKGID"),
    (5009, "LONGSIZE"),
    (5010, "FILECAPS"),
    (5011, "FILEDIGESTALGO"),
    (5012, "BUGURL"),
    (5034, "VCS"),
    (5062, "ENCODING"),
    (5068, "FILETRIGGERSCRIPTFLAGS"),
    (5078, "TRANSFILETRIGGERSCRIPTFLAGS"),
    (5084, "FILETRIGGERPRIORITIES"),
    (5085, "TRANSFILETRIGGERPRIORITIES"),
    (5092, "PAYLOADDIGEST"),
    (5093, "PAYLOADDIGESTALGO"),
    (5097, "PAYLOADDIGESTALT"),
    (5103, "MODULARITYLABEL"),
    (5112, "PAYLOADSIZE"),
    (5113, "PAYLOADSIZEALT"),
    (5114, "RPMFORMAT"),
    (5115, "FILEMIMEINDEX"),
    (5116, "MIMEDICT"),
    (5118, "PACKAGEDIGESTS"),
    (5119, "PACKAGEDIGESTALGOS"),
    (5120, "SOURCENEVR"),
    (5121, "PAYLOADSHA512"),
    (5122, "PAYLOADSHA512ALT"),
    (5123, "PAYLOADSHA3_256"),
    (5124, "PAYLOADSHA3_256ALT"),
];

/// Those of the signature header.
const SIGNATURE_TAG_NAMES: [(u32, &str); 19] = [
    (267, "DSAHEADER"),
    (268, "RSAHEADER"),
    (269, "SHA1HEADER"),
    (270, "LONGSIGSIZE"),
    (271, "LONGARCHIVESIZE"),
    (273, "SHA256HEADER"),
    (274, "FILESIGNATURES"),
    (275, "FILESIGNATURELENGTH"),
    (276, "VERITYSIGNATURES"),
    (277, "VERITYSIGNATUREALGO"),
    (278, "OPENPGP"),
    (279, "SHA3_256HEADER"),
    (999, "RESERVED"),
    (1000, "SIGSIZE"),
    (1002, "SIGPGP"),
    (1004, "SIGMD5"),
    (1005, "SIGGPG"),
    (1007, "PAYLOADSIZE"),
    (1008, "RESERVEDSPACE"),
];

/// The name of a tag, or its number.
pub(crate) fn tag_name(tag: u32) -> String {
    look_up(&TAG_NAMES, tag)
}

/// The same in the signature header.
pub(crate) fn signature_tag_name(tag: u32) -> String {
    format!("signature {}", look_up(&SIGNATURE_TAG_NAMES, tag))
}

fn look_up(names: &[(u32, &str)], tag: u32) -> String {
    let known = names.iter().find(|it| it.0 == tag);
    known.map_or_else(|| format!("tag {tag}"), |it| it.1.to_owned())
}

/// Names, versions and flags of a kind of relation.
pub(crate) struct RelationTags {
    pub(crate) kind: &'static str,
    pub(crate) names: u32,
    pub(crate) versions: u32,
    pub(crate) flags: u32,
}

const fn relation_tags(kind: &'static str, names: u32, versions: u32, flags: u32) -> RelationTags {
    RelationTags { kind, names, versions, flags }
}

/// All kinds of relations.
pub(crate) const RELATIONS: [RelationTags; 9] = [
    relation_tags("provides", 1047, 1113, 1112),
    relation_tags("requires", 1049, 1050, 1048),
    relation_tags("conflicts", 1054, 1055, 1053),
    relation_tags("obsoletes", 1090, 1115, 1114),
    relation_tags("recommends", 5046, 5047, 5048),
    relation_tags("suggests", 5049, 5050, 5051),
    relation_tags("supplements", 5052, 5053, 5054),
    relation_tags("enhances", 5055, 5056, 5057),
    relation_tags("order with requires", 5035, 5036, 5037),
];

/// Scriptlets: name, body, and what runs it.
pub(crate) const SCRIPTLETS: [(&str, u32, u32); 7] = [
    ("pre", 1023, 1085),
    ("post", 1024, 1086),
    ("preun", 1025, 1087),
    ("postun", 1026, 1088),
    ("verify", 1079, 1091),
    ("pretrans", 1151, 1153),
    ("posttrans", 1152, 1154),
];

/// Triggers that files set off: the tags of each one's body and program, then those of each prefix, of the number of the trigger
/// that it belongs to, and of the flags that say when that runs. Beside the latter is a version, which is always empty.
pub(crate) struct FileTriggerTags {
    pub(crate) prefix: &'static str,
    pub(crate) bodies: u32,
    pub(crate) programs: u32,
    pub(crate) names: u32,
    pub(crate) indexes: u32,
    pub(crate) versions: u32,
    pub(crate) flags: u32,
}

/// For each package, and once for a transaction.
pub(crate) const FILE_TRIGGERS: [FileTriggerTags; 2] = [
    FileTriggerTags {
        prefix: "filetrigger",
        bodies: 5066,
        programs: 5067,
        names: 5069,
        indexes: 5070,
        versions: 5071,
        flags: 5072,
    },
    FileTriggerTags {
        prefix: "transfiletrigger",
        bodies: 5076,
        programs: 5077,
        names: 5079,
        indexes: 5080,
        versions: 5081,
        flags: 5082,
    },
];

/// When a trigger runs, by bits of its flags, as a spec calls it.
pub(crate) const TRIGGER_TIMES: [(u32, &str); 4] = [(16, "in"), (17, "un"), (18, "postun"), (25, "prein")];

/// Comparison in the flags of a relation, by its three bits from the second one on: less, greater, equal.
pub(crate) const COMPARISON_OPERATORS: [&str; 8] = ["", "<", ">", "<>", "=", "<=", ">=", "<=>"];

/// Other bits of a relation's flags.
pub(crate) const RELATION_FLAGS: [(u32, &str); 10] = [
    (5, "posttrans"),
    (6, "prereq"),
    (8, "interp"),
    (9, "pre"),
    (10, "post"),
    (11, "preun"),
    (12, "postun"),
    (14, "auto"),
    (24, "rpmlib"),
    (28, "config"),
];

/// Of a file that is the package's, but not in it.
pub(crate) const FILE_GHOST_BIT: u32 = 6;

/// Bits of a file's flags.
pub(crate) const FILE_FLAG_NAMES: [(u32, &str); 10] = [
    (0, "config"),
    (1, "doc"),
    (2, "donotuse"),
    (3, "missingok"),
    (4, "noreplace"),
    (5, "spec"),
    (6, "ghost"),
    (7, "license"),
    (8, "readme"),
    (12, "artifact"),
];

pub(crate) const NAME: u32 = 1000;
pub(crate) const ARCH: u32 = 1022;
pub(crate) const OLD_FILE_NAMES: u32 = 1027;
pub(crate) const FILE_SIZES: u32 = 1028;
pub(crate) const FILE_MODES: u32 = 1030;
pub(crate) const FILE_TIMES: u32 = 1034;
pub(crate) const FILE_DIGESTS: u32 = 1035;
pub(crate) const FILE_LINKS: u32 = 1036;
pub(crate) const FILE_FLAGS: u32 = 1037;
pub(crate) const FILE_USERS: u32 = 1039;
pub(crate) const FILE_GROUPS: u32 = 1040;
pub(crate) const FILE_VERIFY_FLAGS: u32 = 1045;
pub(crate) const CHANGELOG_TIMES: u32 = 1080;
pub(crate) const CHANGELOG_NAMES: u32 = 1081;
pub(crate) const CHANGELOG_TEXTS: u32 = 1082;
pub(crate) const FILE_DEVICES: u32 = 1095;
pub(crate) const FILE_INODES: u32 = 1096;
pub(crate) const FILE_LANGUAGES: u32 = 1097;
pub(crate) const DIRECTORY_INDEXES: u32 = 1116;
pub(crate) const BASE_NAMES: u32 = 1117;
pub(crate) const DIRECTORY_NAMES: u32 = 1118;
pub(crate) const PAYLOAD_FORMAT: u32 = 1124;
pub(crate) const PAYLOAD_COMPRESSOR: u32 = 1125;
pub(crate) const LONG_FILE_SIZES: u32 = 5008;
pub(crate) const FILE_CAPABILITIES: u32 = 5010;

/// What is told of as part of something else, or says nothing of what is installed: devices and inodes.
const NOT_COMPARED: [u32; 22] = [
    OLD_FILE_NAMES,
    FILE_SIZES,
    FILE_MODES,
    1033,
    FILE_TIMES,
    FILE_DIGESTS,
    FILE_LINKS,
    FILE_FLAGS,
    FILE_USERS,
    FILE_GROUPS,
    FILE_VERIFY_FLAGS,
    CHANGELOG_TIMES,
    CHANGELOG_NAMES,
    CHANGELOG_TEXTS,
    FILE_DEVICES,
    FILE_INODES,
    FILE_LANGUAGES,
    DIRECTORY_INDEXES,
    BASE_NAMES,
    DIRECTORY_NAMES,
    LONG_FILE_SIZES,
    FILE_CAPABILITIES,
];

/// Whether a tag is compared by itself.
pub(crate) fn is_compared(tag: u32) -> bool {
    !NOT_COMPARED.contains(&tag)
        && RELATIONS.iter().all(|it| ![it.names, it.versions, it.flags].contains(&tag))
        && SCRIPTLETS.iter().all(|it| it.1 != tag && it.2 != tag)
        && FILE_TRIGGERS
            .iter()
            .all(|it| ![it.bodies, it.programs, it.names, it.indexes, it.versions, it.flags].contains(&tag))
}
