//! A file of the SDK imports only from lower layers, as `ARCHITECTURE.md` orders them.

use anyhow::{Result, ensure};

use super::source::Source;
use super::{Finding, Repository};

const SDK: &str = "crates/codex-sdk/src/";
const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// Modules by layer, bottom first.
type Layers = Vec<Vec<String>>;

pub fn check(repository: &Repository<'_>) -> Result<Vec<Finding>> {
    let layers = layers(&repository.text(ARCHITECTURE)?)?;
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for file in repository.rust_files(&[SDK]) {
        let module = module_path(file);
        let (Some(top), false) = (module.first(), is_test(&module)) else {
            continue;
        };
        if !seen.contains(top) {
            seen.push(top.clone());
        }
        let Some(own) = layer_of(&layers, top) else {
            if module.len() == 1 {
                let what = format!("the module {top} is in no layer");
                let remedy = format!("name it in the layers of {ARCHITECTURE}");
                findings.push(Finding::error(file, 1, what, remedy));
            }
            continue;
        };
        for (line, path) in Source::read(&repository.text(file)?, &module)?.imports {
            let Some(name) = path.first() else { continue };
            // A name of no module is an item of `lib`, which is above everything.
            let other = layer_of(&layers, name);
            if other.is_some_and(|other| other > own) {
                let what = format!("{top} imports from the higher layer of {name}");
                let remedy = format!(
                    "move what both need down, or hand it over from above (the order is in \
                     {ARCHITECTURE})"
                );
                findings.push(Finding::error(file, line, what, remedy));
            }
        }
    }
    for name in layers.iter().flatten().filter(|name| !seen.contains(name)) {
        let what = format!("the layers name the module {name}, which does not exist");
        findings.push(Finding::error(ARCHITECTURE, 1, what, "remove it"));
    }
    Ok(findings)
}

fn layer_of(layers: &Layers, module: &str) -> Option<usize> {
    layers
        .iter()
        .position(|layer| layer.iter().any(|name| name == module))
}

/// `crates/codex-sdk/src/router/lane.rs` is `[router, lane]`.
fn module_path(file: &str) -> Vec<String> {
    let path = file.strip_prefix(SDK).unwrap_or(file);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    path.split('/').map(str::to_owned).collect()
}

fn is_test(module: &[String]) -> bool {
    module
        .iter()
        .any(|part| part == "tests" || part.ends_with("_tests"))
}

/// Reads the line after "Layers of `codex-sdk`": `a (`x`, `y`) → `z` → …`.
fn layers(text: &str) -> Result<Layers> {
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with("Layers of `codex-sdk`"));
    let _ = lines.next();
    let order: String = lines
        .skip_while(|line| line.trim().is_empty())
        .take_while(|line| !line.trim().is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let layers: Layers = order
        .split('→')
        .map(|layer| quoted(layer).collect())
        .collect();
    ensure!(
        layers.len() > 2 && layers.iter().all(|layer| !layer.is_empty()),
        "{ARCHITECTURE} has no line of layers after \"Layers of `codex-sdk`\": write a → b → c, each \
         with its modules in backticks"
    );
    Ok(layers)
}

/// The parts of a text between backticks.
pub fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_read_from_the_line_after_their_heading() {
        let text = "Layers of `codex-sdk`, bottom first:\nvalues (`a`, `b`) → `c`\n→ `d`, `lib`.\n\n# More `x`\n";
        let expected = [vec!["a", "b"], vec!["c"], vec!["d", "lib"]];
        assert_eq!(layers(text).unwrap(), expected);
        assert!(layers("Layers of `codex-sdk`:\n\nnone\n").is_err());
    }
}
