//! What others have built, taken into packages: fetched once from a server, locked, and from then on the same wherever it is
//! built; packages of one family become those of the other and come back.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::http::HttpServer;
use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::package::InstalledFile;
use opkg_tests::server_certificate::ServerCertificate;
use opkg_tests::{inspect, process, require_tools, scratch};

use crate::supply_chain;

const TARGETS: [&str; 2] = ["rhel-9-x86_64", "debian-12-x86_64"];

/// As a project publishes what it has built: a program, pages, a link, a hard link, names with blanks.
fn publish(directory: &Path, text: &str) {
    let top = scratch::create_directory("release").join("tool-1.0.linux-amd64");
    let items = [
        TreeEntry::file("tool", 0o775, format!("#!/bin/sh\necho {text}\n")),
        TreeEntry::file("LICENSE", 0o664, "free"),
        TreeEntry::file("man/tool.1", 0o644, ".TH TOOL 1\n"),
        TreeEntry::file("lib/a file.so", 0o755, "not an object"),
        TreeEntry::link("lib/link.so", "a file.so"),
        TreeEntry::file("etc/tool.conf", 0o640, "setting = 1\n"),
    ];
    file_tree::write_tree(&top, &items);
    fs_err::hard_link(top.join("lib/a file.so"), top.join("lib/hard.so")).unwrap();
    fs_err::create_dir_all(directory.join("v1.0")).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(top.parent().unwrap()).args(["--owner=builder:1000", "--group=builder:1000"]);
    tar.arg("-cJf").arg(directory.join("v1.0/tool-1.0.linux-amd64.tar.xz")).arg("tool-1.0.linux-amd64");
    process::run_successfully(&mut tar);
}

/// Takes it for nodes of one architecture.
fn write_opkg(source: &str) -> PathBuf {
    let payloads = format!(
        r#"<payloads>
    <payload source="{source}" part="client" arch="x86_64" strip="1">
      <take path="tool" to="/usr/bin/tool"/>
      <take path="man/*.1" to="/usr/share/man/man1/"/>
      <take path="lib/" to="/usr/lib/tool/"/>
      <take path="etc/tool.conf"/>
    </payload>
  </payloads>
  <files><file path="/etc/tool.conf" config="no"/></files>"#
    );
    let directory = scratch::create_directory("opkg").join("tool");
    let config = file_tree::minimal_config("tool", &payloads);
    file_tree::write_tree(&directory, &[TreeEntry::file("config.xml", 0o644, config)]);
    directory
}

/// All that a build writes, for both families.
fn build(environment: &OpkgcEnvironment, opkg: &Path, further: &[&str]) -> PathBuf {
    let output = scratch::create_directory("output");
    let mut command = environment.command(["--dist"]);
    command.arg(TARGETS.join(",")).arg("-o").arg(&output).args(further).arg(opkg);
    process::run_successfully(&mut command);
    output
}

/// What the client package in a directory installs below these, by path.
fn client_files(directory: &Path, below: &[&str]) -> BTreeMap<String, InstalledFile> {
    let is_client = |file: &PathBuf| file.file_name().unwrap().to_string_lossy().contains("-client");
    let package = inspect::package_files(directory).into_iter().find(is_client).unwrap();
    let files = inspect::read(&package).package.files.into_iter();
    files.filter(|(path, _)| below.iter().any(|directory| path.starts_with(directory))).collect()
}

/// Which of those above a file belong to its package, is another matter in each family.
fn without_directories(files: &BTreeMap<String, InstalledFile>) -> BTreeMap<String, InstalledFile> {
    let files = files.iter().filter(|(_, file)| !matches!(file, InstalledFile::Directory(_)));
    files.map(|(path, file)| (path.clone(), file.clone())).collect()
}

