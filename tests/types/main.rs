//! The generated types against recorded traffic and against the schema they come from.

mod instances;
mod recode;
mod transcripts;
