//! Loads one schema bundle: every definition under one roof, and the method tables taken out.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

/// Every definition by name, in order.
pub type Definitions = BTreeMap<String, Value>;

/// A method of the protocol as the schema's unions list it.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    pub name: String,
    /// The definition its params refer to; `None` where the method takes none.
    pub params: Option<String>,
    /// `params` may be null as well.
    pub nullable: bool,
    pub docs: Option<String>,
}

/// One bundle as the generator reads it.
#[derive(Debug)]
pub struct Bundle {
    pub definitions: Definitions,
    pub client_requests: Vec<Method>,
    pub server_requests: Vec<Method>,
    pub notifications: Vec<Method>,
}

/// Envelopes and helpers of the dump that are no protocol types of their own.
const ENVELOPES: [&str; 6] = [
    "JSONRPCError",
    "JSONRPCErrorError",
    "JSONRPCMessage",
    "JSONRPCNotification",
    "JSONRPCRequest",
    "JSONRPCResponse",
];

impl Bundle {
    /// Reads the bundle that `generate-json-schema` writes, with the `v2` definitions hoisted.
    pub fn parse(text: &str) -> Result<Self> {
        let mut root: Value =
            serde_json::from_str(text).context("the schema bundle is not JSON")?;
        let mut top = take_object(&mut root, "definitions")?;
        let mut definitions = Definitions::new();
        if let Some(mut v2) = top.remove("v2") {
            for (name, definition) in std::mem::take(object(&mut v2, "definitions.v2")?) {
                definitions.insert(name, definition);
            }
        }
        for (name, definition) in top {
            match definitions.get(&name) {
                Some(existing) if !same(existing, &definition) => {
                    bail!("definition {name} differs between the two levels of the bundle")
                }
                Some(_) => {}
                None => {
                    definitions.insert(name, definition);
                }
            }
        }
        for definition in definitions.values_mut() {
            rewrite_refs(definition);
        }
        for name in ENVELOPES {
            definitions
                .remove(name)
                .with_context(|| format!("envelope {name} is no longer in the bundle"))?;
        }
        definitions.remove("ClientNotification");
        let client_requests = methods(&mut definitions, "ClientRequest")?;
        let server_requests = methods(&mut definitions, "ServerRequest")?;
        let notifications = methods(&mut definitions, "ServerNotification")?;
        Ok(Self {
            definitions,
            client_requests,
            server_requests,
            notifications,
        })
    }
}

/// The object behind a value, or an error that names where it should have been.
pub fn object<'a>(value: &'a mut Value, name: &str) -> Result<&'a mut Map<String, Value>> {
    value
        .as_object_mut()
        .with_context(|| format!("{name} is not an object"))
}

fn take_object(value: &mut Value, key: &str) -> Result<Map<String, Value>> {
    let inner = object(value, "the bundle")?
        .get_mut(key)
        .with_context(|| format!("the bundle has no {key}"))?;
    Ok(std::mem::take(object(inner, key)?))
}

/// Equal apart from `title`, `$schema` and where the references point.
fn same(left: &Value, right: &Value) -> bool {
    let plain = |value: &Value| {
        let mut value = value.clone();
        if let Some(map) = value.as_object_mut() {
            map.remove("title");
            map.remove("$schema");
        }
        rewrite_refs(&mut value);
        value
    };
    plain(left) == plain(right)
}

fn rewrite_refs(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get_mut("$ref")
                && let Some(name) = target.strip_prefix("#/definitions/v2/")
            {
                *target = format!("#/definitions/{name}");
            }
            map.values_mut().for_each(rewrite_refs);
        }
        Value::Array(items) => items.iter_mut().for_each(rewrite_refs),
        _ => {}
    }
}

/// The name behind `{"$ref": "#/definitions/Name"}`.
pub fn ref_name(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}

fn methods(definitions: &mut Definitions, union: &str) -> Result<Vec<Method>> {
    let table = definitions
        .remove(union)
        .with_context(|| format!("the bundle has no {union}"))?;
    let variants = table["oneOf"]
        .as_array()
        .with_context(|| format!("{union} is not a oneOf"))?;
    let mut methods = variants
        .iter()
        .map(|variant| method(union, variant, definitions))
        .collect::<Result<Vec<_>>>()?;
    methods.sort_by(|a, b| a.name.cmp(&b.name));
    let doubled = methods.windows(2).find(|pair| pair[0].name == pair[1].name);
    ensure!(doubled.is_none(), "{union} lists {doubled:?} twice");
    Ok(methods)
}

fn method(union: &str, variant: &Value, definitions: &mut Definitions) -> Result<Method> {
    let properties = &variant["properties"];
    let name = properties["method"]["enum"][0]
        .as_str()
        .with_context(|| format!("a variant of {union} has no method name: {variant}"))?
        .to_owned();
    let mut params = &properties["params"];
    let mut nullable = false;
    // `Nullable…` aliases only say that null may stand for "no params".
    let alias = ref_name(params).filter(|name| name.starts_with("Nullable"));
    let aliased = alias.and_then(|alias| definitions.get(alias).cloned());
    if let Some(aliased) = &aliased {
        params = aliased;
    }
    if let Some(any_of) = params.get("anyOf").and_then(Value::as_array) {
        nullable = any_of
            .iter()
            .any(|member| member == &json!({"type": "null"}));
        params = any_of
            .iter()
            .find(|member| ref_name(member).is_some())
            .with_context(|| format!("params of {name} have an unknown shape: {params}"))?;
    }
    let target = ref_name(params).map(str::to_owned);
    ensure!(
        target.is_some() || params.is_null() || params == &json!({"type": "null"}),
        "params of {name} have an unknown shape: {params}"
    );
    Ok(Method {
        params: target,
        nullable,
        docs: variant["description"].as_str().map(str::to_owned),
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_that_differ_between_the_levels_are_refused() {
        let text =
            r#"{"definitions": {"A": {"type": "string"}, "v2": {"A": {"type": "integer"}}}}"#;
        let error = Bundle::parse(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "definition A differs between the two levels of the bundle"
        );
    }
}
