//! Since when each item of the protocol is there: `schema/history.json`.
//!
//! It knows the runtimes that were looked at. What came between two of them counts from the later one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use codex_runtime::Version;
use serde_json::{Map, Value, json};

use super::Model;
use super::ir::{Kind, TypeDef};
use super::schema;

/// The name of the file in `schema/`.
pub const FILE: &str = "history.json";

/// How a runtime has an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Absent,
    Experimental,
    Stable,
}

impl State {
    fn of(experimental: bool) -> Self {
        match experimental {
            true => Self::Experimental,
            false => Self::Stable,
        }
    }
}

/// How each runtime that was looked at has an item, in order.
type States = Vec<State>;

/// Since when an item is there without a gap, as indexes into the runtimes that were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Since {
    pub there: usize,
    /// Where it became stable; the same as `there` for what still is experimental.
    pub stable: usize,
}

impl Since {
    /// Whether it came, or became stable, later than what holds it.
    pub fn is_later_than(self, other: Self) -> bool {
        self.there > other.there || self.stable > other.stable
    }
}

/// The parts of a type are fields and values by their names on the wire.
#[derive(Debug, Default, Clone, PartialEq)]
struct TypeHistory {
    states: States,
    parts: BTreeMap<String, States>,
}

/// The items of every runtime that was looked at.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct History {
    versions: Vec<Version>,
    /// Requests of either side and notifications, by method.
    methods: BTreeMap<String, States>,
    types: BTreeMap<String, TypeHistory>,
}

impl History {
    /// Reads what is checked in; an empty history where there is no file.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                Self::parse(&text).with_context(|| format!("cannot read {}", path.display()))
            }
            Err(_) => Ok(Self::default()),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let texts = |value: &Value| -> Vec<String> {
            let items = value.as_array().cloned().unwrap_or_default();
            let texts = items.iter().filter_map(|item| item.as_str());
            texts.map(str::to_owned).collect()
        };
        let versions = texts(&value["versions"]);
        let versions = versions.iter().map(|text| text.parse());
        let versions = versions.collect::<Result<Vec<Version>, _>>()?;
        let groups = |value: &Value| -> Result<BTreeMap<String, States>> {
            let mut items = BTreeMap::new();
            for (line, names) in value.as_object().into_iter().flatten() {
                let states = expand(line, &versions)?;
                items.extend(texts(names).into_iter().map(|name| (name, states.clone())));
            }
            Ok(items)
        };
        let mut types = BTreeMap::new();
        for (name, value) in value["types"].as_object().into_iter().flatten() {
            let states = expand(value["since"].as_str().unwrap_or_default(), &versions)?;
            let parts = groups(&value["parts"])?;
            types.insert(name.clone(), TypeHistory { states, parts });
        }
        let methods = groups(&value["methods"])?;
        Ok(Self {
            versions,
            methods,
            types,
        })
    }

    /// The text of the file: items by when they came.
    pub fn text(&self) -> Result<String> {
        let groups = |items: &BTreeMap<String, States>| {
            let mut groups: BTreeMap<String, Vec<&String>> = BTreeMap::new();
            for (name, states) in items {
                let line = collapse(states, &self.versions);
                groups.entry(line).or_default().push(name);
            }
            json!(groups)
        };
        let types = self.types.iter().map(|(name, history)| {
            let mut value = json!({"since": collapse(&history.states, &self.versions)});
            if !history.parts.is_empty() {
                value["parts"] = groups(&history.parts);
            }
            (name.clone(), value)
        });
        let types: Map<String, Value> = types.collect();
        let versions: Vec<String> = self.versions.iter().map(ToString::to_string).collect();
        let mut value =
            json!({"versions": versions, "methods": groups(&self.methods), "types": types});
        schema::sort(&mut value);
        schema::pretty(&value)
    }

    /// Adds what a runtime has, or puts it in place of what was known of this version.
    pub fn with(mut self, version: &Version, model: &Model) -> Self {
        let index = match self.versions.binary_search(version) {
            Ok(index) => index,
            Err(index) => {
                self.versions.insert(index, version.clone());
                self.all(|states| states.insert(index, State::Absent));
                index
            }
        };
        self.all(|states| states[index] = State::Absent);
        let absent = vec![State::Absent; self.versions.len()];
        let set = |items: &mut BTreeMap<String, States>, name: &str, experimental: bool| {
            let states = items.entry(name.to_owned());
            states.or_insert_with(|| absent.clone())[index] = State::of(experimental);
        };
        let registry = &model.registry;
        for row in registry
            .client_requests
            .iter()
            .chain(&registry.server_requests)
        {
            set(&mut self.methods, &row.method, row.experimental);
        }
        for row in &registry.notifications {
            set(&mut self.methods, &row.method, row.experimental);
        }
        for (name, definition) in &model.types {
            let history = self
                .types
                .entry(name.clone())
                .or_insert_with(|| TypeHistory {
                    states: absent.clone(),
                    parts: BTreeMap::new(),
                });
            history.states[index] = State::of(definition.experimental);
            for (part, experimental) in parts(definition) {
                set(
                    &mut history.parts,
                    part,
                    definition.experimental || experimental,
                );
            }
        }
        self
    }

    fn all(&mut self, mut change: impl FnMut(&mut States)) {
        self.methods.values_mut().for_each(&mut change);
        for history in self.types.values_mut() {
            change(&mut history.states);
            history.parts.values_mut().for_each(&mut change);
        }
    }

    /// The runtimes that were looked at, the oldest first.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// Since when a method is there, as a runtime of this version sees it.
    pub fn method(&self, name: &str, version: &Version) -> Since {
        self.since(self.methods.get(name), version)
    }

    /// Since when a type is there.
    pub fn type_of(&self, name: &str, version: &Version) -> Since {
        let history = self.types.get(name);
        self.since(history.map(|history| &history.states), version)
    }

    /// Since when a field, a value or a variant is there.
    pub fn part(&self, name: &str, wire: &str, version: &Version) -> Since {
        let history = self.types.get(name);
        let states = history.and_then(|history| history.parts.get(wire));
        match states {
            Some(states) => self.since(Some(states), version),
            // Types that the generator adds have no history: they are as old as what holds them.
            None => self.type_of(name, version),
        }
    }

    fn since(&self, states: Option<&States>, version: &Version) -> Since {
        let oldest = Since {
            there: 0,
            stable: 0,
        };
        let Some(states) = states else {
            return oldest;
        };
        let pinned = self.versions.iter().rposition(|known| known <= version);
        let pinned = pinned.unwrap_or(0);
        if states[pinned] == State::Absent {
            // Carried over from a newer runtime.
            let there = (pinned..states.len()).find(|index| states[*index] != State::Absent);
            let there = there.unwrap_or(states.len());
            return Since {
                there,
                stable: there,
            };
        }
        let start = |wanted: fn(State) -> bool| {
            let before = states[..pinned].iter().rposition(|state| !wanted(*state));
            before.map_or(0, |index| index + 1)
        };
        let there = start(|state| state != State::Absent);
        let stable = match states[pinned] {
            State::Stable => start(|state| state == State::Stable),
            _ => there,
        };
        Since { there, stable }
    }

    /// A sentence that says since when, and whether it was experimental before.
    pub fn sentence(&self, since: Since) -> String {
        let version = |index: usize| match self.versions.get(index) {
            Some(version) => version.to_string(),
            None => "a later version".to_owned(),
        };
        let there = version(since.there);
        let or_earlier = if since.there == 0 { " or earlier" } else { "" };
        match since.stable > since.there {
            false => format!("Since runtime {there}{or_earlier}."),
            true => format!(
                "Since runtime {there}{or_earlier}, experimental before {}.",
                version(since.stable)
            ),
        }
    }
}

