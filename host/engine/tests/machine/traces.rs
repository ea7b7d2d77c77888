//! Whole courses, as a reader would want to see them.

use opkg_oda::{PackageClass, Stage};

use crate::fixture::Fixture;

#[test]
fn from_request_to_finished_and_gone_again() {
    let everywhere = "head compute n1 n2";
    let mut fixture = Fixture::new()
        .image("compute")
        .client("n1")
        .client("n2")
        .package_with_class("base", PackageClass::Core, &[])
        .package("mpi", &[])
        .package("bench", &["mpi"])
        .with_request("base mpi bench", Stage::Finished, everywhere);
    insta::assert_snapshot!("request_to_finished", fixture.run().join("\n"));
    fixture.request("mpi bench", Stage::ShouldNotBeInstalled, everywhere);
    insta::assert_snapshot!("removal", fixture.run().join("\n"));
}
