//! The fields in which null means something: each stands in one of two tables.

use anyhow::{Result, bail, ensure};

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

/// Fails for a field that a client writes, that may be absent or null, whose text speaks of null, and
/// that neither table names: a null that means something could not be said.
///
/// So a bump of the runtime asks for each such field that is new, and says which rows are stale.
pub fn check(types: &Types, reach: &Reach, complete: bool) -> Result<()> {
    let mut undecided = Vec::new();
    for (name, definition) in types {
        let Kind::Object(fields) = &definition.kind else {
            continue;
        };
        for field in fields {
            let place = format!("{name}.{}", field.wire);
            let written = reach.from_client.contains(name);
            ensure!(
                written || field.presence != Presence::Patch || !complete,
                "NULL_IS_NOT_ABSENT names {place}, which no client writes: remove the row"
            );
            let asked = written && field.presence == Presence::Optional && speaks_of_null(field);
            match (asked, is_absence(name, &field.wire)) {
                (true, false) => undecided.push(place),
                (false, true) if complete => bail!(
                    "NULL_IS_ABSENCE names {place}, but it is no optional field of a client whose \
                     text speaks of null and that NULL_IS_NOT_ABSENT does not name: remove the row"
                ),
                _ => {}
            }
        }
    }
    ensure!(
        undecided.is_empty(),
        "the texts of these fields speak of null, name each in NULL_IS_NOT_ABSENT where it differs from \
         absence, else in NULL_IS_ABSENCE: {}",
        undecided.join(", ")
    );
    for (name, wires) in NULL_IS_ABSENCE.iter().filter(|_| complete) {
        let fields = match types.get(*name).map(|definition| &definition.kind) {
            Some(Kind::Object(fields)) => fields.as_slice(),
            _ => &[],
        };
        for wire in *wires {
            ensure!(
                fields.iter().any(|field| field.wire == *wire),
                "NULL_IS_ABSENCE names {name}.{wire}, which is not in the schema: remove the row"
            );
        }
    }
    Ok(())
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
