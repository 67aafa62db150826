//! Runtimes of any version: installed beside the pinned one, and asked for their schema once.

use std::path::PathBuf;

use anyhow::{Context, Result};
use codex_runtime::{Installer, Pin, Runtime, Target, Version};

use super::npm;
use crate::regen::carried::Carried;
use crate::regen::schema::Schema;
use crate::regen::{Model, Tree};
use crate::tree;

/// The pin of a runtime for this machine alone.
fn pin(version: &Version) -> Result<Pin> {
    if *version == Version::pinned() {
        return Ok(Pin::current());
    }
    let target = Target::current()?;
    let package = npm::package(version, target)?;
    Ok(Pin::new(version.clone()).with_package(target, package))
}

/// Installs a runtime in the user's cache, unless it is there.
pub fn install(version: &Version) -> Result<Runtime> {
    Ok(Installer::new().pin(pin(version)?).install()?)
}

/// What a runtime says of itself, as generated code has it.
pub fn model(version: &Version) -> Result<Model> {
    Model::of(&schema(version)?, &Carried::default())
}

/// The schema of a runtime: from this machine if it was asked before, else from the runtime, which is
/// installed for that alone.
pub fn schema(version: &Version) -> Result<Schema> {
    let root = tree::root();
    let checked_in = Schema::read(&root.join("schema"))?;
    if checked_in.version == version.to_string() {
        return Ok(checked_in);
    }
    let kept: PathBuf = root.join("target/schema").join(version.to_string());
    if let Ok(schema) = Schema::read(&kept) {
        return Ok(schema);
    }
    let target = root.join("target");
    std::fs::create_dir_all(&target).context("cannot make the target folder")?;
    let cache = tempfile::tempdir_in(target).context("cannot make a temporary folder")?;
    let installer = Installer::new().pin(pin(version)?).cache_dir(cache.path());
    let schema = Schema::dump(Some(installer.install()?.program()))?;
    Tree::new(kept, schema.files()?).write(&root)?;
    Ok(schema)
}
