//! The OPKG that this program has in itself: the directories that all packages share, which none of them can own.
//!
//! Its package is written beside those of others and required by them, so that whatever is installed leaves nothing
//! behind when it is removed. It is the same to the byte for one version of the program.

use crate::diagnostic::Location;
use crate::model::{
    Author, Change, Class, Destination, Directory, Filter, NodeId, Opkg, Part, Relation, RelationKind,
    Release, Role, Scope, Timestamp, Version,
};
use crate::settings::{FILESYSTEM_PACKAGE, Profile};
use crate::tree;

/// Its name, which no other OPKG may have.
pub const NAME: &str = "filesystem";

/// The only one of its packages that holds anything.
pub const PACKAGE: &str = FILESYSTEM_PACKAGE;

/// When this version of it was made. Changes with the version of the workspace, never with what it is built beside.
const MADE: Timestamp = Timestamp { seconds: 1_735_689_600, offset: 0 };

/// The OPKG. It has no files, so that it needs no directory.
#[must_use]
pub fn opkg() -> Opkg {
    let root = NodeId(0);
    let maintainer = "The OPKG compiler";
    // Nobody reads it, but the formats want an address.
    let email = "opkgc@example.org";
    let provided =
        |name: String| Relation::native(root, Scope::Part(Part::Api), RelationKind::Provides, name);
    let directory = |path: &str| Directory {
        part: Part::Api,
        destination: Destination::Path(path.to_owned()),
        only_arch: None,
        rules: Vec::new(),
    };
    let change = Change {
        at: root,
        author: maintainer.to_owned(),
        email: Some(email.to_owned()),
        date: MADE,
        closes: Vec::new(),
        items: vec!["Directories that the packages of OPKGs share.".to_owned()],
    };
    let version =
        Version { epoch: 0, upstream: env!("CARGO_PKG_VERSION").to_owned(), release: "1".to_owned() };
    Opkg {
        at: root,
        name: NAME.to_owned(),
        class: Class::Core,
        summary: "Directories that the packages of OPKGs share".to_owned(),
        description: vec![
            "The packages that opkgc makes install their files below these directories, and require this package \
             for them."
                .to_owned(),
        ],
        license: "GPL".to_owned(),
        groups: vec!["System Environment/Base".to_owned()],
        uri: None,
        authors: vec![Author {
            at: root,
            role: Role::Maintainer,
            name: maintainer.to_owned(),
            nickname: None,
            email: email.to_owned(),
            institution: None,
            first_year: None,
            last_year: None,
        }],
        filter: Filter::default(),
        // What packages require that were made for the original.
        relations: Profile::Oscar.automatic_relations().into_names().map(provided).collect(),
        payloads: Vec::new(),
        file_rules: Vec::new(),
        service_rules: Vec::new(),
        alternatives: Vec::new(),
        triggers: Vec::new(),
        history: vec![Release { version, changes: vec![change] }],
        home: tree::package_home(NAME),
        files: Vec::new(),
        directories: tree::SHARED_DIRECTORIES.map(directory).to_vec(),
        tells_action: false,
        source_date: MADE,
        locations: vec![Location::File(PACKAGE.to_owned())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_stand_after_those_that_they_are_in_and_have_no_gap() {
        let paths = tree::SHARED_DIRECTORIES;
        for (index, path) in paths.iter().enumerate().skip(1) {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            assert!(paths[..index].contains(&parent), "{path}");
        }
        assert!(paths.is_sorted());
    }

    #[test]
    fn it_stands_in_for_what_the_original_had() {
        let relations = opkg().relations;
        let names: Vec<&str> = relations.iter().filter_map(Relation::native_name).collect();
        assert_eq!(names, ["oscar-data", "liboscar-server", "liboscar-client"]);
        assert!(relations.iter().all(|relation| relation.kind == RelationKind::Provides));
    }
}