#[test]
fn a_tarball_of_upstream_is_built_without_the_network_and_always_the_same() {
    require_tools!("tar", "xz", "rpm", "dpkg-deb");
    let site = scratch::create_directory("site");
    publish(&site, "one");
    let server = HttpServer::of_directory(site.clone());
    let opkg = write_opkg(&format!("{}/v1.0/tool-1.0.linux-amd64.tar.xz", server.address()));
    let opkg_text = opkg.to_str().unwrap();
    let environment = OpkgcEnvironment::new();
    let found = environment.check(&opkg);
    assert_eq!((found.code, found.diagnostic_codes()), (Some(1), vec!["payload-lock"]));
    let said = environment.run_successfully(["payload", "lock", opkg_text]);
    assert!(said.starts_with("locked: http://127.0.0.1:"), "{said}");
    let connections = server.connections();
    assert_eq!(environment.check(&opkg).diagnostic_codes(), [""; 0]);

    let documents = ["--sbom", "--provenance"];
    let first = build(&environment, &opkg, &documents);
    assert_eq!(server.connections(), connections, "a build asks no server");
    for target in TARGETS {
        let files =
            client_files(&first.join(target), &["/usr/bin/", "/usr/lib/tool/", "/etc/", "/usr/share/man/"]);
        let modes: Vec<_> = files
            .iter()
            .filter_map(|(path, file)| match file {
                InstalledFile::Regular(mode, _) => Some((path.as_str(), *mode)),
                InstalledFile::Link(_) | InstalledFile::Directory(_) => None,
            })
            .collect();
        assert_eq!(
            modes,
            [
                ("/etc/tool.conf", 0o640),
                ("/usr/bin/tool", 0o755),
                ("/usr/lib/tool/a file.so", 0o755),
                ("/usr/lib/tool/hard.so", 0o755),
                ("/usr/share/man/man1/tool.1", 0o644),
            ],
            "{target}"
        );
        assert_eq!(files["/usr/lib/tool/a file.so"], files["/usr/lib/tool/hard.so"]);
        assert_eq!(files["/usr/lib/tool/link.so"], InstalledFile::Link("a file.so".into()));
        // Where it comes from is in the documents, and is held against the OPKG.
        let of_client = |suffix: &str| {
            let entries = fs_err::read_dir(first.join(target)).unwrap().map(|it| it.unwrap().path());
            let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            let mut found = entries.filter(|it| name(it).contains("-client") && name(it).ends_with(suffix));
            found.next().unwrap()
        };
        for suffix in [".spdx.json", ".cdx.json", ".intoto.json"] {
            let text = fs_err::read_to_string(of_client(suffix)).unwrap();
            assert!(text.contains("/v1.0/tool-1.0.linux-amd64.tar.xz"), "{suffix}: {text}");
            let schema = match suffix {
                ".spdx.json" => "spdx-2.3.schema.json",
                ".cdx.json" => "bom-1.6.schema.json",
                _ => continue,
            };
            if supply_chain::can_validate() {
                let ended = supply_chain::validate(schema, &[of_client(suffix)]);
                assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
            }
        }
        let package = of_client(if target.starts_with("rhel") { ".rpm" } else { ".deb" });
        let verify = ["verify", "--opkg", opkg_text, package.to_str().unwrap()];
        environment.run_successfully(verify);
    }

    // The source comes with the OPKG to another machine, on which there is nothing else; and packages made by the tools of
    // the distributions have the same in them.
    environment.run_successfully(["payload", "fetch", "--vendor", opkg_text]);
    assert_eq!(server.connections(), connections);
    let other = OpkgcEnvironment::with_cold_cache();
    let second = build(&other, &opkg, &documents);
    assert_eq!(file_tree::read_tree(&first), file_tree::read_tree(&second));
    fs_err::remove_dir_all(opkg.join("payloads")).unwrap();
    let missing = other.check(&opkg);
    assert_eq!((missing.code, missing.diagnostic_codes()), (Some(1), vec!["payload-missing"]));
    assert!(missing.diagnostics[0].help.as_ref().unwrap().contains("opkgc payload fetch"));
    other.run_successfully(["payload", "fetch", opkg_text]);
    assert_eq!(server.connections(), connections + 1);

    // Published anew under the same name.
    publish(&site, "two");
    let mirror = scratch::create_directory("mirror");
    let fresh = OpkgcEnvironment::with_cold_cache();
    let refused = fresh.run(["payload", "fetch", "--to", mirror.to_str().unwrap(), opkg_text]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("larger than") || refused.stderr.contains("is not what was locked"),
        "{}",
        refused.stderr
    );
    assert_eq!(other.check(&opkg).diagnostic_codes(), [""; 0], "what was fetched before is still it");
}

