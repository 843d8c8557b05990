//! The tenant's portfolios by name: making, renaming, archiving and restoring them.
//!
//! 1. A portfolio's id names it for ever: it is never used for another one, and archiving keeps it.
//! 2. An archived portfolio takes no new orders. What still arrives for it, a late fill, is booked to it.
//! 3. The portfolio that a tenant starts with is always there.

use crate::event::{PortfolioArchived, PortfolioCreated, PortfolioRenamed, PortfolioRestored};
use crate::{Event, PortfolioId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Portfolios one tenant may have, archived ones included.
pub const PORTFOLIOS_MAX: usize = 200;
/// The portfolio every tenant starts with.
pub const PORTFOLIO_MAIN: &str = "main";
/// Characters a display name may have.
pub const NAME_LENGTH_MAX: usize = 64;

/// Why a text is no display name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be 1 to {NAME_LENGTH_MAX} characters without control characters and without space at either end"
)]
pub struct PortfolioNameError;

/// What people call a portfolio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortfolioName(Arc<str>);

/// One portfolio, apart from what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedBook {
    pub name: PortfolioName,
    pub created_at: Timestamp,
    /// Set while it is archived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
}

/// All of a tenant's portfolios, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NamedBooks(BTreeMap<PortfolioId, NamedBook>);

/// A wish to change a portfolio; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangePortfolio {
    pub name: Option<PortfolioName>,
    pub is_archived: Option<bool>,
}

/// What keeps a portfolio from being archived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InUse {
    pub positions: usize,
    pub open_orders: usize,
}

/// Why a portfolio is not made or changed. Nothing is journaled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortfolioRejection {
    #[error("there is no portfolio {portfolio}")]
    Unknown { portfolio: PortfolioId },
    #[error("portfolio {portfolio} exists and is called {name}: use another id, or rename it")]
    Exists { portfolio: PortfolioId, name: PortfolioName },
    #[error("portfolio {portfolio} is archived: restore it or name another one")]
    Archived { portfolio: PortfolioId },
    #[error("portfolio {PORTFOLIO_MAIN} is always there: it cannot be archived")]
    Permanent,
    #[error("portfolio {portfolio} holds {count} positions: close them first")]
    HasPositions { portfolio: PortfolioId, count: usize },
    #[error("portfolio {portfolio} has {count} open orders: cancel them or wait for them first")]
    HasOpenOrders { portfolio: PortfolioId, count: usize },
    #[error("the tenant has {PORTFOLIOS_MAX} portfolios, archived ones included: use one of them")]
    TooMany,
}

fn is_name_char(c: char) -> bool {
    // Format characters (direction marks, zero width) would let two names look alike.
    let is_format = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !c.is_control() && !is_format
}

