//! End-to-end tests: the real program against the package tools of the distributions.
