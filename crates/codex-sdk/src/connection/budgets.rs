//! Turns that have a budget: what they have used, and when that is too much.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use codex_types::{CommandExecutionSource, ThreadItem, TurnId};

use super::effects::RouterEffects;
use super::turn_usage::TurnUsage;
use super::usage::Totals;
use super::{Connection, Routing, Shared};
use crate::budget::{Amount, Budget};
use crate::error::Result;
use crate::event::Notification;
use crate::router::{Kind, Routed};

/// What a turn has used too much of; empty while it has not.
pub(crate) type Exceeded = Arc<OnceLock<Excess>>;

/// A limit, and the amount that is more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Excess {
    pub(crate) limit: Amount,
    pub(crate) used: Amount,
}

/// The budgets of turns that run or are about to start, by thread.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    threads: HashMap<Box<str>, Vec<Account>>,
    last: u64,
}

/// What the turn of one start may use and has used.
#[derive(Debug)]
struct Account {
    id: u64,
    budget: Budget,
    /// The turn, once the start is answered.
    turn: Option<TurnId>,
    /// When the turn has taken too long, since the connection began.
    deadline: Option<Duration>,
    /// What the turns of the thread have used since the start was prepared: its own events may come before its
    /// answer.
    spent: Vec<Spent>,
    exceeded: Exceeded,
}

/// What one turn has used.
#[derive(Debug)]
struct Spent {
    turn: TurnId,
    usage: TurnUsage,
    commands: u64,
    is_over: bool,
}

/// A budget whose start is not answered yet. Dropping it forgets the budget.
#[derive(Debug)]
pub(crate) struct OpenBudget {
    shared: Arc<Shared>,
    thread_id: Box<str>,
    id: u64,
    is_bound: bool,
}

impl Connection {
    /// Opens the budget of a start before that is sent, so that no event of its turn is missed.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for one that this client cannot keep.
    pub(crate) fn open_budget(&self, thread_id: &str, budget: Budget) -> Result<OpenBudget> {
        if budget.counts_commands() {
            self.shared.config.check_announced("a budget of commands")?;
        }
        let id = self.shared.routing().budgets.open(thread_id, budget);
        Ok(OpenBudget {
            shared: Arc::clone(&self.shared),
            thread_id: thread_id.into(),
            id,
            is_bound: false,
        })
    }
}

impl OpenBudget {
    /// Makes it the budget of a turn, to the end of that.
    pub(crate) fn bind(mut self, turn_id: &str) -> Exceeded {
        self.is_bound = true;
        self.shared.route(|routing, fx| {
            let budgets = &mut routing.budgets;
            let (exceeded, is_too_much) = budgets.bind(&self.thread_id, self.id, turn_id, fx.now);
            fx.arm_timer |= budgets.deadline().is_some();
            if is_too_much {
                routing.router.stop_turn(&self.thread_id, turn_id, fx);
            }
            exceeded
        })
    }
}

impl Drop for OpenBudget {
    fn drop(&mut self) {
        if !self.is_bound {
            let mut routing = self.shared.routing();
            routing.budgets.forget(&self.thread_id, self.id);
        }
    }
}

impl Routing {
    /// Notes what an event tells about turns with a budget, and interrupts those that have used too much.
    pub(super) fn charge(&mut self, event: &Notification, fx: &mut RouterEffects) {
        if !self.budgets.threads.is_empty()
            && let Some(thread) = event.thread_id()
            && let Some(turn) = self.budgets.observe(thread, event, &self.totals)
        {
            self.router.stop_turn(thread, &turn, fx);
        }
    }

    /// Ends what is overdue; returns when this is to be called again.
    pub(super) fn expire(&mut self, fx: &mut RouterEffects) -> Option<Duration> {
        for (thread, turn) in self.budgets.overdue(fx.now) {
            self.router.stop_turn(&thread, &turn, fx);
        }
        let deadlines = [self.router.expire(fx), self.budgets.deadline()];
        deadlines.into_iter().flatten().min()
    }
}

impl Budgets {
    fn open(&mut self, thread: &str, budget: Budget) -> u64 {
        self.last += 1;
        let account = Account {
            id: self.last,
            budget,
            turn: None,
            deadline: None,
            spent: Vec::new(),
            exceeded: Exceeded::default(),
        };
        let accounts = self.threads.entry(thread.into()).or_default();
        accounts.push(account);
        self.last
    }

    /// Names the turn of a budget; tells too whether it has used too much already and is not over.
    fn bind(&mut self, thread: &str, id: u64, turn: &str, now: Duration) -> (Exceeded, bool) {
        let mut accounts = self.threads.get_mut(thread).into_iter().flatten();
        let Some(account) = accounts.find(|account| account.id == id) else {
            return (Exceeded::default(), false);
        };
        account.turn = Some(turn.into());
        account.deadline = account
            .budget
            .longest()
            .and_then(|longest| now.checked_add(longest));
        account.spent.retain(|spent| spent.turn == *turn);
        let is_over = account.spent.iter().any(|spent| spent.is_over);
        let is_too_much = account.check();
        let exceeded = Arc::clone(&account.exceeded);
        if is_over {
            self.forget(thread, id);
        }
        (exceeded, is_too_much && !is_over)
    }

