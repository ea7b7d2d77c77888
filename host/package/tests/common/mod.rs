//! An OPKG to write packages of.

use fs_err as fs;
use opkg::model::{Change, Class, Destination, NodeId, Opkg, Part, Release, SourceFile, Timestamp, Version};
use opkg_package::OpkgSource;
use sha2::{Digest, Sha256};

/// Of everything that is written.
pub const TIME: i64 = 1_400_000_000;

/// An OPKG in a directory of its own.
pub struct Fixture {
    pub directory: tempfile::TempDir,
    pub opkg: Opkg,
}

impl Fixture {
    pub fn new(files: &[(&str, &str, u32)], links: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut sources = Vec::new();
        for (path, contents, mode) in files {
            let place = directory.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, contents).unwrap();
            sources.push(file(sources.len(), path, contents, *mode, None));
        }
        for (path, to) in links {
            let place = directory.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs_err::os::unix::fs::symlink(to, place).unwrap();
            sources.push(file(sources.len(), path, "", 0o777, Some(to)));
        }
        Self { directory, opkg: opkg(sources) }
    }

    pub fn source(&self) -> OpkgSource<'_> {
        OpkgSource { opkg: &self.opkg, directory: self.directory.path(), payloads: None }
    }
}

fn file(index: usize, path: &str, contents: &str, mode: u32, link: Option<&str>) -> SourceFile {
    SourceFile {
        at: NodeId(index as u32),
        path: path.into(),
        payload: None,
        part: Part::Api,
        destination: Destination::Path(format!("/x/{path}")),
        mode,
        size: contents.len() as u64,
        sha256: Sha256::digest(contents).into(),
        interpreter: Vec::new(),
        link: link.map(str::to_owned),
        is_configuration: false,
        arch: None,
        only_arch: None,
        rules: Vec::new(),
        unit: None,
        accounts: Vec::new(),
        scriptlet: None,
    }
}

fn opkg(files: Vec<SourceFile>) -> Opkg {
    let date = Timestamp { seconds: TIME, offset: 0 };
    let change = Change {
        at: NodeId(0),
        author: "A".into(),
        email: None,
        date,
        closes: Vec::new(),
        items: vec!["x".into()],
    };
    let version = Version { epoch: 1, upstream: "1.0".into(), release: "2".into() };
    Opkg {
        at: NodeId(0),
        name: "x".into(),
        class: Class::Core,
        summary: "X".into(),
        description: vec!["X".into()],
        license: "GPL".into(),
        groups: vec!["G".into()],
        uri: None,
        authors: Vec::new(),
        filter: opkg::model::Filter::default(),
        relations: Vec::new(),
        payloads: Vec::new(),
        file_rules: Vec::new(),
        service_rules: Vec::new(),
        alternatives: Vec::new(),
        triggers: Vec::new(),
        history: vec![Release { version, changes: vec![change] }],
        home: "/x".into(),
        files,
        directories: Vec::new(),
        tells_action: false,
        source_date: date,
        locations: Vec::new(),
    }
}
