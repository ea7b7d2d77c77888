//! The hooks of the OPKG `image-hosts`, all in one component: a list of the cluster's nodes, as the administrator wants
//! it, in every image and in the package's home.

use opkg_sdk::hook::files::{HOME, IMAGE};
use opkg_sdk::hook::{Call, HookError, cluster, config};
use opkg_sdk::log;

/// Where the list is in an image.
const IMAGE_PATH: &str = "etc/image-hosts.conf";

const HOME_PATH: &str = "image-hosts.conf";

fn run(call: &Call) -> Result<(), HookError> {
    let nodes = cluster::nodes();
    let domain = config::value("domain").unwrap_or_default();
    let wanted = config::values("roles");
    let list = render_node_list(&nodes, &domain, &wanted)?;
    match call.name.as_str() {
        "api-post-image" => IMAGE.write(IMAGE_PATH, &list)?,
        "api-post-clientdef" => HOME.write(HOME_PATH, &list)?,
        other => return Err(format!("there is nothing to do for {other}").into()),
    }
    log::info(&format!("{} nodes are listed", nodes.len()));
    Ok(())
}

/// The list.
///
/// # Errors
/// What the administrator answered cannot be.
fn render_node_list(nodes: &[String], domain: &str, roles: &[String]) -> Result<String, HookError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if !domain.chars().all(fits) {
        return Err(format!("`{}` is no domain", domain.escape_debug()).into());
    }
    let mut list = format!("# roles: {}\n", roles.join(" "));
    for node in nodes {
        let dot = if domain.is_empty() { "" } else { "." };
        list.push_str(&format!("{node}{dot}{domain}\n"));
    }
    Ok(list)
}

opkg_sdk::hook!(run);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nodes_get_their_domain() {
        let nodes = ["node1", "node2"].map(str::to_owned);
        let roles = ["login", "compute"].map(str::to_owned);
        assert_eq!(
            render_node_list(&nodes, "cluster.example.org", &roles).unwrap(),
            "# roles: login compute\nnode1.cluster.example.org\nnode2.cluster.example.org\n"
        );
        assert_eq!(render_node_list(&nodes[..1], "", &[]).unwrap(), "# roles: \nnode1\n");
        assert!(render_node_list(&nodes, "a b", &[]).is_err());
    }
}