/// The history as a pinned runtime sees it.
#[derive(Debug, Default)]
pub struct Ages {
    history: History,
    pinned: Option<Version>,
}

impl Ages {
    pub fn new(history: History, pinned: Version) -> Self {
        Self {
            history,
            pinned: Some(pinned),
        }
    }

    /// The runtimes that the indexes of [`Since`] are of.
    pub fn versions(&self) -> &[Version] {
        self.history.versions()
    }

    /// Since when a method is there.
    pub fn method(&self, name: &str) -> Option<Since> {
        let pinned = self.pinned.as_ref()?;
        Some(self.history.method(name, pinned))
    }

    /// Since when a part is there, if it came later than its type.
    pub fn part(&self, name: &str, wire: &str) -> Option<Since> {
        let pinned = self.pinned.as_ref()?;
        let since = self.history.part(name, wire, pinned);
        let of_type = self.history.type_of(name, pinned);
        since.is_later_than(of_type).then_some(since)
    }

    /// Whether a part came later than its type, so that some runtimes have the type without it.
    pub fn came_later(&self, name: &str, wire: &str) -> bool {
        self.pinned.as_ref().is_some_and(|pinned| {
            let since = self.history.part(name, wire, pinned);
            since.there > self.history.type_of(name, pinned).there
        })
    }

    /// The sentence for a type, unless it is not known.
    pub fn of_type(&self, name: &str) -> Option<String> {
        let pinned = self.pinned.as_ref()?;
        let known = self.history.types.contains_key(name);
        let since = self.history.type_of(name, pinned);
        known.then(|| self.history.sentence(since))
    }

