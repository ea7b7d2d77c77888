//! Which files are units of systemd or describe users, and what is read of them.
#![allow(clippy::unwrap_used)]

mod support;

use opkg::account::Account;
use support::Fixture;

#[test]
fn units_lie_in_the_directory_of_units_and_have_a_name_of_theirs() {
    let units = "files/client/usr/lib/systemd/system";
    let fixture = [
        ("site.service", "[Unit]\n [Install] \n"),
        ("static.service", "# [Install]\n[Unit]\n"),
        ("tunnel@.service", "[Install]\n"),
        ("tunnel@one.timer", ""),
        ("var-a\\x2db.mount", "[Install]\n"),
        ("README", "[Install]\n"),
        (".service", ""),
        ("a b.service", ""),
        ("site.service.d/site.service", "[Install]\n"),
        ("../../other/site.service", "[Install]\n"),
    ]
    .iter()
    .fold(Fixture::new(), |fixture, (name, text)| {
        let path = format!("{units}/{name}").replace("systemd/system/../../", "");
        fixture.with_file(&path, text)
    })
    .with_link(&format!("{units}/alias.service"), "site.service")
    .with_file("files/client/etc/systemd/system/own.service", "[Install]\n");
    let opkg = fixture.opkg();
    let found: Vec<String> = (opkg.files.iter())
        .filter_map(|file| {
            let unit = file.unit?;
            let kind = if unit.is_template { "template" } else { "unit" };
            let installable = if unit.is_installable { "installable" } else { "static" };
            Some(format!("{} {kind} {installable}", file.path.rsplit('/').next()?))
        })
        .collect();
    assert_eq!(
        found,
        [
            "site.service unit installable",
            "static.service unit static",
            "tunnel@.service template installable",
            "tunnel@one.timer unit static",
            "var-a\\x2db.mount unit installable",
        ]
    );
}

#[test]
fn users_are_those_of_the_packages_own_directory() {
    let text = "u sited -\n";
    let opkg = Fixture::new()
        .with_file("files/client/usr/lib/sysusers.d/site.conf", text)
        .with_file("files/client/usr/lib/sysusers.d/site.txt", text)
        .with_file("files/client/etc/sysusers.d/site.conf", text)
        .opkg();
    let described: Vec<_> = opkg.files.iter().filter(|file| !file.accounts.is_empty()).collect();
    let [file] = described.as_slice() else { panic!("{described:?}") };
    assert!(matches!(file.accounts.as_slice(), [Account::User(user)] if user.name == "sited"));
}

#[test]
fn lines_that_describe_nobody_are_told() {
    let directory = Fixture::new().with_file(
        "files/client/usr/lib/sysusers.d/site.conf",
        "# all\nu sited -\n\nuser sited -\nu site.d -\n",
    );
    let loaded = directory.load();
    let told: Vec<&str> = loaded.diagnostics.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "line 4: it begins with `user`, and not with `u`, `g`, `m` or `r`",
            "line 5: not every distribution has a user by the name `site.d`",
        ]
    );
    let place = "warning sysusers-line files/client/usr/lib/sysusers.d/site.conf";
    assert_eq!(directory.diagnostics(), [place; 2]);
}
