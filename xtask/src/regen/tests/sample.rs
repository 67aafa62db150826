//! Small schemas, and the way through the whole generator for them.

use anyhow::Result;
use codex_runtime::Version;
use serde_json::Value;

use super::super::bundle::{Bundle, Definitions, Method};
use super::super::emit::{Emission, emit};
use super::super::findings::Findings;
use super::super::history::{Ages, History};
use super::super::ir::Types;
use super::super::output::Files;
use super::super::registry::Registry;
use super::super::{Model, corrections, ids, lower};

/// What a sample's file may say; everything but `definitions` may be absent.
pub struct Sample(pub Value);

impl Sample {
    pub fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    fn definitions(&self, key: &str) -> Definitions {
        let map = self.0[key].as_object().cloned().unwrap_or_default();
        map.into_iter().collect()
    }

    fn methods(&self, key: &str) -> Vec<Method> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let rows = self.0[key].as_array().cloned().unwrap_or_default();
        let methods = rows.iter().map(|row| Method {
            name: text(&row["name"]).unwrap(),
            params: text(&row["params"]),
            nullable: false,
            docs: text(&row["docs"]),
        });
        methods.collect()
    }

    fn bundle(&self, experimental: bool) -> Bundle {
        let mut bundle = Bundle {
            definitions: self.definitions("definitions"),
            client_requests: self.methods("requests"),
            server_requests: self.methods("serverRequests"),
            notifications: self.methods("notifications"),
        };
        if experimental {
            bundle.definitions.extend(self.definitions("experimental"));
            bundle
                .client_requests
                .extend(self.methods("experimentalRequests"));
        }
        bundle
    }

    fn lower(&self, experimental: bool, findings: &mut Findings) -> Result<(Types, Registry)> {
        let bundle = self.bundle(experimental);
        let mut corrected = corrections::correct(bundle.definitions.clone(), experimental)?;
        findings.extend(std::mem::take(&mut corrected.findings));
        let mut types = lower::lower(&corrected)?;
        ids::apply(&mut types)?;
        let registry = Registry::build(&bundle, &mut types, experimental, findings)?;
        Ok((types, registry))
    }

    /// What the files are made of.
    pub fn model(&self) -> Result<Model> {
        let mut findings = Findings::default();
        let stable = self.lower(false, &mut findings)?;
        let whole = self.lower(true, &mut findings)?;
        Model::laid(&stable, whole, findings, |reach, types| {
            // A sample without methods shows all of its types.
            reach.from_server.extend(types.keys().cloned());
            let built = self.0["built"].as_array().cloned().unwrap_or_default();
            let built = built.iter().filter_map(Value::as_str);
            reach.from_client.extend(built.map(str::to_owned));
        })
    }

    /// What a person should decide about.
    pub fn open(&self) -> Vec<String> {
        let (model, _) = self.aged().unwrap();
        model.findings.open().map(ToString::to_string).collect()
    }

    /// The rows that are not needed, of those of one table.
    pub fn stale(&self, table: &str) -> Vec<String> {
        let (model, _) = self.aged().unwrap();
        let rows = model.findings.stale().map(ToString::to_string);
        rows.filter(|row| row.starts_with(&format!("{table} ")))
            .collect()
    }

    /// The same with since when its items are there: some may be older than it.
    fn aged(&self) -> Result<(Model, Ages)> {
        let mut model = self.model()?;
        let ages = self.ages(&model)?;
        model.soften(&ages);
        Ok((model, ages))
    }

    fn ages(&self, model: &Model) -> Result<Ages> {
        if self.0["older"].is_null() {
            return Ok(Ages::default());
        }
        let older = Self(serde_json::json!({"definitions": self.0["older"]}));
        let (old, new) = (Version::new(0, 1, 0), Version::new(0, 2, 0));
        let history = History::default().with(&old, &older.model()?);
        Ok(Ages::new(history.with(&new, model), new))
    }

    /// The generated files, without headers.
    pub fn files(&self) -> Result<Files> {
        let (model, ages) = self.aged()?;
        let emission = Emission::new(&model.types, &model.registry, &model.reach, &ages);
        emit(&emission, "")
    }

    /// The code that the sample is about: all types, or those items that `show` names.
    pub fn code(&self) -> Result<String> {
        let files = self.files()?;
        if let Some(table) = self.0["show"]
            .as_str()
            .filter(|name| name.ends_with("_methods"))
        {
            return Ok(table_code(&files["methods.rs"], table));
        }
        let mut code = String::new();
        for (file, text) in &files {
            if file.ends_with(".rs") && file != "methods.rs" {
                let body = text
                    .split_once("use super::*;\n")
                    .map_or("", |(_, body)| body);
                if !body.trim().is_empty() {
                    code = format!("{code}{}\n\n", body.trim());
                }
            }
        }
        Ok(match self.0["show"].as_str() {
            Some(shown) => items(&code, shown),
            None => format!("{}\n", code.trim_end()),
        })
    }
}

/// The enum and the table of one kind of method.
fn table_code(methods: &str, table: &str) -> String {
    let starts = [
        ("client_methods", "#[doc(hidden)]"),
        ("server_methods", "/// A request of the runtime"),
        ("notification_methods", "/// A notification of the runtime"),
    ];
    let start = starts.iter().find(|(name, _)| *name == table).unwrap().1;
    let from = methods.find(start).unwrap();
    let call = methods.find(&format!("\n{table}!(")).unwrap() + 1;
    // Up to the enum of the next kind.
    let rest = &methods[call..];
    let rest = &rest[..rest.find("\n\n/// ").unwrap_or(rest.len())];
    format!("{}{}\n", &methods[from..call], rest.trim_end())
}

/// The parts between empty lines, or before an `impl`, that declare or implement the name.
fn items(code: &str, name: &str) -> String {
    let code = code.replace("});\nimpl ", "});\n\nimpl ");
    let word = name.trim_start_matches("impl ");
    let declares = |part: &&str| {
        let implements = part.starts_with(&format!("impl {word} "));
        let declared = [
            format!("struct {word} "),
            format!("enum {word} "),
            format!("struct {word};"),
        ];
        implements
            || (!name.starts_with("impl ") && declared.iter().any(|text| part.contains(text)))
    };
    let parts: Vec<&str> = code.split("\n\n").filter(declares).collect();
    format!("{}\n", parts.join("\n\n").trim_end())
}
