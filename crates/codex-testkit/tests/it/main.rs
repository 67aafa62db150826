//! The test doubles against the real runtime, and against themselves.

mod approval;
mod home;
mod model;
mod runtime;
mod stage;
