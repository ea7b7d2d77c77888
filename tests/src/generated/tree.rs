//! The files of generated packages.

use super::random::Rng;
use super::text;
use crate::file_tree::TreeEntry;

/// File names that hold nothing but what the format allows, and everything that breaks quoting.
pub(super) const UNUSUAL_FILE_NAMES: [&str; 16] = [
    "plain",
    "with blanks  two",
    "quote'single",
    "quote\"double",
    "percent%name",
    "percent%{_topdir}",
    "dollar$HOME",
    "back\\slash",
    ".hidden",
    "star*and?mark",
    "[bracket]",
    "{a,b}",
    "-rf",
    "ümlaut",
    "集群",
    "semi;colon&and|pipe#hash~tilde!",
];

const HOOKS: [&str; 18] = [
    "api-pre-install",
    "api-post-install",
    "api-pre-uninstall",
    "api-post-uninstall",
    "server-pre-install",
    "server-post-install",
    "server-pre-uninstall",
    "server-post-uninstall",
    "client-pre-install",
    "client-post-install",
    "client-pre-uninstall",
    "post_client_rpm_uninstall",
    "api-pre-configure",
    "api-post-configure",
    "api-post-image",
    "api-post-clientdef",
    "api-post-deploy",
    "post_install",
];

/// Everything but `config.xml`.
pub fn items(random: &mut Rng) -> Vec<TreeEntry> {
    let mut items = Vec::new();
    for hook in random.subset(&HOOKS) {
        items.push(TreeEntry::file(format!("scripts/{hook}"), mode(random), script(random, hook)));
    }
    for directory in
        ["scripts", "scripts/lib", "scripts/lib dir/deeper", "doc", "doc/examples %d", "testing/data"]
    {
        for name in random.subset(&UNUSUAL_FILE_NAMES) {
            let file = TreeEntry::file(format!("{directory}/{name}"), mode(random), bytes(random));
            if random.one_in(3) {
                items.push(file);
            }
        }
    }
    for name in random.subset(&["a b.apt", "check.apb", "sub/check.apt"]) {
        items.push(TreeEntry::file(format!("testing/apitests.d/{name}"), 0o644, "<testDef/>\n"));
    }
    for name in random.subset(&["check.sh", "per%cent.pl", "loose"]) {
        items.push(TreeEntry::file(format!("testing/tests.d/{name}"), 0o755, "#!/bin/sh\nexit 0\n"));
    }
    for path in
        random.subset(&["testing/test_user", "testing/old tests/test_root", "README.md", "NEWS", "AUTHORS"])
    {
        items.push(TreeEntry::file(path, 0o644, bytes(random)));
    }
    if random.one_in(2) {
        items.push(TreeEntry::file(
            "configurator.html",
            0o644,
            "<form><input name=a value=\"100%\"></form>\n",
        ));
    }
    if random.one_in(2) {
        items.push(TreeEntry::file("doc/a manual", 0o644, "Text.\n"));
        items.push(TreeEntry::link("doc/a link %1", "a manual"));
        items.push(TreeEntry::file("scripts/to link", 0o755, "#!/bin/sh\n"));
        items.push(TreeEntry::link("scripts/lib/up", "../to link"));
    }
    for directory in [
        "files/api/usr/share/made up",
        "files/client/etc/made up %d/deeper",
        "files/client/opt/made-up/bin",
        "files/server/etc/profile.d",
        "files/server/var/lib/made-up",
    ] {
        for name in random.subset(&UNUSUAL_FILE_NAMES) {
            let file = TreeEntry::file(format!("{directory}/{name}"), mode(random), bytes(random));
            if random.one_in(3) {
                items.push(file);
            }
        }
    }
    if random.one_in(2) {
        items.push(TreeEntry::link("files/client/etc/a link %1", "/nowhere at all/%2"));
        items.push(TreeEntry::link("files/server/usr/bin/made-up", "../../../opt/made-up/bin/$HOME"));
    }
    for path in
        ["doc/.git/config", "scripts/CVS/Entries", "doc/draft~", "SRPMS/x.src.rpm", "distro/rhel/x.rpm"]
    {
        if random.one_in(3) {
            items.push(TreeEntry::file(path, 0o644, "Never packaged.\n"));
        }
    }
    items
}

fn mode(random: &mut Rng) -> u32 {
    *random.choose(&[&0o644, &0o755, &0o600, &0o711])
}

fn bytes(random: &mut Rng) -> Vec<u8> {
    match random.below(4) {
        0 => b"#!/bin/sh\nexit 0\n".to_vec(),
        1 => (0..=255).collect(),
        2 => format!("{}\n", text::line(random, 30, true)).into_bytes(),
        _ => b"no line feed at the end".to_vec(),
    }
}

/// A script that would be torn apart by careless quoting, and tells on `$PROOF` that it was not: its name,
/// its arguments, its home.
fn script(random: &mut Rng, name: &str) -> String {
    let traps = text::line(random, 12, true);
    match random.below(3) {
        0 => format!(
            "#!/usr/bin/perl -w\nuse strict;\n# {traps}\nmy\n%files = (a => 1);\nmy $text = <<'EOF';\n%post\n{traps}\n'\"\\EOF \
             \nEOF\nexit 0 unless $ENV{{PROOF}};\nopen my $out, '>>', $ENV{{PROOF}} or die;\nprint {{$out}} \
             join(' ', '{name}', @ARGV, $ENV{{OSCAR_PACKAGE_HOME}}), \"\\n\";\n"
        ),
        1 => format!(
            "#!/bin/bash\n# {traps}\n: <<'EOF'\n%files\n%if 1\n{traps}\n'\"\\\nEOF\n[[ -z ${{PROOF:-}} ]] || echo \
             {name} \"$@\" \"$OSCAR_PACKAGE_HOME\" >> \"$PROOF\"\n"
        ),
        _ => format!(
            "#!/bin/sh\n# {traps}\n: <<\\EOF\n%post\n{traps}\nEOF\n[ -z \"$PROOF\" ] || echo {name} \"$@\" \
             \"$OSCAR_PACKAGE_HOME\" >> \"$PROOF\"\n"
        ),
    }
}
