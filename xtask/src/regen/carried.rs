//! What the hand-written code names, for schemas that do not have it.
//!
//! The types of an older runtime, or of a newer one that dropped something, still have what the crates and
//! their tests name: it is carried over in `schema/carried.json`. Sending it is refused as for every item
//! that the running version lacks.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use super::bundle::{Bundle, Definitions, Method, object, ref_name};
use super::schema::{self, Schema};
use super::{corrections, registry};

/// The name of the file in `schema/`.
pub const FILE: &str = "carried.json";

/// Methods with a slash, definitions, properties as `Type.property`, and variants as `Type::wire`.
const CARRIED: &[&str] = &[
    "CodexErrorInfo::rateLimitExceeded",
    "CommandExecutionApprovalKind",
    "CommandExecutionApprovalKind::humanCommand",
    "CommandExecutionRequestApprovalParams.kind",
    "ThreadForkResponse.disabledPluginIds",
    "ThreadItem.completedAtMs",
    "ThreadItem.startedAtMs",
    "ThreadItem::functionCallOutput",
    "ThreadListParams.projectId",
    "ThreadListParams.sectionId",
    "ThreadMetadataUpdateParams.projectId",
    "ThreadResumeResponse.collaborationMode",
    "ThreadResumeResponse.disabledPluginIds",
    "ThreadResumeResponse.itemsBackwardsCursor",
    "ThreadResumeResponse.turnsBackwardsCursor",
    "ThreadSection.appearance",
    "ThreadSectionUpdateParams.appearance",
    "ThreadStartResponse.disabledPluginIds",
    "TokenUsageBreakdown.cacheWriteInputTokens",
    "TurnStartParams.serviceTierForTurn",
    "TurnStartParams.toolOutput",
    "TurnStartParams.turnTrigger",
    "TurnToolOutput",
    "project/create",
    "thread/section/move",
    "threadSection/create",
    "threadSection/update",
];

/// What is carried over.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Carried {
    stable: Parts,
    /// What only the experimental bundle had.
    experimental: Parts,
}

/// Parts of a bundle.
#[derive(Debug, Default, Clone, PartialEq)]
struct Parts {
    definitions: Definitions,
    /// By method: its params, its response and its text.
    methods: Definitions,
    /// By `Type.property`.
    properties: Definitions,
    /// By `Type::wire`.
    variants: Definitions,
}

impl Carried {
    /// Reads what is checked in; nothing where there is no file.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(Self::default());
        };
        let value: Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is not JSON", path.display()))?;
        Ok(Self {
            stable: Parts::read(&value["stable"]),
            experimental: Parts::read(&value["experimental"]),
        })
    }

    /// Takes from a schema what is to be carried, and keeps of the older what that does not have.
    pub fn update(&self, schema: &Schema) -> Result<Self> {
        let bundles = [&schema.stable, &schema.experimental].map(|text| Bundle::parse(text));
        let [stable, whole] = bundles;
        let (stable, whole) = (stable?, whole?);
        let mut carried = Self::default();
        for row in CARRIED {
            // In the order in which a row is stable rather than experimental, and known rather than older.
            let taken = carried.stable.take(row, &stable)
                || carried.experimental.take(row, &whole)
                || carried.stable.copy(row, &self.stable)
                || carried.experimental.copy(row, &self.experimental);
            ensure!(
                taken,
                "CARRIED names {row}, which neither the schema nor schema/{FILE} has"
            );
        }
        carried
            .stable
            .complete(&[&stable.definitions, &self.stable.definitions])?;
        let older = [&self.stable.definitions, &self.experimental.definitions];
        carried
            .experimental
            .complete(&[&whole.definitions, older[0], older[1]])?;
        let shared = carried.stable.definitions.keys();
        for name in shared {
            carried.experimental.definitions.remove(name);
        }
        Ok(carried)
    }

    /// The text of the file.
    pub fn text(&self) -> Result<String> {
        let mut value = json!({
            "experimental": self.experimental.value(),
            "stable": self.stable.value(),
        });
        schema::sort(&mut value);
        schema::pretty(&value)
    }

    /// Adds to a bundle what it lacks.
    pub fn add_to(&self, bundle: &mut Bundle, experimental: bool) -> Result<()> {
        self.stable.add_to(bundle)?;
        if experimental {
            self.experimental.add_to(bundle)?;
        }
        let requests = &mut bundle.client_requests;
        requests.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }
}

impl Parts {
    fn read(value: &Value) -> Self {
        let part = |key: &str| {
            let map = value[key].as_object().cloned().unwrap_or_default();
            map.into_iter().collect()
        };
        Self {
            definitions: part("definitions"),
            methods: part("methods"),
            properties: part("properties"),
            variants: part("variants"),
        }
    }

    fn value(&self) -> Value {
        let map = |definitions: &Definitions| -> Map<String, Value> {
            definitions.clone().into_iter().collect()
        };
        json!({
            "definitions": map(&self.definitions),
            "methods": map(&self.methods),
            "properties": map(&self.properties),
            "variants": map(&self.variants),
        })
    }

    /// The part that a row belongs to.
    fn part(&mut self, row: &str) -> &mut Definitions {
        if row.contains('/') {
            &mut self.methods
        } else if row.contains("::") {
            &mut self.variants
        } else if row.contains('.') {
            &mut self.properties
        } else {
            &mut self.definitions
        }
    }

