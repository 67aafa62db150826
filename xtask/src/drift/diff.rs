//! `cargo xtask diff`: what changed between two runtimes, and what of it breaks our API.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::runtimes;
use crate::regen::Model;
use crate::regen::ir::{Kind, Presence};

const HELP: &str = "\
Usage: cargo xtask diff <A> <B>

Says what runtime B added, removed and changed since A: methods, requests of the runtime, notifications,
types, fields and values, and what of it breaks the API of this SDK; then as a draft for the CHANGELOG.
";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let [a, b] = args.as_slice() else {
        if args == ["--help"] || args == ["-h"] {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        bail!("{HELP}");
    };
    let old = runtimes::model(&super::version(a)?)?;
    let new = runtimes::model(&super::version(b)?)?;
    println!("{}", report(a, &old, b, &new));
    Ok(ExitCode::SUCCESS)
}

/// The kinds of items, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Method,
    ServerRequest,
    Notification,
    Type,
    Field,
    Value,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "Methods",
            Self::ServerRequest => "Requests of the runtime",
            Self::Notification => "Notifications",
            Self::Type => "Types",
            Self::Field => "Fields",
            Self::Value => "Values and variants",
        })
    }
}

/// What generated code says of an item: two of them differ where users would see it.
#[derive(Debug, Clone, PartialEq)]
struct Item {
    shape: String,
    experimental: bool,
}

type Items = BTreeMap<(Group, String), Item>;

fn items(model: &Model) -> Items {
    let mut items = Items::new();
    let mut add = |group, name: String, shape: String, experimental| {
        items.insert(
            (group, name),
            Item {
                shape,
                experimental,
            },
        );
    };
    let registry = &model.registry;
    for (group, rows) in [
        (Group::Method, &registry.client_requests),
        (Group::ServerRequest, &registry.server_requests),
    ] {
        for row in rows {
            let shape = format!("{} → {}", row.params, row.response);
            add(group, row.method.clone(), shape, row.experimental);
        }
    }
    for row in &registry.notifications {
        let (name, shape) = (row.method.clone(), row.payload.clone());
        add(Group::Notification, name, shape, row.experimental);
    }
    for (name, definition) in &model.types {
        if !model.reach.contains(name) {
            continue;
        }
        let gated = definition.experimental;
        let kind = match &definition.kind {
            Kind::Object(_) => "an object",
            Kind::StringEnum(_) => "a string enum",
            Kind::Tagged { .. } | Kind::External(_) | Kind::Untagged(_) => "a union",
            Kind::Text => "a string",
        };
        add(Group::Type, name.clone(), kind.to_owned(), gated);
        match &definition.kind {
            Kind::Object(fields) => {
                for field in fields {
                    let presence = match &field.presence {
                        Presence::Required => "required",
                        Presence::Nullable => "nullable",
                        Presence::Optional => "optional",
                        Presence::Patch => "null clears it",
                        Presence::Defaulted(_) => "with a default",
                    };
                    let shape = format!("{} ({presence})", crate::regen::rust(&field.ty));
                    let name = format!("{name}.{}", field.wire);
                    add(Group::Field, name, shape, gated || field.experimental);
                }
            }
            Kind::StringEnum(values) => {
                for value in values {
                    let name = format!("{name}::{}", value.wire);
                    add(
                        Group::Value,
                        name,
                        String::new(),
                        gated || value.experimental,
                    );
                }
            }
            Kind::Tagged { variants, .. } | Kind::External(variants) | Kind::Untagged(variants) => {
                for variant in variants {
                    let shape = variant.ty.as_ref().map(crate::regen::rust);
                    let name = format!("{name}::{}", variant.wire);
                    let experimental = gated || variant.experimental;
                    add(Group::Value, name, shape.unwrap_or_default(), experimental);
                }
            }
            Kind::Text => {}
        }
    }
    items
}

/// One change, as a line of the report.
struct Change {
    group: Group,
    what: &'static str,
    line: String,
    breaks: bool,
}

