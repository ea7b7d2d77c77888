//! What the RPM distributions share: the spec file.
