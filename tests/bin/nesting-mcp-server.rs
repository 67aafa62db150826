//! An MCP server on stdio whose one tool, `nest`, answers structured content that is nested as many
//! `levels` deep as it was asked for.

use std::io::{BufRead, Write};

use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        // A notification is not answered.
        let Some(id) = request.get("id") else {
            continue;
        };
        let result = answer(&request);
        // The result is pasted as text: a value of this depth could not be built from text again.
        writeln!(output, r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)?;
        output.flush()?;
    }
    Ok(())
}

/// Writes the result of a request.
fn answer(request: &Value) -> String {
    let result = match request["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": request["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "nesting", "version": "1.0.0"},
        }),
        Some("tools/list") => {
            let levels = json!({"type": "integer"});
            let schema = json!({"type": "object", "properties": {"levels": levels}});
            json!({"tools": [{"name": "nest", "description": "Nests.", "inputSchema": schema}]})
        }
        Some("tools/call") => {
            let levels = request["params"]["arguments"]["levels"].as_u64();
            let nested = nested(levels.unwrap_or(1) as usize);
            return format!(r#"{{"content":[],"structuredContent":{nested}}}"#);
        }
        _ => json!({}),
    };
    result.to_string()
}

/// Writes an object of this many levels.
fn nested(levels: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}