    /// Takes what a row names from a bundle, if it is there.
    fn take(&mut self, row: &str, bundle: &Bundle) -> bool {
        let definition = |name: &str| bundle.definitions.get(name);
        let found = if row.contains('/') {
            method(bundle, row)
        } else if let Some((name, wire)) = row.split_once("::") {
            definition(name).and_then(|found| variant(found, wire))
        } else if let Some((name, wire)) = row.split_once('.') {
            definition(name).and_then(|found| found["properties"].get(wire).cloned())
        } else {
            definition(row).cloned()
        };
        let taken = found.map(|found| self.part(row).insert(row.to_owned(), found));
        taken.is_some()
    }

    /// Takes what a row names from what was carried before, if it is there.
    fn copy(&mut self, row: &str, older: &Self) -> bool {
        let found = older.clone().part(row).remove(row);
        let taken = found.map(|found| self.part(row).insert(row.to_owned(), found));
        taken.is_some()
    }

    /// Adds the definitions that the parts refer to, from the first of these that has each.
    fn complete(&mut self, sources: &[&Definitions]) -> Result<()> {
        let mut wanted = BTreeSet::new();
        let parts = [
            &self.definitions,
            &self.methods,
            &self.properties,
            &self.variants,
        ];
        for part in parts {
            part.values().for_each(|schema| refs(schema, &mut wanted));
        }
        while let Some(name) = wanted.pop_first() {
            if self.definitions.contains_key(&name) {
                continue;
            }
            let found = sources.iter().find_map(|source| source.get(&name));
            let found = found.with_context(|| {
                format!("CARRIED needs {name}, which neither the schema nor schema/{FILE} has")
            })?;
            refs(found, &mut wanted);
            self.definitions.insert(name, found.clone());
        }
        Ok(())
    }

    fn add_to(&self, bundle: &mut Bundle) -> Result<()> {
        for (row, property) in &self.properties {
            let (name, wire) = row.split_once('.').unwrap_or((row, ""));
            if let Some(definition) = bundle.definitions.get_mut(name) {
                let map = object(definition, name)?;
                let properties = map.entry("properties").or_insert_with(|| json!({}));
                let properties = object(properties, name)?;
                properties.entry(wire).or_insert_with(|| property.clone());
            }
        }
        for (row, variant_schema) in &self.variants {
            let (name, wire) = row.split_once("::").unwrap_or((row, ""));
            if let Some(definition) = bundle.definitions.get_mut(name)
                && variant(definition, wire).is_none()
            {
                if let Some(values) = definition.get_mut("enum").and_then(Value::as_array_mut) {
                    values.push(wire.into());
                    continue;
                }
                let union = match definition.get("oneOf") {
                    Some(_) => "oneOf",
                    None => "anyOf",
                };
                match definition.get_mut(union).and_then(Value::as_array_mut) {
                    Some(members) => members.push(variant_schema.clone()),
                    None => bail!("schema/{FILE} has {row}, and {name} is no union in the schema"),
                }
            }
        }
        for (name, definition) in &self.definitions {
            let definitions = &mut bundle.definitions;
            definitions
                .entry(name.clone())
                .or_insert_with(|| definition.clone());
        }
        for (name, row) in &self.methods {
            let known = bundle
                .client_requests
                .iter()
                .any(|method| method.name == *name);
            if !known {
                bundle.client_requests.push(Method {
                    name: name.clone(),
                    params: ref_name(&row["params"]).map(str::to_owned),
                    nullable: false,
                    docs: row["docs"].as_str().map(str::to_owned),
                });
            }
        }
        Ok(())
    }
}

/// A method with references to its params and its response.
fn method(bundle: &Bundle, name: &str) -> Option<Value> {
    let mut requests = bundle.client_requests.iter();
    let found = requests.find(|method| method.name == name)?;
    let reference = |name: &str| json!({"$ref": format!("#/definitions/{name}")});
    let response = registry::response_name(found, |name| bundle.definitions.contains_key(name));
    Some(json!({
        "docs": found.docs,
        "params": found.params.as_deref().map(reference),
        "response": response.as_deref().map(reference),
    }))
}

/// The member of a union with this value of a tag, or this text.
fn variant(definition: &Value, wire: &str) -> Option<Value> {
    let listed = [definition.clone()];
    let members = definition["oneOf"]
        .as_array()
        .or(definition["anyOf"].as_array());
    for member in members.map_or(&listed[..], Vec::as_slice) {
        let tagged = |tag: &str| member["properties"][tag]["enum"][0] == wire;
        let texts = member["enum"].as_array();
        if corrections::TAGS.into_iter().any(tagged) {
            return Some(member.clone());
        }
        if texts.is_some_and(|texts| texts.iter().any(|text| text == wire)) {
            return Some(json!({"type": "string", "enum": [wire]}));
        }
    }
    None
}

/// The names of all definitions that a schema refers to.
fn refs(schema: &Value, names: &mut BTreeSet<String>) {
    if let Some(name) = ref_name(schema) {
        names.insert(name.to_owned());
    }
    match schema {
        Value::Object(map) => map.values().for_each(|inner| refs(inner, names)),
        Value::Array(items) => items.iter().for_each(|inner| refs(inner, names)),
        _ => {}
    }
}
