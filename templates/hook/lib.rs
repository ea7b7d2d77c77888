//! Writes the names of the nodes into the image.

use opkg_plugin::hook::files::IMAGE;
use opkg_plugin::hook::{Call, Problem, cluster, config};

fn run(_: &Call) -> Result<(), Problem> {
    let title = config::value("title").unwrap_or_else(|| "nodes".to_owned());
    let nodes = cluster::nodes().join("\n");
    IMAGE.write("etc/@NAME@.conf", format!("# {title}\n{nodes}\n"))?;
    Ok(())
}

opkg_plugin::hook!(run);
