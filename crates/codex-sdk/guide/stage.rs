// What the examples of the guide run with: the pinned runtime, a scripted model, a home of its own. Hidden lines of
// the examples include this file.

use codex_testkit::{Answer, Home, MockModel};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A scripted model and a home of the runtime.
struct Stage {
    model: MockModel,
    home: Home,
}

#[allow(dead_code, reason = "no example uses all of it")]
impl Stage {
    /// Scripts what the model answers, in order.
    async fn new(answers: impl IntoIterator<Item = Answer>) -> Outcome<Self> {
        let model = MockModel::start().await?;
        model.extend(answers);
        let home = Home::builder(&model).file("README.md", "# Demo\n").build()?;
        Ok(Self { model, home })
    }

    /// Leads a configuration to the scripted model.
    fn config(&self, config: openai_codex::CodexConfig) -> Outcome<openai_codex::CodexConfig> {
        let runtime = codex_runtime::install()?;
        Ok(config.codex_bin(runtime.program()).isolated(&self.home))
    }

    /// Starts a client whose model gives these answers.
    async fn client(answers: impl IntoIterator<Item = Answer>) -> Outcome<(openai_codex::Codex, Self)> {
        let stage = Self::new(answers).await?;
        let config = stage.config(openai_codex::CodexConfig::new())?;
        Ok((openai_codex::Codex::start_with(config).await?, stage))
    }
}
