//! Files of each kind and place: what is laid into the root, links, documentation, tests, forms; owners and modes.

use super::sketch::Sketch;

pub fn sketches() -> Vec<Sketch> {
    vec![
        everything("files-everything"),
        Sketch::new("files-parts")
            .file("files/api/usr/share/zq/api.txt", "api\n")
            .file("files/server/usr/share/zq/server.txt", "server\n")
            .file("files/client/usr/share/zq/client.txt", "client\n")
            .program("files/client/usr/bin/zq", "#!/bin/sh\ntrue\n"),
        Sketch::new("files-names")
            .file("files/client/usr/share/zq/with blank.txt", "1\n")
            .file("files/client/usr/share/zq/quote's.txt", "2\n")
            .file("files/client/usr/share/zq/double\"quote.txt", "3\n")
            .file("files/client/usr/share/zq/percent%{zq_macro}.txt", "4\n")
            .file("files/client/usr/share/zq/dollar$HOME.txt", "5\n")
            .file("files/client/usr/share/zq/star*[x]?.txt", "6\n")
            .file("files/client/usr/share/zq/back\\slash.txt", "7\n")
            .file("files/client/usr/share/zq/#comment;semicolon&.txt", "8\n")
            .file("files/client/usr/share/zq/-dash", "9\n")
            .file("doc/read me %s.txt", "10\n"),
        // Not every package manager reads the extended headers that these need in a tar.
        Sketch::new("files-names-unicode")
            .file("files/client/usr/share/zq/Ünïcödé ☃.txt", "1\n")
            .may_be_refused(),
        Sketch::new("files-links")
            .file("files/client/usr/share/zq/target.txt", "target\n")
            .link("files/client/usr/share/zq/beside", "target.txt")
            .link("files/client/usr/share/zq/absolute", "/usr/share/zq/target.txt")
            .link("files/client/etc/zq-link", "../usr/share/zq/target.txt")
            .link("files/client/usr/share/zq/elsewhere", "/var/lib/not/of/this/package")
            .link("files/client/usr/share/zq/odd name", "a $(b) %{c} \"d\" 'e'"),
        Sketch::new("links-inside")
            .file("doc/guide.txt", "guide\n")
            .link("doc/manual.txt", "guide.txt")
            .program("scripts/api-post-install", "#!/bin/sh\necho marker-api-post-install\n")
            .link("scripts/api-post-deploy", "api-post-install"),
        Sketch::new("files-modes")
            .file("files/server/usr/share/zq/plain", "1\n")
            .file("files/server/usr/share/zq/secret", "2\n")
            .program("files/server/usr/bin/zq-run", "#!/bin/sh\n")
            .program("files/server/usr/bin/zq-sgid", "#!/bin/sh\n")
            .file("files/server/usr/share/zq/tree/deep/file", "3\n")
            .body(
                "<files><file path=\"/usr/share/zq/secret\" mode=\"0600\"/><file path=\"/usr/bin/zq-run\" mode=\"0750\"/>\
                 <file path=\"/usr/bin/zq-sgid\" mode=\"2755\"/><file path=\"/usr/share/zq/tree/\" mode=\"0640\"/></files>",
            ),
        Sketch::new("files-owners")
            .file("files/server/usr/share/zq/mail.txt", "1\n")
            .file("files/server/usr/share/zq/games.txt", "2\n")
            .file("files/server/usr/share/zq/dir/file", "3\n")
            .body(
                "<files><file path=\"/usr/share/zq/mail.txt\" owner=\"mail\" group=\"mail\" mode=\"0640\"/>\
                 <file path=\"/usr/share/zq/games.txt\" group=\"games\"/><file path=\"/usr/share/zq/dir/\" owner=\"games\"/></files>",
            )
            .may_be_refused(),
        Sketch::new("files-rules-later")
            .file("files/client/usr/share/zq/tree/one", "1\n")
            .file("files/client/usr/share/zq/tree/two", "2\n")
            .body(
                "<files><file path=\"/usr/share/zq/tree/\" mode=\"0600\"/>\
                 <file path=\"/usr/share/zq/tree/two\" mode=\"0444\"/></files>",
            ),
        Sketch::new("files-configuration")
            .file("files/client/etc/zq/kept.conf", "1\n")
            .file("files/client/etc/zq/replaced.conf", "2\n")
            .file("files/client/etc/zq/none.conf", "3\n")
            .file("files/client/usr/share/zq/made.conf", "4\n")
            .body(
                "<files><file path=\"/etc/zq/replaced.conf\" config=\"replace\"/><file path=\"/etc/zq/none.conf\" config=\"no\"/>\
                 <file path=\"/usr/share/zq/made.conf\" config=\"keep\"/></files>",
            ),
        Sketch::new("files-ghost")
            .file("files/client/var/lib/zq/state", "1\n")
            .file("files/client/usr/share/zq/there", "2\n")
            .body("<files><file path=\"/var/lib/zq/state\" ghost=\"yes\"/></files>")
            .may_be_refused(),
        Sketch::new("files-capabilities")
            .program("files/client/usr/bin/zq-net", "#!/bin/sh\n")
            .body("<files><file path=\"/usr/bin/zq-net\" capabilities=\"cap_net_raw=ep\"/></files>")
            .may_be_refused(),
        (0..600).fold(Sketch::new("files-many"), |sketch, number| {
            sketch.file(&format!("files/client/usr/share/zq/{:02}/{number}.txt", number % 20), "many\n")
        }),
        (0..20).fold(Sketch::new("files-deep"), |sketch, depth| {
            sketch.file(&format!("files/client/usr/share/zq/{}end", "d/".repeat(depth)), "deep\n")
        }),
    ]
}

/// A file for every place that the format has.
pub fn everything(name: &str) -> Sketch {
    Sketch::new(name)
        .file("configurator.html", "<form><input name=\"zq\" value=\"1\"></form>\n")
        .file("README", "read me\n")
        .file("AUTHORS", "authors\n")
        .file("NEWS", "news\n")
        .file("doc/guide.txt", "guide\n")
        .file("doc/sub/more.txt", "more\n")
        .file("testing/data/input", "input\n")
        .program("testing/tests.d/zq-test", "#!/bin/sh\ntrue\n")
        .file("testing/loose.txt", "loose\n")
        .program("scripts/client-post-install", "#!/bin/sh\necho marker-client-post-install\n")
        .program("scripts/api-post-deploy", "#!/bin/sh\necho marker-api-post-deploy\n")
        .file("files/client/etc/zq.conf", "conf\n")
        .file("files/server/usr/lib/zq/data", "data\n")
        .file("files/api/usr/share/zq-api/data", "data\n")
}
