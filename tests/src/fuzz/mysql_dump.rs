//! Dumps of the MySQL database of older releases.

use opkg_oda::{Cluster, import_mysql};

use super::target::Target;

pub const TARGET: Target = Target {
    name: "mysql_dump",
    run,
    seeds,
    dictionary: &[
        "CREATE TABLE `Packages` (",
        "INSERT INTO `Node_Package_Status` VALUES (",
        "REPLACE INTO Images (name, id) VALUES ",
        "Packages_config",
        "Group_Nodes",
        "'it''s \\0 \\'",
        "NULL",
        "-- ",
        "/*!40101 ",
        "*/;",
        "),(",
        "9223372036854775807",
        "oscar_server",
        "image:",
    ],
};

/// Imports a dump into an empty cluster.
pub fn run(bytes: &[u8]) {
    let _ = import_mysql(bytes, &Cluster::default(), 0);
}

fn seeds() -> Vec<Vec<u8>> {
    let dump = "-- MySQL dump 10.13\n/*!40101 SET NAMES latin1 */;\n\
        CREATE TABLE `Packages` (\n  `id` int(11) NOT NULL auto_increment,\n  `package` varchar(100) default '',\n\
        \x20 `__class` varchar(20),\n  PRIMARY KEY (`id`)\n) TYPE=MyISAM;\n\
        INSERT INTO `Packages` VALUES (1,'munge','core'),(2,'torque','base');\n\
        CREATE TABLE `Packages_requires` (`p1_id` int, `p2_name` varchar(100));\n\
        INSERT INTO `Packages_requires` VALUES (2,'munge');\n\
        CREATE TABLE `Images` (`id` int, `name` varchar(100), `path` text);\n\
        INSERT INTO `Images` VALUES (1,'compute','/var/lib/images/compute');\n\
        CREATE TABLE `Nodes` (`id` int, `name` varchar(100), `image_id` int);\n\
        INSERT INTO `Nodes` (`name`,`id`,`image_id`) VALUES ('oscar_server',1,0),('node1',2,1);\n\
        CREATE TABLE `Group_Nodes` (`group_name` varchar(100), `node_id` int);\n\
        INSERT INTO `Group_Nodes` VALUES ('oscar_server',1);\n\
        CREATE TABLE `Node_Package_Status` (`node_id` int, `package_id` int, `requested` int, `curr` int,\n\
        \x20 `status` int, `errormsg` text, `client_nodes` text);\n\
        INSERT INTO `Node_Package_Status` VALUES (1,1,8,8,0,'',''),(1,2,8,3,8,'it\\'s \\n broken','node1');\n\
        CREATE TABLE `Packages_config` (`config_id` int, `package_id` int, `name` text, `value` text, `context` text);\n\
        INSERT INTO `Packages_config` VALUES (1,2,'port','15001','image:compute');\n";
    vec![dump.into()]
}