impl PortfolioName {
    /// Parses, or says what would be right.
    pub fn parse(text: &str) -> Result<Self, PortfolioNameError> {
        let fits = !text.is_empty()
            && text.chars().count() <= NAME_LENGTH_MAX
            && text.trim() == text
            && text.chars().all(is_name_char);
        if fits { Ok(Self(Arc::from(text))) } else { Err(PortfolioNameError) }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&PortfolioId> for PortfolioName {
    /// What a portfolio is called that was given no name.
    fn from(id: &PortfolioId) -> Self {
        Self(Arc::from(id.as_str()))
    }
}

impl TryFrom<String> for PortfolioName {
    type Error = PortfolioNameError;
    fn try_from(text: String) -> Result<Self, PortfolioNameError> {
        Self::parse(&text)
    }
}

impl From<PortfolioName> for String {
    fn from(name: PortfolioName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for PortfolioName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NamedBook {
    /// Whether it takes no new orders.
    pub fn is_archived(&self) -> bool {
        self.archived_at.is_some()
    }
}

impl NamedBooks {
    /// The portfolio, if there is one of this id.
    pub fn get(&self, portfolio: &PortfolioId) -> Option<&NamedBook> {
        self.0.get(portfolio)
    }

    /// All portfolios, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&PortfolioId, &NamedBook)> {
        self.0.iter()
    }

    /// The portfolio that a new order or new money may be put into.
    pub fn find_active(&self, portfolio: &PortfolioId) -> Result<&NamedBook, PortfolioRejection> {
        let book = self.find(portfolio)?;
        if book.is_archived() {
            return Err(PortfolioRejection::Archived { portfolio: portfolio.clone() });
        }
        Ok(book)
    }

    /// The portfolio, or the refusal that there is none.
    pub fn find(&self, portfolio: &PortfolioId) -> Result<&NamedBook, PortfolioRejection> {
        self.get(portfolio).ok_or_else(|| PortfolioRejection::Unknown { portfolio: portfolio.clone() })
    }

    /// Makes a portfolio. `None`: the same was made before.
    pub fn decide_create(
        &self,
        portfolio: &PortfolioId,
        name: Option<&PortfolioName>,
    ) -> Result<Option<Event>, PortfolioRejection> {
        if let Some(book) = self.get(portfolio) {
            if name.is_some_and(|name| *name != book.name) {
                return Err(PortfolioRejection::Exists {
                    portfolio: portfolio.clone(),
                    name: book.name.clone(),
                });
            }
            return self.find_active(portfolio).map(|_| None);
        }
        if self.0.len() >= PORTFOLIOS_MAX {
            return Err(PortfolioRejection::TooMany);
        }
        Ok(Some(Event::PortfolioCreated(PortfolioCreated {
            portfolio: portfolio.clone(),
            name: name.cloned(),
        })))
    }

    /// Changes a portfolio; no events if it is as wished already.
    pub fn decide_change(
        &self,
        portfolio: &PortfolioId,
        change: &ChangePortfolio,
        in_use: InUse,
    ) -> Result<Vec<Event>, PortfolioRejection> {
        let book = self.find(portfolio)?;
        let mut events = Vec::new();
        let portfolio = portfolio.clone();
        match change.is_archived {
            Some(true) if !book.is_archived() => {
                check_unused(&portfolio, in_use)?;
                events.push(Event::PortfolioArchived(PortfolioArchived { portfolio: portfolio.clone() }));
            }
            Some(false) if book.is_archived() => {
                events.push(Event::PortfolioRestored(PortfolioRestored { portfolio: portfolio.clone() }));
            }
            Some(_) | None => {}
        }
        if let Some(name) = change.name.clone().filter(|name| *name != book.name) {
            events.push(Event::PortfolioRenamed(PortfolioRenamed { portfolio, name }));
        }
        Ok(events)
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::PortfolioCreated(data) => {
                let name = data.name.clone().unwrap_or_else(|| PortfolioName::from(&data.portfolio));
                self.0.entry(data.portfolio.clone()).or_insert(NamedBook {
                    name,
                    created_at: at,
                    archived_at: None,
                });
            }
            Event::PortfolioRenamed(data) => {
                self.change(&data.portfolio, |book| book.name = data.name.clone());
            }
            Event::PortfolioArchived(data) => {
                self.change(&data.portfolio, |book| book.archived_at = Some(at));
            }
            Event::PortfolioRestored(data) => self.change(&data.portfolio, |book| book.archived_at = None),
            _ => {}
        }
    }

    fn change(&mut self, portfolio: &PortfolioId, change: impl FnOnce(&mut NamedBook)) {
        if let Some(book) = self.0.get_mut(portfolio) {
            change(book);
        }
    }
}

fn check_unused(portfolio: &PortfolioId, in_use: InUse) -> Result<(), PortfolioRejection> {
    let portfolio = portfolio.clone();
    if portfolio.as_str() == PORTFOLIO_MAIN {
        return Err(PortfolioRejection::Permanent);
    }
    match in_use {
        InUse { positions, .. } if positions > 0 => {
            Err(PortfolioRejection::HasPositions { portfolio, count: positions })
        }
        InUse { open_orders, .. } if open_orders > 0 => {
            Err(PortfolioRejection::HasOpenOrders { portfolio, count: open_orders })
        }
        InUse { .. } => Ok(()),
    }
}
