//! From a scripted answer to what the server does.

use serde_json::json;

use super::answer::{Answer, Ending};
use super::part::{Ids, Part, Step};

impl Answer {
    /// Says what the server does, in order, and how it ends.
    pub(super) fn plan(&self, ids: &Ids) -> (Vec<Step>, Ending) {
        let response = ids.next("resp");
        let mut steps = Vec::new();
        // Gates at the front hold even the answer's first event back.
        let held = self
            .parts
            .iter()
            .take_while(|part| matches!(part, Part::Hold(_) | Part::Pause(_)))
            .count();
        for part in &self.parts[..held] {
            part.plan(0, ids, &mut steps);
        }
        steps.push(Step::Send(
            json!({"type": "response.created", "response": {"id": response}}),
        ));
        for (index, part) in self.parts[held..].iter().enumerate() {
            part.plan(index, ids, &mut steps);
        }
        if !self.delta_delay.is_zero() {
            steps = self.with_delays(steps);
        }
        match &self.ending {
            Ending::Completed => {
                let mut completed = json!({"id": response, "status": "completed"});
                if let Some(usage) = self.usage {
                    completed["usage"] = usage.to_json();
                }
                let event = json!({"type": "response.completed", "response": completed});
                (steps, Ending::Event(event))
            }
            Ending::Event(event) => {
                let mut event = event.clone();
                event["response"]["id"] = json!(response);
                (steps, Ending::Event(event))
            }
            other => (steps, other.clone()),
        }
    }

    fn with_delays(&self, steps: Vec<Step>) -> Vec<Step> {
        let mut spaced = Vec::with_capacity(steps.len() * 2);
        let mut first = true;
        for step in steps {
            if matches!(step, Step::Delta(_)) && !std::mem::take(&mut first) {
                spaced.push(Step::Pause(self.delta_delay));
            }
            spaced.push(step);
        }
        spaced
    }
}
