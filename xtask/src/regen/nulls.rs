//! The fields in which null means something: each stands in one of two tables.

use super::findings::{Finding, Findings};
use super::ir::{Field, Kind, Presence, Types};
use super::reach::Reach;

/// Fields whose text speaks of null, and where it means what absence means: the generated field
/// leaves it out.
///
/// Fields where it means something else are in `NULL_IS_NOT_ABSENT`.
pub const NULL_IS_ABSENCE: &[(&str, &[&str])] = &[
    ("ChatgptAuthTokensLoginAccountParams", &["chatgptPlanType"]),
    ("CommandExecParams", &["env"]),
    ("CustomGatewayProviderSettingsPatch", &["providerId"]),
    ("ExternalAgentConfigMigrationItem", &["cwd"]),
    ("GcpSetupParams", &["credentialFile", "location"]),
    ("ProcessSpawnParams", &["env"]),
    ("ThreadAttachmentOwnerListParams", &["archived"]),
    ("ThreadListParams", &["archived", "excludedThreadIds"]),
    (
        "ThreadMetadataUpdateParams",
        &["daybreakEnabled", "gitInfo"],
    ),
    ("ThreadRealtimeStartParams", &["includeStartupContext"]),
    ("ThreadSearchParams", &["archived"]),
    ("ThreadSectionMoveParams", &["beforeThreadId"]),
    (
        "ThreadSettingsUpdateParams",
        &["collaborationMode", "disabledPluginIds", "environments"],
    ),
    ("ThreadShellCommandParams", &["timeoutMs"]),
    ("ThreadStartParams", &["daybreakEnabled"]),
    (
        "TurnSettingsUpdateParams",
        &["effort", "environments", "model", "summary"],
    ),
    (
        "TurnStartParams",
        &[
            "collaborationMode",
            "disabledPluginIds",
            "serviceTierForTurn",
        ],
    ),
];

/// Keeps absent and null apart in every field that a client writes, that may be absent or null, whose
/// text speaks of null, and that neither table names: else a null that means something could not be said.
///
/// Each is found, as are the rows that the schema does not need.
pub fn decide(types: &mut Types, reach: &Reach, findings: &mut Findings) {
    let mut needed: Vec<(String, String)> = Vec::new();
    for (name, definition) in types.iter_mut() {
        let Kind::Object(fields) = &mut definition.kind else {
            continue;
        };
        let written = reach.from_client.contains(name);
        for field in fields {
            let place = format!("{name}.{}", field.wire);
            if !written && field.presence == Presence::Patch {
                findings.add(Finding::Stale {
                    table: "NULL_IS_NOT_ABSENT",
                    row: place,
                });
                continue;
            }
            if !written || field.presence != Presence::Optional || !speaks_of_null(field) {
                continue;
            }
            match is_absence(name, &field.wire) {
                true => needed.push((name.clone(), field.wire.clone())),
                false => {
                    field.presence = Presence::Patch;
                    findings.add(Finding::KeptBoth { place });
                }
            }
        }
    }
    for (name, wires) in NULL_IS_ABSENCE {
        for wire in *wires {
            if !needed
                .iter()
                .any(|(owner, field)| owner == name && field == wire)
            {
                findings.add(Finding::Stale {
                    table: "NULL_IS_ABSENCE",
                    row: format!("{name}.{wire}"),
                });
            }
        }
    }
}

fn is_absence(name: &str, wire: &str) -> bool {
    let mut rows = NULL_IS_ABSENCE.iter();
    rows.any(|(known, wires)| *known == name && wires.contains(&wire))
}

/// Tells whether a text has the word null, in whatever case and quotes.
fn speaks_of_null(field: &Field) -> bool {
    let text = field.docs.as_deref().unwrap_or_default();
    let mut words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.any(|word| word.eq_ignore_ascii_case("null"))
}
