//! `cargo xtask regen`: the runtime's schema into `schema/`, and the schema into `codex-types`.

mod bundle;
pub mod carried;
mod corrections;
mod defaults;
mod emit;
pub mod findings;
pub mod history;
mod ids;
pub mod ir;
mod lower;
mod merge;
mod nulls;
mod output;
pub mod reach;
pub mod registry;
pub mod schema;
mod tables;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::tree;
use codex_runtime::Version;
pub use emit::rust;
use output::Outcome;
pub use output::Tree;

const HELP: &str = "\
Usage: cargo xtask regen [--check] [--offline] [--codex-bin PATH] [--root DIR] [--list-steps]

Dumps the schema of the pinned runtime into schema/ and generates crates/codex-types/src/generated/.

Options:
  --check           write nothing; print what would change as a diff, and exit 1 if anything would
  --offline         start from the checked-in schema; needs neither the runtime nor npm
  --codex-bin PATH  dump the schema of this executable instead of the pinned runtime
  --root DIR        work on the tree in this folder instead of the one this command was built from
  --list-steps      print the steps and exit
";

/// The steps in order.
const STEPS: [&str; 5] = [
    "dump the schema of the runtime (not with --offline)",
    "correct the schema",
    "generate types with typify and lower them",
    "lay the experimental schema over the stable one",
    "emit types and registry",
];

#[derive(Debug, Default)]
struct Options {
    check: bool,
    offline: bool,
    codex_bin: Option<PathBuf>,
    root: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: Vec<String>) -> Result<ExitCode> {
    let mut options = Options::default();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--check" => options.check = true,
            "--offline" => options.offline = true,
            "--codex-bin" => {
                let path = args.next().context("--codex-bin takes a path")?;
                options.codex_bin = Some(path.into());
            }
            "--root" => options.root = Some(args.next().context("--root takes a path")?.into()),
            "--list-steps" => {
                STEPS.iter().for_each(|step| println!("{step}"));
                return Ok(ExitCode::SUCCESS);
            }
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(ExitCode::SUCCESS);
            }
            other => bail!("unknown option {other}\n\n{HELP}"),
        }
    }
    let root = options.root.clone().unwrap_or_else(tree::root);
    regen(&root, &options)
}

fn regen(root: &Path, options: &Options) -> Result<ExitCode> {
    let schema_dir = root.join("schema");
    let checked_in = schema::Schema::read(&schema_dir);
    let schema = if options.offline {
        checked_in.context("--offline starts from the checked-in schema")?
    } else {
        schema::Schema::dump(options.codex_bin.as_deref())?
    };
    let Outputs { trees, model, .. } = outputs(root, &schema)?;
    report(&model.findings);
    let outcome = put(root, &trees, options.check)?;
    if outcome == ExitCode::FAILURE {
        let flag = if options.offline { " --offline" } else { "" };
        eprintln!("error: the tree is not what the generator makes; run: cargo xtask regen{flag}");
    }
    let stale = model.findings.stale().count();
    if options.check && outcome == ExitCode::SUCCESS && stale > 0 {
        eprintln!("error: {stale} rows of the generator's tables are not needed; remove them");
        return Ok(ExitCode::FAILURE);
    }
    Ok(outcome)
}

/// Everything that is generated from a schema.
pub struct Outputs {
    /// The folders in which it stands.
    pub trees: Vec<Tree>,
    /// What the trees are made of.
    pub model: Model,
    /// Since when each item is there.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests ask it"))]
    pub ages: history::Ages,
    /// The same without what is carried over: what the runtime itself has.
    pub plain: Model,
}

/// Generates everything from a schema, with what is checked in of older ones.
pub fn outputs(root: &Path, schema: &schema::Schema) -> Result<Outputs> {
    let dir = root.join("schema");
    let carried = carried::Carried::read(&dir)?.update(schema)?;
    let version: Version = schema.version.parse().context("the schema's version")?;
    let plain = Model::of(schema, &carried::Carried::default())?;
    let history = history::History::read(&dir)?.with(&version, &plain);
    let mut model = Model::of(schema, &carried)?;
    let mut files = schema.files()?;
    files.insert(carried::FILE.to_owned(), carried.text()?);

    let text = history.text()?;
    let ages = history::Ages::new(history, version);
    model.soften(&ages);
    let generated = generate(schema, &model, &ages)?;
    files.insert(history::FILE.to_owned(), text);
    let trees = vec![
        Tree::new(dir, files),
        Tree::new(root.join("crates/codex-types/src/generated"), generated),
    ];
    Ok(Outputs {
        trees,
        model,
        ages,
        plain,
    })
}

