//! Tables of what no schema says about the generated code.

use serde_json::Value;

use super::findings::{Finding, Findings};
use super::ir::{Field, Kind, Ty, Types};
use super::reach::Reach;
use super::registry::Registry;

/// Fields whose values never show in `Debug`: keys, tokens, answers that may be secret, and maps
/// that hold environment variables or configuration.
const SECRETS: &[(&str, &[&str])] = &[
    (
        "AmazonBedrockAccessKeysLoginAccountParams",
        &["accessKeyId", "secretAccessKey", "sessionToken"],
    ),
    ("AmazonBedrockLoginAccountParams", &["apiKey"]),
    ("ApiKeyLoginAccountParams", &["apiKey"]),
    ("AttestationGenerateResponse", &["token"]),
    ("ChatgptAuthTokensLoginAccountParams", &["accessToken"]),
    ("ChatgptAuthTokensRefreshResponse", &["accessToken"]),
    ("CommandExecParams", &["env"]),
    ("ConfigEdit", &["value"]),
    ("ConfigValueWriteParams", &["value"]),
    ("EnvironmentAddParams", &["authBearerToken"]),
    ("ExecLocalShellAction", &["env"]),
    ("ProcessSpawnParams", &["env"]),
    ("ThreadForkParams", &["config"]),
    ("ThreadResumeParams", &["config"]),
    ("ThreadStartParams", &["config"]),
    ("ToolRequestUserInputAnswer", &["answers"]),
];

/// Fields that look like secrets and are none.
const NOT_SECRET: &[(&str, &[&str])] = &[
    ("FuzzyFileSearchParams", &["cancellationToken"]),
    ("GcpProviderSettings", &["credentialFile"]),
    ("GcpProviderSettingsPatch", &["credentialFile"]),
    ("GcpSetupParams", &["credentialFile"]),
    ("McpServerOauthLoginResponse", &["authorizationUrl"]),
    ("UserVerificationEnrollResponse", &["credentialId"]),
    ("UserVerificationProof", &["credentialId"]),
    ("UserVerificationStatusResponse", &["credentialId"]),
];

/// Fields that older runtimes do not send, and what they would say: the type, the field, the value in JSON.
const BEFORE: &[(&str, &str, &str)] = &[
    (
        "ExternalAgentConfigImportHistoriesReadResponse",
        "connectors",
        "[]",
    ),
    // They wait for every answer.
    ("ToolRequestUserInputParams", "isBlocking", "true"),
];

/// Parts of names that say secret.
const SECRET_WORDS: [&str; 12] = [
    "accesskey",
    "apikey",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "passphrase",
    "password",
    "privatekey",
    "secret",
    "sessionkey",
    "token",
];

/// The requests of the runtime for which `crates/codex-types/src/safe.rs` has an answer; every other one
/// is refused.
pub const SAFE_ANSWERS: &[&str] = &[
    "account/chatgptAuthTokens/refresh",
    "applyPatchApproval",
    "attestation/generate",
    "currentTime/read",
    "execCommandApproval",
    "item/commandExecution/requestApproval",
    "item/fileChange/requestApproval",
    "item/permissions/requestApproval",
    "item/tool/call",
    "item/tool/requestUserInput",
    "mcpServer/elicitation/request",
];

/// The fields of a type whose values `Debug` does not show: those of the table, and those that look like
/// secrets and that no table names.
pub fn secrets<'a>(name: &str, fields: &'a [Field]) -> Vec<&'a str> {
    let wires = fields.iter().map(|field| field.wire.as_str());
    let looks = |wire: &str| {
        let mut fields = fields.iter();
        fields.any(|field| field.wire == wire && suspicious(field) && !row(NOT_SECRET, name, wire))
    };
    wires
        .filter(|wire| row(SECRETS, name, wire) || looks(wire))
        .collect()
}

fn row(table: &[(&str, &[&str])], name: &str, wire: &str) -> bool {
    let mut rows = table.iter();
    rows.any(|(owner, wires)| *owner == name && wires.contains(&wire))
}

/// What runtimes that do not send a field would say.
pub fn before(name: &str, wire: &str) -> Option<Value> {
    let mut rows = BEFORE.iter();
    let row = rows.find(|(owner, field, _)| *owner == name && *field == wire);
    row.and_then(|(_, _, value)| serde_json::from_str(value).ok())
}

/// Finds the rows of fields that every runtime sends, of those that were asked for.
pub fn check_before(asked: &[(String, String)], findings: &mut Findings) {
    for (name, wire, _) in BEFORE {
        if !asked
            .iter()
            .any(|(owner, field)| owner == name && field == wire)
        {
            findings.add(Finding::Stale {
                table: "BEFORE",
                row: format!("{name}.{wire}"),
            });
        }
    }
}

/// A text, or a list or map of texts, whose name says that it is a secret.
fn suspicious(field: &Field) -> bool {
    let wire = field.wire.to_ascii_lowercase().replace('_', "");
    holds_text(&field.ty) && SECRET_WORDS.iter().any(|word| wire.contains(word))
}

fn holds_text(ty: &Ty) -> bool {
    match ty {
        Ty::Plain("String") | Ty::Json | Ty::JsonObject => true,
        Ty::Option(inner) | Ty::Vec(inner) | Ty::Map(inner) | Ty::Boxed(inner) => holds_text(inner),
        Ty::Plain(_) | Ty::Named(_) => false,
    }
}

/// Finds the fields that look like secrets and are in no table, the requests of the runtime without a
/// safe answer, and the rows that the schema does not need.
pub fn check(types: &Types, reach: &Reach, registry: &Registry, findings: &mut Findings) {
    let emitted = types.iter().filter(|(name, _)| reach.contains(name));
    for (name, definition) in emitted {
        let Kind::Object(fields) = &definition.kind else {
            continue;
        };
        for wire in secrets(name, fields) {
            if !row(SECRETS, name, wire) {
                let place = format!("{name}.{wire}");
                findings.add(Finding::Redacted { place });
            }
        }
    }
    for (table, rows) in [("SECRETS", SECRETS), ("NOT_SECRET", NOT_SECRET)] {
        for (name, wires) in rows {
            let fields = match types.get(*name).map(|definition| &definition.kind) {
                Some(Kind::Object(fields)) if reach.contains(name) => fields.as_slice(),
                _ => &[],
            };
            for wire in *wires {
                if !fields.iter().any(|field| field.wire == *wire) {
                    let row = format!("{name}.{wire}");
                    findings.add(Finding::Stale { table, row });
                }
            }
        }
    }
    let asked = || registry.server_requests.iter().map(|row| &row.method);
    for method in asked().filter(|method| !SAFE_ANSWERS.contains(&method.as_str())) {
        let method = method.clone();
        findings.add(Finding::Refused { method });
    }
    for method in SAFE_ANSWERS {
        if !asked().any(|known| known == method) {
            findings.add(Finding::Stale {
                table: "SAFE_ANSWERS",
                row: (*method).to_owned(),
            });
        }
    }
}
