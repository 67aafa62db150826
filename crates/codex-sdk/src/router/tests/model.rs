//! Random interleavings against what must hold whatever happens.
