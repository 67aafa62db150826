//! Turns whose final response is a type of the program.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use codex_types::TurnStatus;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::TurnStart;
use crate::connection::plus;
use crate::error::{Error, OutputError, Result};
use crate::input::RunInput;
use crate::result::TurnResult;
use crate::schema::strict::{Strict, WRAPPER};
use crate::thread::Thread;

/// That a turn's final response is a `V`; set by [`TurnStart::output`].
pub struct Typed<V> {
    /// Whether the response is an object with the value in it.
    wrapped: bool,
    value: PhantomData<fn() -> V>,
}

/// What a turn with a typed output ended with.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TypedResult<V> {
    /// The final response.
    pub value: V,
    /// The turn that gave it. Where the model had to be asked again, this is the second turn, and
    /// [`TurnResult::turn_usage`] counts both.
    pub result: TurnResult,
}

impl<T> TurnStart<T> {
    /// Asks for a final response of a type, by its JSON schema, for this turn only.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Count {
    ///     /// How many files there are.
    ///     files: u32,
    /// }
    ///
    /// let typed = thread.turn("Count the files.").output::<Count>().run().await?;
    /// println!("{} files", typed.value.files);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The schema is made strict, as the model's API takes it: every object is closed, every property
    /// required, and an `Option` is a value or null. The doc comments of fields are what the model knows of
    /// them. A type that is no struct, an enum or a list for example, is asked for as the property `value` of
    /// an object.
    ///
    /// A typed turn joins no other: it fails with [`Error::ThreadBusy`] where a turn runs on the thread, which
    /// keeps the schema that it has.
    ///
    /// # Errors
    ///
    /// Starting the turn fails with [`Error::InvalidInput`], before anything is sent, for a type that cannot be
    /// strict, with the place in the type: a map, a tuple, a `serde_json::Value`, a number with a format of its
    /// own.
    pub fn output<V: JsonSchema + DeserializeOwned>(mut self) -> TurnStart<T, Typed<V>> {
        let mut wrapped = false;
        match Strict::of::<V>() {
            Ok(strict) => {
                wrapped = strict.wrapped;
                self.params.output_schema = Some(strict.schema);
            }
            Err(refusal) => self.refused = Some(refusal.to_string()),
        }
        self.only_if_idle = true;
        self.with_output(Typed {
            wrapped,
            value: PhantomData,
        })
    }
}

impl<V: DeserializeOwned> TurnStart<Thread, Typed<V>> {
    /// Starts the turn, reads it to its end, and decodes its final response.
    ///
    /// A response that does not fit the type is answered with what is wrong in one more turn of the thread,
    /// with the same schema and budget; what that one responds counts.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] with the text, the place and the reason if the second response does not fit either, or
    /// if there is none, which a refusal of the model leaves; else as [`TurnStart::run`] without a type.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future interrupts the turn.
    pub async fn run(self) -> Result<TypedResult<V>> {
        let wrapped = self.output.wrapped;
        let mut again = self.clone().with_output(());
        let first = self.await?.run().await?;
        let problem = match decode(&first, wrapped) {
            Ok(value) => {
                return Ok(TypedResult {
                    value,
                    result: first,
                });
            }
            Err(OutputError::Malformed { path, source, .. })
                if first.status == TurnStatus::Completed =>
            {
                correction(&path, &source)
            }
            Err(error) => return Err(Error::Output(error)),
        };
        again.ask(problem);
        let mut result = again.await?.run().await?;
        result.used = first
            .used
            .zip(result.used)
            .map(|(first, second)| plus(first, &second));
        let value = decode(&result, wrapped).map_err(Error::Output)?;
        Ok(TypedResult { value, result })
    }
}

impl Thread {
    /// Runs a turn to its end, and decodes its final response as a type.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Review {
    ///     /// What is wrong, one sentence each.
    ///     findings: Vec<String>,
    /// }
    ///
    /// let review: Review = thread.run_as("Review the last commit.").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`TurnStart::output`] says how the type is asked for, and has the turn's result too.
    ///
    /// # Errors
    ///
    /// As [`TurnStart::output`] and its `run`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future interrupts the turn.
    pub async fn run_as<V>(&self, input: impl Into<RunInput>) -> Result<V>
    where
        V: JsonSchema + DeserializeOwned,
    {
        let typed = self.turn(input).output::<V>().run().await?;
        Ok(typed.value)
    }
}

/// Decodes a final response.
fn decode<V: DeserializeOwned>(
    result: &TurnResult,
    wrapped: bool,
) -> std::result::Result<V, OutputError> {
    if !wrapped {
        return result.decode();
    }
    let mut object: BTreeMap<String, V> = result.decode()?;
    object
        .remove(WRAPPER)
        .ok_or_else(|| OutputError::Malformed {
            text: result.text().to_owned(),
            path: ".".to_owned(),
            source: serde::de::Error::missing_field(WRAPPER),
        })
}

/// What the model is told about a response that does not fit.
fn correction(path: &str, source: &serde_json::Error) -> String {
    format!(
        "Your final response does not fit the JSON schema that was asked for: at {path}: {source}. Respond \
         again, with nothing but JSON that fits it."
    )
}

impl<V> Clone for Typed<V> {
    fn clone(&self) -> Self {
        Self {
            wrapped: self.wrapped,
            value: PhantomData,
        }
    }
}

impl<V> fmt::Debug for Typed<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<V>())
    }
}
