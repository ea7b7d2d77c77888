//! The project's own examples are flawless.

mod support;

#[test]
fn examples_have_no_finding() {
    for name in ["hello-cluster", "jobwatch", "node-names", "image-hosts"] {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
        let loaded = opkg::load(&directory, &opkg::Settings::default());
        support::assert_consistent(&loaded);
        assert_eq!(support::summarize_diagnostics(&loaded), Vec::<String>::new(), "{name}");
    }
}
