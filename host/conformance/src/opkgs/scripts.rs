//! Scripts of each part and time. Each has a line that no other has: `marker-NAME`.

use super::sketch::Sketch;

const PARTS: [&str; 3] = ["api", "server", "client"];
const TIMES: [&str; 5] =
    ["pre-install", "post-install", "pre-uninstall", "post-uninstall", "post-transaction"];

fn script(name: &str, interpreter: &str) -> String {
    format!("#!{interpreter}\necho marker-{name}\nexit 0\n")
}

pub fn sketches() -> Vec<Sketch> {
    let mut all: Vec<Sketch> = TIMES.iter().map(|time| of_time(time)).collect();
    all.extend([
        all_times("scripts-all", ""),
        all_times("scripts-action", "test \"$OPKG_ACTION\" = upgrade && echo \"$OPKG_OLD_VERSION\"\n"),
        Sketch::new("scripts-hostile")
            .program("scripts/client-pre-install", &hostile("client-pre-install"))
            .program("scripts/client-post-uninstall", &hostile("client-post-uninstall"))
            .program("scripts/server-pre-install", &hostile("server-pre-install")),
        Sketch::new("scripts-interpreters")
            .program("scripts/client-pre-install", &script("client-pre-install", "/bin/bash -e"))
            .program("scripts/client-post-install", &script("client-post-install", "/usr/bin/perl"))
            .program("scripts/client-pre-uninstall", &script("client-pre-uninstall", "/usr/bin/env python3"))
            .program("scripts/server-post-install", &script("server-post-install", "/bin/sh")),
        Sketch::new("scripts-of-phases")
            .program("scripts/api-pre-configure", &script("api-pre-configure", "/bin/sh"))
            .program("scripts/api-post-image", &script("api-post-image", "/bin/sh"))
            .program("scripts/api-post-deploy", &script("api-post-deploy", "/bin/sh"))
            .file("scripts/helpers.sh", "helper() { true; }\n")
            .file("scripts/client/helper.txt", "text\n"),
        Sketch::new("scripts-long").program(
            "scripts/client-pre-install",
            &format!(
                "#!/bin/sh\necho marker-client-pre-install\n{}",
                "echo a line that is said often\n".repeat(2000)
            ),
        ),
    ]);
    all
}

fn of_time(time: &str) -> Sketch {
    PARTS.iter().fold(Sketch::new(&format!("script-{time}")), |sketch, part| {
        let name = format!("{part}-{time}");
        sketch.program(&format!("scripts/{name}"), &script(&name, "/bin/sh"))
    })
}

fn all_times(name: &str, line: &str) -> Sketch {
    let names = PARTS.iter().flat_map(|part| TIMES.iter().map(move |time| format!("{part}-{time}")));
    names.fold(Sketch::new(name), |sketch, name| {
        sketch.program(&format!("scripts/{name}"), &format!("{}{line}", script(&name, "/bin/sh")))
    })
}

/// What means something to a shell, to macros and to formats of packages, at the start of lines and within.
fn hostile(name: &str) -> String {
    format!(
        "#!/bin/sh\necho marker-{name}\n%post\n%%files\n%{{zq_macro}} %(touch /zq) $(zq) `zq` ${{zq:Field}}\nEOF\nEND\nDepends: zq\n\
         \\\n\"quotes' \\\\ # and \\\"\n\tindented\n\n.\n*) esac; fi; done\nÄrger – ünïcödé ☃\nlast line"
    )
}
