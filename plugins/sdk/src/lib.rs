//! What the author of a plugin depends on.
