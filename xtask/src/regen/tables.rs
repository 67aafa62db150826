//! Tables of what no schema says about the generated code. A stale row is an error.

use anyhow::{Result, ensure};

use super::ir::Field;

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

/// The secret fields of a type.
pub fn secrets(name: &str, fields: &[Field]) -> Result<Vec<&'static str>> {
    let row = SECRETS.iter().find(|row| row.0 == name);
    let secrets = row.map(|row| row.1.to_vec()).unwrap_or_default();
    for secret in &secrets {
        ensure!(
            fields.iter().any(|field| field.wire == *secret),
            "SECRETS names {name}.{secret}, which is not in the schema: remove it"
        );
    }
    Ok(secrets)
}

/// Fails for a row whose type the generator did not emit.
pub fn check_used(mut emitted: impl FnMut(&str) -> bool) -> Result<()> {
    let stale: Vec<&str> = SECRETS
        .iter()
        .map(|row| row.0)
        .filter(|name| !emitted(name))
        .collect();
    ensure!(
        stale.is_empty(),
        "SECRETS names types that are not generated: {}",
        stale.join(", ")
    );
    Ok(())
}
