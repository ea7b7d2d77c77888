//! Files that a package knows and does not bring, of which dpkg has no idea: its scripts keep them, and remove them with the package
//! (Debian's policy, 6.8).

use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::model::ScriptTime;
use opkg_sdk::parts::PartPlan;
use opkg_sdk::text::shell_quote;

use crate::script::CONFIGURED;
use crate::systemd::indent;

/// Another name for each that is there, whatever is written into it meanwhile. One that was kept before stays where dpkg has removed
/// the file since.
const KEEP: &str = "\
kept=$path.opkg-tmp
if [ -h \"$path\" ] || [ -f \"$path\" ]; then
    rm -f \"$kept\"
    ln -PT \"$path\" \"$kept\" 2> /dev/null || cp -aT \"$path\" \"$kept\"
fi
";

/// What has been made in its place counts.
const PUT_BACK: &str = "\
kept=$path.opkg-tmp
if [ -h \"$path\" ] || [ -e \"$path\" ]; then
    rm -f \"$kept\"
elif [ -h \"$kept\" ] || [ -e \"$kept\" ]; then
    mv -T \"$kept\" \"$path\"
fi
";

/// What the scripts of a part do about them. What an older version has brought, dpkg removes once this one is unpacked.
pub fn additions(part: &PartPlan<'_>) -> Vec<Addition> {
    let ghosts = part.files.iter().filter(|file| file.attributes.is_ghost);
    let words: String = ghosts.map(|file| format!(" {}", shell_quote(&file.path))).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let each = |commands: &str| format!("    for path in{words}; do\n{}    done\n", indent(commands, 8));
    let [keep, put_back, remove] = [KEEP, PUT_BACK, "rm -f \"$path\" \"$path.opkg-tmp\"\n"].map(each);
    let addition = |time, place, body| Addition { time, place, body };
    vec![
        addition(ScriptTime::PreInstall, Place::Before, format!("if [ \"$1\" = upgrade ]; then\n{keep}fi\n")),
        addition(ScriptTime::PostInstall, Place::Before, format!("{CONFIGURED}{put_back}    ;;\nesac\n")),
        // The old version's is called for an upgrade while the new one keeps them.
        addition(
            ScriptTime::PostUninstall,
            Place::After,
            format!(
                "case \"$1\" in\nabort-upgrade | remove)\n{put_back}    ;;\npurge)\n{remove}    ;;\nesac\n"
            ),
        ),
    ]
}
