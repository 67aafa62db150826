//! Tests of the generator on small schemas.

mod corrections;
mod errors;
mod goldens;
mod sample;
mod whole;