#[test]
fn packages_of_one_family_become_those_of_the_other_and_come_back() {
    require_tools!("tar", "xz", "rpm", "rpmbuild", "dpkg-deb");
    let site = scratch::create_directory("site");
    publish(&site, "one");
    let opkg = write_opkg(&format!("file://{}/v1.0/tool-1.0.linux-amd64.tar.xz", site.display()));
    let environment = OpkgcEnvironment::new();
    environment.run_successfully(["payload", "lock", opkg.to_str().unwrap()]);
    let below = ["/usr/bin/", "/usr/lib/tool", "/etc/tool", "/usr/share/man/"];
    let made = scratch::create_directory("made");
    let compile = |opkg: &Path, target: &str, further: &[&str]| {
        let output = scratch::create_directory("output");
        let mut command = environment.command(["--dist", target, "-o"]);
        process::run_successfully(command.arg(&output).args(further).arg(opkg));
        let directory = output.join(target);
        let is_client = |file: &PathBuf| file.file_name().unwrap().to_string_lossy().contains("-client");
        let package = inspect::package_files(&directory).into_iter().find(is_client).unwrap();
        (package, without_directories(&client_files(&directory, &below)))
    };
    // By the distribution's own program, whose packages are not quite those that opkgc writes.
    let (mut package, original) = compile(&opkg, "rhel-9-x86_64", &["--builder", "native"]);
    assert!(original.len() > 5, "{original:?}");
    for (number, target) in ["debian-12-x86_64", "rhel-9-x86_64", "debian-12-x86_64"].into_iter().enumerate()
    {
        let name = format!("wrap{number}");
        let directory = made.join(&name);
        let file = package.file_name().unwrap().to_string_lossy().into_owned();
        let takes: String = ["usr/bin/", "usr/lib/tool/", "etc/tool.conf", "usr/share/man/"]
            .map(|path| format!("<take path=\"{path}\"/>"))
            .concat();
        let payloads = format!(
            "<payloads><payload source=\"payloads/{file}\" part=\"client\" arch=\"x86_64\">{takes}</payload></payloads>"
        );
        let config = file_tree::minimal_config(&name, &payloads);
        file_tree::write_tree(&directory, &[TreeEntry::file("config.xml", 0o644, config)]);
        fs_err::create_dir_all(directory.join("payloads")).unwrap();
        fs_err::copy(&package, directory.join("payloads").join(&file)).unwrap();
        environment.run_successfully(["payload", "lock", directory.to_str().unwrap()]);
        let (next, files) = compile(&directory, target, &[]);
        assert_eq!(files, original, "{target}");
        package = next;
    }
}

/// Whatever they are compressed with, with what their formats can hold: hard links, files that are not in the package,
/// scripts, other owners.
#[test]
fn packages_are_read_as_their_own_programs_write_them() {
    require_tools!("rpmbuild", "dpkg-deb");
    let made = scratch::create_directory("made");
    fs_err::write(made.join("other.spec"), OTHER_SPEC).unwrap();
    let mut packages = Vec::new();
    for payload in ["w9.gzdio", "w6.xzdio", "w3.zstdio", "w.ufdio"] {
        let top = made.join(payload);
        let mut rpmbuild = Command::new("rpmbuild");
        rpmbuild.args(["-bb", "--define"]).arg(format!("_topdir {}", top.display())).arg("--define");
        rpmbuild.arg(format!("_binary_payload {payload}")).arg(made.join("other.spec"));
        process::run_successfully(&mut rpmbuild);
        packages.push(top.join("RPMS/noarch/other-1-1.noarch.rpm"));
    }
    let tree = made.join("tree");
    let control =
        "Package: other\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.example>\nDescription: x\n";
    let items = [
        TreeEntry::file("DEBIAN/control", 0o644, control),
        TreeEntry::file("DEBIAN/postinst", 0o755, "#!/bin/sh\n"),
        TreeEntry::file("opt/other/one", 0o640, "text\n"),
        TreeEntry::link("opt/other/link", "one"),
    ];
    file_tree::write_tree(&tree, &items);
    fs_err::create_dir_all(tree.join("opt/other/empty")).unwrap();
    fs_err::hard_link(tree.join("opt/other/one"), tree.join("opt/other/two")).unwrap();
    for compression in ["gzip", "xz", "zstd", "none"] {
        let package = made.join(format!("{compression}.deb"));
        let mut dpkg = Command::new("dpkg-deb");
        dpkg.args(["--root-owner-group", &format!("-Z{compression}"), "-b"]).arg(&tree).arg(&package);
        process::run_successfully(&mut dpkg);
        packages.push(package);
    }
    let environment = OpkgcEnvironment::new();
    for package in packages {
        let name = package.file_name().unwrap().to_string_lossy().into_owned();
        let directory = scratch::create_directory("opkg").join("wrapped");
        let payloads = format!("<payloads><payload source=\"{name}\" part=\"client\"/></payloads>");
        let config = file_tree::minimal_config("wrapped", &payloads);
        file_tree::write_tree(&directory, &[TreeEntry::file("config.xml", 0o644, config)]);
        fs_err::copy(&package, directory.join(&name)).unwrap();
        environment.run_successfully(["payload", "lock", directory.to_str().unwrap()]);
        let found = environment.check(&directory);
        let left: Vec<_> = found.diagnostics.iter().filter(|it| it.code == "payload-left").collect();
        assert!(left[0].message.contains("`post"), "{left:?}");
        assert_eq!(left.len(), 1 + usize::from(name.ends_with(".rpm")), "{left:?}");
        let output = build(&environment, &directory, &[]);
        for target in TARGETS {
            let files = client_files(&output.join(target), &["/opt/"]);
            let paths: Vec<_> = files.keys().map(|path| path.trim_end_matches('/')).collect();
            let expected =
                ["/opt/other", "/opt/other/empty", "/opt/other/link", "/opt/other/one", "/opt/other/two"];
            assert_eq!(paths, expected, "{}, {target}", package.display());
            let [one, two] = ["/opt/other/one", "/opt/other/two"].map(|path| &files[path]);
            assert!(matches!(one, InstalledFile::Regular(0o640, _)) && one == two, "{one:?} {two:?}");
            assert_eq!(files["/opt/other/link"], InstalledFile::Link("one".into()));
        }
    }
}