/// Writes what differs, or says how it does.
pub fn put(root: &Path, trees: &[Tree], check: bool) -> Result<ExitCode> {
    let mut changed = false;
    for tree in trees {
        let outcome = match check {
            true => tree.check(root)?,
            false => tree.write(root)?,
        };
        changed |= outcome == Outcome::Changed;
    }
    if !changed {
        println!("schema and generated types are up to date");
    } else if check {
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what a person should look at.
pub fn report(findings: &findings::Findings) {
    for finding in findings.open() {
        eprintln!("undecided: {finding}");
    }
    for finding in findings.stale() {
        eprintln!("stale: {finding}");
    }
}

/// What a schema says, as the generated code has it.
#[derive(Debug)]
pub struct Model {
    pub types: ir::Types,
    pub registry: registry::Registry,
    pub reach: reach::Reach,
    pub findings: findings::Findings,
}

impl Model {
    /// Reads both bundles and lays the experimental one over the stable one.
    pub fn of(schema: &schema::Schema, carried: &carried::Carried) -> Result<Self> {
        let mut findings = findings::Findings::default();
        let stable =
            lower(&schema.stable, false, carried, &mut findings).context("stable schema")?;
        let whole = lower(&schema.experimental, true, carried, &mut findings)
            .context("experimental schema")?;
        Self::laid(&stable, whole, findings, |_, _| ())
    }

    /// Lays the experimental types and methods over the stable ones, and decides what is left open.
    /// `widen` adds to the types that travel.
    fn laid(
        stable: &(ir::Types, registry::Registry),
        (mut types, mut registry): (ir::Types, registry::Registry),
        mut findings: findings::Findings,
        widen: impl FnOnce(&mut reach::Reach, &ir::Types),
    ) -> Result<Self> {
        merge::mark_types(&mut types, &stable.0)?;
        merge::mark_methods(&mut registry, &stable.1)?;
        let mut reach = reach::Reach::of(&registry, &types);
        widen(&mut reach, &types);
        defaults::settle(&mut types, &mut findings);
        nulls::decide(&mut types, &reach, &mut findings);
        tables::check(&types, &reach, &registry, &mut findings);
        Ok(Self {
            types,
            registry,
            reach,
            findings,
        })
    }

    /// Makes readable what older runtimes send.
    fn soften(&mut self, ages: &history::Ages) {
        defaults::soften(&mut self.types, &self.reach, ages, &mut self.findings);
    }
}

/// Schema in, files out; nothing else is read.
fn generate(schema: &schema::Schema, model: &Model, ages: &history::Ages) -> Result<output::Files> {
    let emission = emit::Emission::new(&model.types, &model.registry, &model.reach, ages);
    let header = format!(
        "// Generated by `cargo xtask regen`; do not edit.\n// Schema digest: {}\n\n",
        schema.digest()
    );
    emit::emit(&emission, &header)
}

/// The types and method tables of one bundle.
fn lower(
    text: &str,
    complete: bool,
    carried: &carried::Carried,
    findings: &mut findings::Findings,
) -> Result<(ir::Types, registry::Registry)> {
    let mut bundle = bundle::Bundle::parse(text)?;
    carried.add_to(&mut bundle, complete)?;
    let definitions = std::mem::take(&mut bundle.definitions);
    let mut corrected = corrections::apply(definitions, complete)?;
    findings.extend(std::mem::take(&mut corrected.findings));
    let mut types = lower::lower(&corrected)?;
    ids::apply(&mut types)?;
    let registry = registry::Registry::build(&bundle, &mut types, complete, findings)?;
    Ok((types, registry))
}

#[cfg(test)]
mod tests;
