//! Writes the names of the nodes into the image.

use opkg_sdk::hook::files::IMAGE;
use opkg_sdk::hook::{Call, HookError, cluster, config};

fn run(_: &Call) -> Result<(), HookError> {
    let title = config::value("title").unwrap_or_else(|| "nodes".to_owned());
    let nodes = cluster::nodes().join("\n");
    IMAGE.write("etc/@NAME@.conf", format!("# {title}\n{nodes}\n"))?;
    Ok(())
}

opkg_sdk::hook!(run);