/// Of a package with all that an RPM can hold.
const OTHER_SPEC: &str = "Name: other
Version: 1
Release: 1
Summary: x
License: GPL
BuildArch: noarch
%description
x
%install
mkdir -p %{buildroot}/opt/other/empty
echo text > %{buildroot}/opt/other/one
ln %{buildroot}/opt/other/one %{buildroot}/opt/other/two
ln -s one %{buildroot}/opt/other/link
touch %{buildroot}/opt/other/ghost
%post
true
%files
%dir /opt/other
%dir /opt/other/empty
%attr(0640,root,mail) /opt/other/one
%attr(0640,root,mail) /opt/other/two
/opt/other/link
%ghost /opt/other/ghost
";

/// The example that shows it, with the copy that it has.
#[test]
fn the_example_is_flawless_and_holds_what_its_archive_does() {
    let example = opkgc::workspace().join("examples/upstream/greeter");
    let environment = OpkgcEnvironment::new();
    let checked = environment.check(&example);
    assert!(checked.diagnostics.iter().all(|found| found.severity == "note"), "{checked:#?}");
    assert_eq!(checked.code, Some(0), "{checked:#?}");
    let output = build(&environment, &example, &[]);
    for target in TARGETS {
        // For every architecture: the program is a script.
        let files =
            client_files(&output.join(target), &["/usr/bin/", "/usr/share/greeter/", "/usr/share/man/"]);
        let paths: Vec<_> = without_directories(&files).into_keys().collect();
        assert_eq!(
            paths,
            ["/usr/bin/greeter", "/usr/share/greeter/defaults.conf", "/usr/share/man/man1/greeter.1"],
            "{target}"
        );
        assert!(matches!(files["/usr/share/greeter/defaults.conf"], InstalledFile::Regular(0o640, _)));
        assert!(matches!(files["/usr/bin/greeter"], InstalledFile::Regular(0o755, _)));
    }
}

/// A server of HTTPS that another program is, with a certificate of an authority that nobody knows by itself.
struct TlsServer {
    process: std::process::Child,
    address: String,
    authority: PathBuf,
}

impl TlsServer {
    /// Hands out the files of a directory.
    fn start(directory: &Path) -> Self {
        let made = ServerCertificate::new("127.0.0.1");
        let mut server = Command::new("openssl");
        server.args(["s_server", "-accept", "127.0.0.1:0", "-WWW", "-cert"]).arg(&made.certificate);
        server.arg("-key").arg(&made.key).current_dir(directory);
        let mut process = server
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:").map(str::to_owned)).unwrap();
        // What else it says is read, or it would stop one day.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address: format!("https://127.0.0.1:{port}"), authority: made.authority }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn https_is_of_servers_that_an_authority_vouches_for() {
    require_tools!("openssl", "tar", "xz");
    let site = scratch::create_directory("site");
    publish(&site, "one");
    let server = TlsServer::start(&site);
    let opkg = write_opkg(&format!("{}/v1.0/tool-1.0.linux-amd64.tar.xz", server.address));
    let environment = OpkgcEnvironment::new();
    let lock = |authority: Option<&Path>| {
        let mut command = environment.command(["payload", "lock"]);
        command.envs(authority.map(|file| ("SSL_CERT_FILE", file)));
        process::run(command.arg(&opkg))
    };
    let refused = lock(None);
    assert_eq!(refused.code, Some(1), "{}", refused.combined_output());
    assert!(refused.stderr.to_lowercase().contains("certificate"), "{}", refused.stderr);
    assert!(!opkg.join("payload.lock").exists());
    let done = lock(Some(&server.authority));
    assert_eq!(done.code, Some(0), "{}", done.combined_output());
    assert_eq!(environment.check(&opkg).code, Some(0));
}