    /// Notes an event; returns the turn that has used too much with it.
    fn observe(&mut self, thread: &str, event: &Notification, totals: &Totals) -> Option<TurnId> {
        let accounts = self.threads.get_mut(thread)?;
        let mut too_much = None;
        match event.kind() {
            Kind::TurnCompleted => {
                let turn = event.turn_id()?;
                for account in accounts.iter_mut().filter(|account| account.turn.is_none()) {
                    account.spent_of(turn, thread, totals).is_over = true;
                }
                accounts.retain(|account| account.turn.as_deref() != Some(turn));
            }
            Kind::TurnStarted => {
                // A turn before it has ended, with its completion or without.
                let turn = event.turn_id()?;
                accounts.retain(|account| account.turn.as_deref().is_none_or(|own| own == turn));
            }
            Kind::ThreadEnded(_) => accounts.retain(|account| account.turn.is_none()),
            _ => {
                let turn = event.turn_id()?;
                for account in accounts.iter_mut() {
                    if account.turn.as_deref().is_none_or(|own| own == turn)
                        && account.charge(turn, thread, event, totals)
                    {
                        too_much = account.turn.clone();
                    }
                }
            }
        }
        if accounts.is_empty() {
            self.threads.remove(thread);
        }
        too_much
    }

    fn forget(&mut self, thread: &str, id: u64) {
        if let Some(accounts) = self.threads.get_mut(thread) {
            accounts.retain(|account| account.id != id);
            if accounts.is_empty() {
                self.threads.remove(thread);
            }
        }
    }

    /// Returns the turns that have taken too long, each once.
    fn overdue(&mut self, now: Duration) -> Vec<(Box<str>, TurnId)> {
        let mut overdue = Vec::new();
        for (thread, accounts) in &mut self.threads {
            for account in accounts {
                if let Some(deadline) = account.deadline.take_if(|due| *due <= now)
                    && let Some(turn) = &account.turn
                {
                    let limit = account.budget.longest().unwrap_or_default();
                    let used = limit.saturating_add(now.saturating_sub(deadline));
                    account.excess(Amount::Time(used));
                    overdue.push((thread.clone(), turn.clone()));
                }
            }
        }
        overdue
    }

    fn deadline(&self) -> Option<Duration> {
        let accounts = self.threads.values().flatten();
        accounts.filter_map(|account| account.deadline).min()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.threads.is_empty()
    }
}

impl Account {
    /// Notes what a turn uses; tells whether it is now too much, once.
    fn charge(&mut self, turn: &str, thread: &str, event: &Notification, totals: &Totals) -> bool {
        match event {
            Notification::ItemStarted(started) => {
                let spent = self.spent_of(turn, thread, totals);
                spent.usage.started(&started.item);
                spent.commands += u64::from(is_command(&started.item));
            }
            Notification::ThreadTokenUsageUpdated(updated) => {
                let spent = self.spent_of(turn, thread, totals);
                spent.usage.update(&updated.token_usage);
            }
            _ => return false,
        }
        self.turn.is_some() && self.check()
    }

    fn spent_of(&mut self, turn: &str, thread: &str, totals: &Totals) -> &mut Spent {
        let at = self.spent.iter().position(|spent| spent.turn == *turn);
        let at = at.unwrap_or_else(|| {
            self.spent.push(Spent {
                turn: turn.into(),
                usage: TurnUsage::new(totals.before(thread, turn), false),
                commands: 0,
                is_over: false,
            });
            self.spent.len() - 1
        });
        &mut self.spent[at]
    }

    /// Tells whether the turn has used too much of what events tell, once.
    fn check(&mut self) -> bool {
        let used = self.spent.first().map(|spent| {
            let tokens = spent.usage.used().map_or(0, |used| used.total_tokens);
            [
                Amount::Tokens(u64::try_from(tokens).unwrap_or_default()),
                Amount::Commands(spent.commands),
            ]
        });
        used.into_iter().flatten().any(|used| self.excess(used))
    }

    /// Tells whether an amount is too much, once.
    fn excess(&self, used: Amount) -> bool {
        let limit = self.budget.exceeded_by(used);
        limit.is_some_and(|limit| self.exceeded.set(Excess { limit, used }).is_ok())
    }
}

/// Tells whether an item is a command of the agent's, and not the user's or input to one that runs.
fn is_command(item: &ThreadItem) -> bool {
    use CommandExecutionSource as Source;
    let ThreadItem::CommandExecution(command) = item else {
        return false;
    };
    !matches!(
        command.source,
        Source::UserShell | Source::UnifiedExecInteraction
    )
}
