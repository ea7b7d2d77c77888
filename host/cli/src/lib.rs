//! The program opkgc: OPKG directories to native packages.
