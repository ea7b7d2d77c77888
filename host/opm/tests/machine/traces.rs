//! Whole courses, as a reader would want to see them.

use opkg_oda::{Class, Stage};

use crate::site::Site;

#[test]
fn from_request_to_finished_and_gone_again() {
    let everywhere = "head compute n1 n2";
    let mut site = Site::new()
        .image("compute")
        .client("n1")
        .client("n2")
        .package_of("base", Class::Core, &[])
        .package("mpi", &[])
        .package("bench", &["mpi"])
        .asked("base mpi bench", Stage::Finished, everywhere);
    insta::assert_snapshot!("request_to_finished", site.run().join("\n"));
    site.ask("mpi bench", Stage::ShouldNotBeInstalled, everywhere);
    insta::assert_snapshot!("removal", site.run().join("\n"));
}
