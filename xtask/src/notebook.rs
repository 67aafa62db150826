//! `cargo xtask notebook`: runs the walkthrough, and writes or compares what its cells print.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::tree;

const NOTEBOOK: &str = "notebooks/walkthrough.ipynb";
const REMEDY: &str = "the notebook needs Jupyter and the kernel for Rust: `pip install nbconvert ipykernel`, \
                      `cargo install evcxr_jupyter --locked`, `evcxr_jupyter --install`";

/// Runs `notebook [--check]`.
pub fn run(args: &[String]) -> Result<ExitCode> {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("usage: cargo xtask notebook [--check]"),
    };
    let path = tree::root().join(NOTEBOOK);
    let mut notebook = read(&path)?;
    let executed = execute(&path)?;
    let prints = |notebook: &Value| code_cells(notebook).map(printed).collect::<Vec<_>>();
    let (printed, expected) = (prints(&executed), prints(&notebook));
    ensure!(
        printed.len() == expected.len(),
        "the run has another number of cells than {NOTEBOOK}"
    );
    let mut differ = false;
    for (at, (printed, expected)) in printed.iter().zip(&expected).enumerate() {
        if printed != expected {
            differ = true;
            println!(
                "cell {} prints\n{printed}\n{NOTEBOOK} has\n{expected}",
                at + 1
            );
        }
    }
    if check {
        ensure!(
            !differ,
            "{NOTEBOOK} is out of date: run `cargo xtask notebook`"
        );
        println!(
            "the {} cells of {NOTEBOOK} print what it shows",
            printed.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    write(&mut notebook, &printed)?;
    let text = format!("{}\n", serde_json::to_string_pretty(&notebook)?);
    std::fs::write(&path, text).with_context(|| format!("cannot write {NOTEBOOK}"))?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Value> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    serde_json::from_str(&text).with_context(|| format!("{name} is no notebook"))
}

/// Runs all cells in the folder of the notebook; a cell that fails, fails all.
fn execute(path: &Path) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let mut jupyter = Command::new("jupyter");
    jupyter
        .args(["nbconvert", "--to", "notebook", "--execute"])
        .arg("--ExecutePreprocessor.record_timing=False")
        // The first cell builds the SDK.
        .arg("--ExecutePreprocessor.timeout=900")
        .arg("--output-dir")
        .arg(folder.path())
        .args(["--output", "executed.ipynb"])
        .arg(path);
    let status = jupyter.status().context(REMEDY)?;
    ensure!(status.success(), "a cell has failed, or {REMEDY}");
    read(&folder.path().join("executed.ipynb"))
}

fn code_cells(notebook: &Value) -> impl Iterator<Item = &Value> {
    let cells = notebook["cells"].as_array().into_iter().flatten();
    cells.filter(|cell| cell["cell_type"] == "code")
}

/// What a cell has printed. The kernel sends it in pieces.
fn printed(cell: &Value) -> String {
    let outputs = cell["outputs"].as_array().into_iter().flatten();
    // What a build says on stderr differs from machine to machine.
    let streams = outputs.filter(|output| output["name"] == "stdout");
    streams.map(|output| text(&output["text"])).collect()
}

/// A text of a notebook: a string, or its lines.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

/// Puts what was printed into the cells.
fn write(notebook: &mut Value, printed: &[String]) -> Result<()> {
    let cells = notebook["cells"].as_array_mut().context("no cells")?;
    let cells = cells.iter_mut().filter(|cell| cell["cell_type"] == "code");
    for (at, (cell, printed)) in cells.zip(printed).enumerate() {
        let lines: Vec<&str> = printed.split_inclusive('\n').collect();
        cell["execution_count"] = json!(at + 1);
        cell["outputs"] = match lines[..] {
            [] => json!([]),
            _ => json!([{"name": "stdout", "output_type": "stream", "text": lines}]),
        };
    }
    Ok(())
}
