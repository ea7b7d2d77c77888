//! Units and service rules, users, alternatives, triggers, and files that systemd and udev read.

use super::sketch::Sketch;

const UNIT: &str =
    "[Unit]\nDescription=zq\n[Service]\nExecStart=/usr/bin/true\n[Install]\nWantedBy=multi-user.target\n";
const PLAIN_UNIT: &str = "[Unit]\nDescription=zq\n[Service]\nExecStart=/usr/bin/true\n";

fn triggered(part: &str) -> (String, String) {
    let name = format!("{part}-triggered");
    (format!("scripts/{name}"), format!("#!/bin/sh\necho marker-{name} \"$@\"\n"))
}

pub fn sketches() -> Vec<Sketch> {
    let (client, client_script) = triggered("client");
    let (server, server_script) = triggered("server");
    vec![
        Sketch::new("units")
            .file("files/client/usr/lib/systemd/system/zq.service", UNIT)
            .file("files/server/usr/lib/systemd/system/zq-server.service", UNIT)
            .file("files/client/usr/lib/systemd/system/zq-static.service", PLAIN_UNIT)
            .file("files/client/usr/lib/systemd/system/zq.timer", "[Timer]\nOnBootSec=1\n[Install]\nWantedBy=timers.target\n"),
        Sketch::new("service-rules")
            .file("files/client/usr/lib/systemd/system/zq-on.service", UNIT)
            .file("files/client/usr/lib/systemd/system/zq-off.service", UNIT)
            .file("files/client/usr/lib/systemd/system/zq-preset.service", UNIT)
            .file("files/client/usr/lib/systemd/system/zq-tunnel@.service", UNIT)
            .body(
                "<services><service name=\"zq-on.service\" enable=\"yes\" start=\"yes\" restart-on-upgrade=\"no\"/>\
                 <service name=\"zq-off.service\" enable=\"no\" start=\"no\"/>\
                 <service name=\"zq-preset.service\" enable=\"preset\"/>\
                 <service name=\"zq-tunnel@one.service\" enable=\"yes\" start=\"yes\"/></services>",
            ),
        Sketch::new("service-rules-filtered")
            .file("files/client/usr/lib/systemd/system/zq.service", UNIT)
            .body(
                "<services><filters><dist>zq-nowhere</dist></filters>\
                 <service name=\"zq.service\" enable=\"no\" start=\"no\"/></services>",
            ),
        Sketch::new("accounts").file(
            "files/client/usr/lib/sysusers.d/zq.conf",
            "g zqgroup -\nu zquser - \"A user of the suite\" /var/lib/zq /usr/sbin/nologin\nm zquser zqgroup\nu zqnumber 781 - -\n",
        ),
        Sketch::new("accounts-owners")
            .file("files/client/usr/lib/sysusers.d/zq.conf", "u zqowner - \"Owner\" /var/lib/zq -\n")
            .file("files/client/usr/share/zq/owned", "owned\n")
            .body("<files><file path=\"/usr/share/zq/owned\" owner=\"zqowner\" group=\"zqowner\"/></files>")
            .may_be_refused(),
        Sketch::new("alternatives")
            .program("files/client/usr/bin/zq-editor", "#!/bin/sh\n")
            .file("files/client/usr/share/zq/editor.txt", "help\n")
            .program("files/client/usr/bin/zq-other", "#!/bin/sh\n")
            .body(
                "<alternatives><alternative name=\"zqedit\" link=\"/usr/bin/zqedit\" path=\"/usr/bin/zq-editor\" priority=\"40\">\
                 <slave name=\"zqedit-help\" link=\"/usr/share/zqedit.txt\" path=\"/usr/share/zq/editor.txt\"/></alternative></alternatives>\
                 <alternatives><filters><dist>zq-nowhere</dist></filters>\
                 <alternative name=\"zqnever\" link=\"/usr/bin/zqnever\" path=\"/usr/bin/zq-other\" priority=\"10\"/></alternatives>",
            ),
        Sketch::new("triggers")
            .program(&client, &client_script)
            .program(&server, &server_script)
            .body(
                "<triggers><trigger path=\"/usr/share/zq-modules\" part=\"client\"/><trigger path=\"/etc/zq.d\"/></triggers>\
                 <triggers><filters><dist>zq-nowhere</dist></filters><trigger path=\"/usr/share/zq-never\"/></triggers>",
            ),
        Sketch::new("triggers-and-scripts")
            .program(&client, &client_script)
            .program("scripts/client-post-install", "#!/bin/sh\necho marker-client-post-install\n")
            .program("scripts/client-pre-uninstall", "#!/bin/sh\necho marker-client-pre-uninstall\n")
            .body("<triggers><trigger path=\"/usr/share/zq-modules\"/></triggers>"),
        Sketch::new("system-files")
            .file("files/client/usr/lib/tmpfiles.d/zq.conf", "d /run/zq 0755 root root -\n")
            .file("files/client/usr/lib/sysctl.d/zq.conf", "kernel.panic = 10\n")
            .file("files/client/usr/lib/modules-load.d/zq.conf", "loop\n")
            .file("files/client/usr/lib/udev/rules.d/90-zq.rules", "KERNEL==\"zq\"\n"),
        Sketch::new("system-all")
            .file("files/client/usr/lib/sysusers.d/zq.conf", "u zqdaemon - \"Daemon\" /var/lib/zq -\n")
            .file("files/client/usr/lib/systemd/system/zq.service", UNIT)
            .file("files/client/usr/lib/tmpfiles.d/zq.conf", "d /run/zq 0755 zqdaemon zqdaemon -\n")
            .program("scripts/client-pre-install", "#!/bin/sh\necho marker-client-pre-install\n")
            .program("scripts/client-post-install", "#!/bin/sh\necho marker-client-post-install\n")
            .program("scripts/client-pre-uninstall", "#!/bin/sh\necho marker-client-pre-uninstall\n")
            .program("scripts/client-post-uninstall", "#!/bin/sh\necho marker-client-post-uninstall\n"),
    ]
}
