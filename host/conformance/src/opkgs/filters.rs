//! Filters on distributions, versions and architectures: on those that the plugin describes, and on others.

use opkg_interface::DistributionDescription;

use super::sketch::{Sketch, xml};

/// No distribution.
const NOWHERE: &str = "zq-nowhere";

pub fn sketches(description: &DistributionDescription) -> Vec<Sketch> {
    let id = xml(&description.id);
    let archs: Vec<String> = description.archs.iter().map(|arch| arch.canonical.clone()).collect();
    let (first, others) =
        archs.split_first().map_or(("x86_64", [].as_slice()), |(first, rest)| (first, rest));
    let dist = |id: &str| format!("<filters><dist>{id}</dist></filters>");
    let arch = |arch: &str| format!("<filters><arch>{arch}</arch></filters>");
    let needs = |filters: &str, name: &str| format!("<requires>{filters}<pkg>{name}</pkg></requires>");
    let mut all = vec![
        Sketch::new("filter-whole-here").body(&dist(&id)),
        Sketch::new("filter-whole-elsewhere").body(&dist(NOWHERE)),
        Sketch::new("filter-whole-arch").body(&arch(first)),
        Sketch::new("filter-whole-both")
            .body(&format!("<filters><dist>{NOWHERE}</dist><dist>{id}</dist><arch>{first}</arch></filters>")),
        Sketch::new("filter-dist").body(&format!(
            "<serverDeps>{}{}{}</serverDeps>",
            needs(&dist(&id), "zq-here"),
            needs(&dist(NOWHERE), "zq-elsewhere"),
            needs(&format!("<filters><dist>{NOWHERE}</dist><dist>{id}</dist></filters>"), "zq-either"),
        )),
        Sketch::new("filter-arch").body(&format!(
            "<clientDeps>{}</clientDeps>",
            archs.iter().map(|it| needs(&arch(it), &format!("zq-on-{}", it.replace('_', "-")))).collect::<String>()
        )),
        Sketch::new("filter-kinds").body(&format!(
            "<serverDeps>{}</serverDeps>",
            ["provides", "conflicts", "recommends", "suggests", "breaks", "obsoletes"]
                .iter()
                .map(|kind| {
                    let (here, elsewhere) = (dist(&id), dist(NOWHERE));
                    format!(
                        "<{kind}>{here}<pkg>zq-{kind}-here</pkg></{kind}><{kind}>{elsewhere}<pkg>zq-{kind}-elsewhere</pkg></{kind}>"
                    )
                })
                .collect::<String>()
        )),
        Sketch::new("filter-files")
            .file("files/client/etc/zq/one.conf", "one\n")
            .file("files/client/etc/zq/two.conf", "two\n")
            .body(&format!("<files>{}<file path=\"/etc/zq/one.conf\" mode=\"0600\"/></files>", dist(&id)))
            .body(&format!("<files>{}<file path=\"/etc/zq/two.conf\" mode=\"0600\"/></files>", dist(NOWHERE))),
        Sketch::new("filter-files-arch")
            .file("files/client/usr/share/zq/data", "data\n")
            .body(&format!("<files>{}<file path=\"/usr/share/zq/data\" mode=\"0640\"/></files>", arch(first))),
        archs.iter().fold(Sketch::new("filter-file-archs"), |sketch, arch| {
            sketch.file(&format!("files/client@{arch}/usr/share/zq/{arch}.txt"), &format!("{arch}\n"))
        }),
    ];
    if let Some(other) = others.first() {
        all.push(
            Sketch::new("filter-two-archs")
                .body(&format!("<filters><arch>{first}</arch><arch>{other}</arch></filters>")),
        );
    }
    all.push(versions(description));
    all.extend(programs(&archs));
    all
}

/// Numbers of machines in elf(5).
const MACHINES: [(&str, char); 4] = [("i386", '\u{3}'), ("ppc", '\u{14}'), ("ia64", '2'), ("x86_64", '>')];

/// Programs for architectures that the plugin describes: alone, and in an OPKG that is for those alone.
fn programs(archs: &[String]) -> Vec<Sketch> {
    let described = MACHINES.iter().filter(|(arch, _)| archs.iter().any(|it| it == arch));
    described
        .flat_map(|(arch, machine)| {
            let program =
                format!("\u{7f}ELF\u{2}\u{1}\u{1}{}\u{2}\0{machine}\0{}", "\0".repeat(9), "\0".repeat(44));
            let sketch = |name: &str| Sketch::new(name).program("files/client/usr/bin/zq-program", &program);
            // Elsewhere, the author is told to restrict it.
            let open = sketch(&format!("program-{}-open", arch.replace('_', "-"))).may_be_refused();
            let restricted = sketch(&format!("program-{}", arch.replace('_', "-")));
            [open, restricted.body(&format!("<filters><arch>{arch}</arch></filters>"))]
        })
        .collect()
}

/// Bounds on each release, in relations of their own.
fn versions(description: &DistributionDescription) -> Sketch {
    let id = xml(&description.id);
    let signs = [("lt", "&lt;"), ("le", "&lt;="), ("eq", "="), ("ge", "&gt;="), ("gt", "&gt;")];
    let is_number = |version: &str| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let numbered = description.releases.iter().filter(|release| is_number(&release.version));
    let groups: String = numbered
        .take(30)
        .flat_map(|release| signs.map(|(name, sign)| (release, name, sign)))
        .map(|(release, name, sign)| {
            let version = xml(&release.version);
            format!(
                "<requires><filters><dist rel=\"{sign}\" version=\"{version}\">{id}</dist></filters>\
                 <pkg>zq-{name}-{version}</pkg></requires>"
            )
        })
        .collect();
    Sketch::new("filter-versions").body(&format!("<serverDeps>{groups}</serverDeps>"))
}