    pub fn sentence(&self, since: Since) -> String {
        self.history.sentence(since)
    }

    /// The version alone, for a table.
    pub fn short(&self, since: Since) -> String {
        let sentence = self.history.sentence(since);
        let text = sentence.strip_prefix("Since runtime ").unwrap_or(&sentence);
        text.trim_end_matches('.').to_owned()
    }
}

/// The parts of a type by their names on the wire, and whether each is experimental.
fn parts(definition: &TypeDef) -> Vec<(&str, bool)> {
    match &definition.kind {
        Kind::Object(fields) => fields
            .iter()
            .map(|field| (field.wire.as_str(), field.experimental))
            .collect(),
        Kind::StringEnum(values) => values
            .iter()
            .map(|value| (value.wire.as_str(), value.experimental))
            .collect(),
        Kind::Tagged { variants, .. } | Kind::External(variants) | Kind::Untagged(variants) => {
            let parts = variants.iter();
            parts
                .map(|variant| (variant.wire.as_str(), variant.experimental))
                .collect()
        }
        Kind::Text => Vec::new(),
    }
}

/// The versions at which the state changes: `0.144.4 experimental, 0.151.0, 0.166.0 gone`.
fn collapse(states: &States, versions: &[Version]) -> String {
    let mut last = State::Absent;
    let mut changes = Vec::new();
    for (state, version) in states.iter().zip(versions) {
        if *state != last {
            last = *state;
            changes.push(match state {
                State::Absent => format!("{version} gone"),
                State::Experimental => format!("{version} experimental"),
                State::Stable => version.to_string(),
            });
        }
    }
    changes.join(", ")
}

/// The reverse of [`collapse`].
fn expand(line: &str, versions: &[Version]) -> Result<States> {
    let mut states = vec![State::Absent; versions.len()];
    for change in line.split(", ").filter(|change| !change.is_empty()) {
        let (version, word) = change.split_once(' ').unwrap_or((change, ""));
        let state = match word {
            "" => State::Stable,
            "experimental" => State::Experimental,
            _ => State::Absent,
        };
        let index = versions
            .iter()
            .position(|known| known.to_string() == version);
        ensure!(index.is_some(), "{change:?} is at no version of the list");
        states[index.unwrap_or_default()..].fill(state);
    }
    Ok(states)
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Absent, Experimental, Stable};

    fn history(rows: &[(&str, &[State])]) -> History {
        let version = |minor| Version::new(0, minor, 0);
        let mut history = History {
            versions: (1..5).map(version).collect(),
            ..History::default()
        };
        for (name, states) in rows {
            history.methods.insert((*name).to_owned(), states.to_vec());
        }
        history
    }

    #[test]
    fn the_text_says_when_the_state_changes() {
        let written = history(&[
            ("a", &[Stable, Stable, Stable, Stable]),
            ("b", &[Absent, Experimental, Stable, Absent]),
            ("c", &[Experimental, Absent, Absent, Stable]),
        ]);
        let text = written.text().unwrap();
        for line in [
            "\"0.1.0\": [",
            "\"0.2.0 experimental, 0.3.0, 0.4.0 gone\": [",
            "\"0.1.0 experimental, 0.2.0 gone, 0.4.0\": [",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert_eq!(History::parse(&text).unwrap(), written);
        assert!(History::parse(r#"{"methods": {"0.9.0": ["a"]}}"#).is_err());
    }

    /// What counts is how the pinned runtime has it, and since when without a gap.
    #[test]
    fn since_is_the_start_of_the_last_run() {
        let known = history(&[
            ("old", &[Stable, Stable, Stable, Stable]),
            ("back", &[Stable, Absent, Experimental, Stable]),
            ("trial", &[Absent, Experimental, Experimental, Experimental]),
            ("new", &[Absent, Absent, Absent, Stable]),
        ]);
        let pinned = Version::new(0, 4, 0);
        for (name, there, stable, sentence) in [
            ("old", 0, 0, "Since runtime 0.1.0 or earlier."),
            (
                "back",
                2,
                3,
                "Since runtime 0.3.0, experimental before 0.4.0.",
            ),
            ("trial", 1, 1, "Since runtime 0.2.0."),
            ("new", 3, 3, "Since runtime 0.4.0."),
            ("unknown", 0, 0, "Since runtime 0.1.0 or earlier."),
        ] {
            let since = known.method(name, &pinned);
            assert_eq!(since, Since { there, stable }, "{name}");
            assert_eq!(known.sentence(since), sentence);
        }
        // A pin between two of them is the earlier one, and knows what was carried over from later.
        let since = known.method("new", &Version::new(0, 3, 5));
        assert_eq!((since.there, since.stable), (3, 3));
    }
}