fn changes(old: &Items, new: &Items) -> Vec<Change> {
    let mut changes = Vec::new();
    let mark = |item: &Item| {
        if item.experimental {
            " (experimental)"
        } else {
            ""
        }
    };
    // What comes or goes with its type is told by the type.
    let with_its_type = |key: &(Group, String), items: &Items| {
        let owner = key.1.split(['.', ':']).next().unwrap_or_default();
        matches!(key.0, Group::Field | Group::Value)
            && !items.contains_key(&(Group::Type, owner.to_owned()))
    };
    for (key, item) in new {
        let (group, name) = key;
        let Some(before) = old.get(key) else {
            if !with_its_type(key, old) {
                changes.push(Change {
                    group: *group,
                    what: "added",
                    line: format!("{name}{}", mark(item)),
                    // A literal of the struct lacks it; `new` has no argument for it.
                    breaks: *group == Group::Field && item.shape.ends_with("(required)"),
                });
            }
            continue;
        };
        if before.shape != item.shape {
            changes.push(Change {
                group: *group,
                what: "changed",
                line: format!("{name}: {} became {}", before.shape, item.shape),
                breaks: !item.experimental,
            });
        }
        if before.experimental != item.experimental {
            let became = if item.experimental {
                "experimental"
            } else {
                "stable"
            };
            changes.push(Change {
                group: *group,
                what: "changed",
                line: format!("{name} became {became}"),
                breaks: item.experimental,
            });
        }
    }
    for (key, item) in old {
        if !new.contains_key(key) && !with_its_type(key, new) {
            changes.push(Change {
                group: key.0,
                what: "removed",
                line: format!("{}{}", key.1, mark(item)),
                breaks: !item.experimental,
            });
        }
    }
    changes.sort_by(|a, b| (a.group, a.what, &a.line).cmp(&(b.group, b.what, &b.line)));
    changes
}

/// The report as text, with the draft for the CHANGELOG behind it.
pub fn report(from: &str, old: &Model, to: &str, new: &Model) -> String {
    let changes = changes(&items(old), &items(new));
    let mut text = format!("Runtime {from} → {to}\n");
    if changes.is_empty() {
        text.push_str("\nNothing changed in the protocol.\n");
    }
    let mut heading = None;
    for change in &changes {
        if heading.replace((change.group, change.what)) != Some((change.group, change.what)) {
            let _ = write!(text, "\n{} {}:\n", change.group, change.what);
        }
        let mark = if change.breaks {
            " [breaks the API]"
        } else {
            ""
        };
        let _ = writeln!(text, "  {}{mark}", change.line);
    }
    let breaking: Vec<&Change> = changes.iter().filter(|change| change.breaks).collect();
    let _ = write!(
        text,
        "\nDraft for the CHANGELOG:\n\n### Changed\n\n- The pinned runtime is {to} (was {from}).\n"
    );
    if !breaking.is_empty() {
        text.push_str("\n### Breaking\n\n");
        for change in breaking {
            let _ = writeln!(
                text,
                "- {} {}: `{}`",
                kind(change.group),
                change.what,
                change.line
            );
        }
    }
    for (what, title) in [("added", "Added"), ("removed", "Removed")] {
        let of_methods = changes.iter().filter(|change| {
            let told = matches!(
                change.group,
                Group::Method | Group::ServerRequest | Group::Notification
            );
            told && change.what == what && !(change.breaks)
        });
        let lines: Vec<String> = of_methods
            .map(|change| format!("- {} `{}`\n", kind(change.group), change.line))
            .collect();
        if !lines.is_empty() {
            let _ = write!(text, "\n### {title}\n\n{}", lines.concat());
        }
    }
    text
}

fn kind(group: Group) -> &'static str {
    match group {
        Group::Method => "method",
        Group::ServerRequest => "request of the runtime",
        Group::Notification => "notification",
        Group::Type => "type",
        Group::Field => "field",
        Group::Value => "value",
    }
}
