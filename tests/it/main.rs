//! Integration tests against the real runtime.
