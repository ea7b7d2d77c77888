//! Roles belong to the server, rows that name them to a database: one that was put back has rows without roles and roles without
//! rows, and a copy beside it names roles that are none of its own.

use std::time::Duration;

use opkg_database::access::enroll;
use opkg_oda::{Change, TargetId};

use super::roles::Cluster;

const HOUR: Duration = Duration::from_secs(3600);

/// The roles of a database that nodes and windows have.
fn roles_of_nodes(cluster: &Cluster) -> String {
    let (nodes, windows) = (cluster.role("node_"), cluster.role("enroll_"));
    let sql = format!(
        "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles
        WHERE starts_with(rolname, '{nodes}') OR starts_with(rolname, '{windows}')"
    );
    cluster.scratch.sql(&sql).trim().to_owned()
}

fn nodes_with_roles(cluster: &Cluster) -> Vec<(i64, bool)> {
    let nodes = cluster.access("vera").enrolled_nodes().unwrap();
    nodes.into_iter().map(|node| (node.target.0, node.has_role)).collect()
}

#[test]
fn a_node_whose_role_is_missing_enrolls_and_is_revoked_and_removed() {
    let Some(cluster) = Cluster::new() else { return };
    let drop_role = |suffix: &str| cluster.scratch.sql(&format!("DROP ROLE {}", cluster.role(suffix)));
    for node in [3, 4] {
        cluster.enroll_node(node);
    }
    assert_eq!(nodes_with_roles(&cluster), [(3, true), (4, true)]);
    drop_role("node_4");
    assert_eq!(nodes_with_roles(&cluster), [(3, true), (4, false)]);
    cluster.enroll_node(4);
    assert_eq!(nodes_with_roles(&cluster), [(3, true), (4, true)]);

    drop_role("node_4");
    assert_eq!(cluster.access("owner").revoke(&[TargetId(4)]).unwrap(), 1);
    assert_eq!(nodes_with_roles(&cluster), [(3, true)]);
    drop_role("node_3");
    cluster.open("owner").commit(&[Change::RemoveTarget(TargetId(3))]).unwrap();
    assert_eq!(nodes_with_roles(&cluster), []);
}

#[test]
fn a_role_that_no_row_names_is_in_nobodys_way() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.enroll_node(3);
    cluster.scratch.sql(
        "DELETE FROM opm.node_role; DELETE FROM opm.enrollment_window;
        ALTER TABLE opm.enrollment_window ALTER id RESTART",
    );
    cluster.enroll_node(3);
    assert_eq!(nodes_with_roles(&cluster), [(3, true)]);
}

/// Rows as they are in a copy of a database, whatever is done to them.
#[test]
fn a_copy_takes_no_roles_away_from_the_database_that_it_was_made_of() {
    let (Some(production), Some(copy)) = (Cluster::new(), Cluster::new()) else { return };
    for node in [3, 4] {
        production.enroll_node(node);
    }
    let window = production.access("owner").open_window(&[TargetId(3)], HOUR, true).unwrap();
    let before = roles_of_nodes(&production);
    let (client3, client4) = (production.role("node_3"), production.role("node_4"));
    copy.scratch.sql(&format!(
        "INSERT INTO opm.node_role (role, target, name, machine)
            VALUES ('{client3}', 3, 'client3', 'm'), ('{client4}', 4, 'client4', 'm');
        INSERT INTO opm.enrollment_window (role, ends, every_boot)
            VALUES ('{}', clock_timestamp() + interval '1 hour', true);
        INSERT INTO opm.enrollment_node (enrollment_window, target) SELECT id, 3 FROM opm.enrollment_window",
        window.role
    ));
    assert_eq!(nodes_with_roles(&copy), [(3, false), (4, false)]);
    // They are nobody there, even if somebody lets them in.
    let allowed = copy.scratch.sql(&format!(
        "BEGIN; GRANT USAGE ON SCHEMA opm TO {client3};
        GRANT EXECUTE ON FUNCTION opm.own_target, opm.caller_rights TO {client3};
        SET SESSION AUTHORIZATION {client3};
        SELECT opm.own_target() IS NULL, opm.caller_rights() IS NULL; ROLLBACK"
    ));
    assert_eq!(allowed, "t|t\n");

    let mut access = copy.access("owner");
    copy.enroll_node(3);
    assert_eq!(nodes_with_roles(&copy), [(3, true), (4, false)]);
    assert_eq!(access.revoke(&[TargetId(3)]).unwrap(), 1);
    copy.open("owner").commit(&[Change::RemoveTarget(TargetId(4))]).unwrap();
    assert_eq!(access.close_windows(std::slice::from_ref(&window.role)).unwrap(), 1);
    assert_eq!(nodes_with_roles(&copy), []);
    assert_eq!(roles_of_nodes(&production), before);
    production.open("node_3").load_targets().unwrap();
    enroll(production.address("owner"), &window, "client3", "m").unwrap();
}
