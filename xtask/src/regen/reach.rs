//! The directions in which each type travels; types that no method reaches are not generated.

use std::collections::BTreeSet;

use super::ir::Types;
use super::registry::Registry;

/// The types that each side writes.
#[derive(Debug, Default)]
pub struct Reach {
    /// The client writes it: it gets `new` and setters.
    pub from_client: BTreeSet<String>,
    /// The runtime writes it: it keeps unknown fields.
    pub from_server: BTreeSet<String>,
}

impl Reach {
    /// Follows the registry's rows through the types.
    pub fn of(registry: &Registry, types: &Types) -> Self {
        let mut reach = Self::default();
        for row in &registry.client_requests {
            follow(&row.params, types, &mut reach.from_client);
            follow(&row.response, types, &mut reach.from_server);
        }
        for row in &registry.server_requests {
            follow(&row.params, types, &mut reach.from_server);
            follow(&row.response, types, &mut reach.from_client);
        }
        for row in &registry.notifications {
            follow(&row.payload, types, &mut reach.from_server);
        }
        for name in STANDALONE {
            follow(name, types, &mut reach.from_server);
            follow(name, types, &mut reach.from_client);
        }
        reach
    }

    /// Whether any method reaches the type.
    pub fn contains(&self, name: &str) -> bool {
        self.from_client.contains(name) || self.from_server.contains(name)
    }
}

/// Envelope parts that no params or response holds but every message needs.
const STANDALONE: [&str; 1] = ["RequestId"];

fn follow(name: &str, types: &Types, seen: &mut BTreeSet<String>) {
    if !seen.insert(name.to_owned()) {
        return;
    }
    if let Some(definition) = types.get(name) {
        let mut held = Vec::new();
        definition.names(&mut |name| held.push(name.to_owned()));
        for name in held {
            follow(&name, types, seen);
        }
    }
}
