//! The summary of npm's error output for an error text.

use crate::Environment;
use crate::redact::{names_a_secret, redact};

/// How many lines are kept. npm begins with the code and the reason.
const LINES: usize = 6;

/// Puts the telling lines of npm's standard error into one, without secrets.
pub(super) fn summary(stderr: &str, environment: &Environment) -> String {
    let set = environment
        .iter()
        .filter(|(key, _)| names_a_secret(&key.to_string_lossy()));
    let secrets: Vec<String> = set
        .map(|(_, value)| value.to_string_lossy().into_owned())
        .collect();
    let mut nested = false;
    let mut kept: Vec<String> = Vec::new();
    for line in stderr.lines() {
        let line = ["npm error", "npm ERR!"]
            .iter()
            .find_map(|prefix| line.strip_prefix(prefix))
            .unwrap_or(line);
        // A stack trace, and an object that repeats what was said before.
        let inside = nested;
        nested = (nested || line.ends_with('{')) && line.trim() != "}";
        let noise = inside
            || line.trim_start().starts_with("at ")
            // The log goes with the temporary folder that it lies in.
            || line.contains("complete log of this run");
        if !noise && !line.trim().is_empty() && kept.len() < LINES {
            let secrets = secrets.iter().map(String::as_str);
            kept.push(redact(line.trim(), secrets).into_owned());
        }
    }
    kept.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_kept_and_the_noise_is_dropped() {
        let stderr = "\
npm error code ECONNREFUSED
npm error syscall connect
npm error FetchError: request to http://me:pw@host.test/p failed
npm error     at ClientRequest.<anonymous> (/usr/lib/index.js:130:14)
npm error     at process.processTicksAndRejections (node:internal:83:21) {
npm error   code: 'ECONNREFUSED',
npm error   port: 9
npm error }
npm error
npm error If you are behind a proxy, see its config
npm error A complete log of this run can be found in: /tmp/x.log
";
        assert_eq!(
            summary(stderr, &Environment::unix([("HOME", "/h")])),
            "code ECONNREFUSED; syscall connect; \
             FetchError: request to http://[redacted]@host.test/p failed; \
             If you are behind a proxy, see its config"
        );
    }

    #[test]
    fn any_other_text_is_kept_up_to_a_limit() {
        let none = Environment::unix([("HOME", "/h")]);
        assert_eq!(summary("", &none), "");
        assert_eq!(summary("npm: broken shim\n", &none), "npm: broken shim");
        let long = "line\n".repeat(100);
        assert_eq!(summary(&long, &none), ["line"; LINES].join("; "));
    }
}
