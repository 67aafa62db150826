//! Takes what only the runtime's own developers need out of the doc texts.

use anyhow::Result;
use serde_json::Value;

use super::super::bundle::Definitions;
use super::Corrected;

/// Parts of doc texts and what stands in their place.
const ASIDES: [(&str, &str); 8] = [
    (
        "\n\nIMPORTANT: When deserializing an `AbsolutePathBuf`, a base path must be set using \
         [AbsolutePathBufGuard::new]. If no base path is set, the deserialization will fail unless \
         the path being deserialized is already absolute.",
        "",
    ),
    (
        "\n\n`File` must remain first so rollouts written during the migration, which contain both \
         an empty `result` and a `fileId`, retain the file reference when deserialized.",
        "",
    ),
    ("[`Self::extensions`]", "`extensions`"),
    (
        " TODO: Remove this rollout knob once transcript-tail flushing is always enabled.",
        "",
    ),
    (
        "Serialized `codex_protocol::protocol::GuardianAssessmentEvent`.",
        "The assessment event, as JSON.",
    ),
    (
        "Superset of [`codex_file_search::FileMatch`]",
        "A file that matches a search.",
    ),
    (
        "Use to correlate this with [codex_protocol::protocol::ExecCommandBeginEvent] and \
         [codex_protocol::protocol::ExecCommandEndEvent].",
        "The id of the model's call that runs the command.",
    ),
    (
        "Use to correlate this with [codex_protocol::protocol::PatchApplyBeginEvent] and \
         [codex_protocol::protocol::PatchApplyEndEvent].",
        "The id of the model's call that applies the patch.",
    ),
];

/// The asides that the whole schema does not have.
pub fn unused(definitions: &Definitions) -> Vec<&'static str> {
    let mut unused: Vec<&'static str> = ASIDES.iter().map(|(aside, _)| *aside).collect();
    for definition in definitions.values() {
        visit(&mut definition.clone(), &mut |text| {
            unused.retain(|aside| !text.contains(aside));
        });
    }
    unused
}

/// Replaces each aside wherever it stands.
pub fn replace_asides(corrected: &mut Corrected) -> Result<usize> {
    let mut touched = 0;
    for definition in corrected.definitions.values_mut() {
        visit(definition, &mut |text| {
            for (aside, instead) in ASIDES {
                if text.contains(aside) {
                    *text = text.replace(aside, instead);
                    touched += 1;
                }
            }
        });
    }
    Ok(touched)
}

/// Calls `change` with every doc text of a schema.
fn visit(schema: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get_mut("description") {
                change(text);
            }
            members
                .values_mut()
                .for_each(|member| visit(member, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, change)),
        _ => {}
    }
}
