//! Lots: what is held of one symbol in one portfolio and account, by the executions that opened it.
//!
//! 1. Every method splits the same fills: what was realised less what the open lots cost is the money that moved, to the
//!    last digit, so realised and unrealised profit have one sum whatever the method.
//! 2. The average method is the position itself, its rounding included.
//! 3. A fee is shared between what a fill closes and what it opens, and leaves a lot with what is closed of it. No part
//!    of it is lost.

use crate::money::AMOUNT_SCALE;
use crate::order::Side;
use crate::portfolio::Position;
use crate::{Amount, Currency, ExecutionId, Price, Qty, SignedQty, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Which lot a fill in the other direction closes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LotMethod {
    /// The oldest.
    Fifo,
    /// The newest.
    Lifo,
    /// All of them alike: there is one lot, at the average price.
    Average,
}

/// An execution as lots are made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotFill {
    pub execution_id: ExecutionId,
    pub side: Side,
    pub quantity: Qty,
    pub price: Price,
    /// In the quote currency; zero if it was paid in another one.
    pub fee: Amount,
    pub at: Timestamp,
}

/// What is open of one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    pub execution_id: ExecutionId,
    /// Long is positive, short negative.
    pub quantity: SignedQty,
    /// What it cost, with its sign.
    pub cost: Amount,
    /// The share of the opening fees that belongs to it.
    pub fees: Amount,
    pub opened_at: Timestamp,
}

/// A part of a lot that its owner wants closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotPick {
    pub execution_id: ExecutionId,
    pub quantity: Qty,
}

/// Why a choice of lots cannot be carried out. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LotPickError {
    #[error("there is no open lot of execution {0}")]
    UnknownLot(ExecutionId),
    #[error("lot {lot} has {open} open: {asked} cannot be closed of it")]
    TooMuch { lot: ExecutionId, open: Decimal, asked: Decimal },
    #[error("lot {0} lies on the side of the fill: only lots of the other side can be closed by it")]
    SameSide(ExecutionId),
    #[error("the lots that were picked add up to {picked}: the fill is for {filled}")]
    SumDiffers { picked: Decimal, filled: Qty },
    #[error("lots at average price are one: none can be picked")]
    Averaged,
}

/// The lots of one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotBook {
    method: LotMethod,
    lots: VecDeque<Lot>,
    realized_pnl: Amount,
    closed_fees: Amount,
    /// The position itself, from which the average method takes its numbers.
    position: Position,
}

impl Lot {
    /// The price it was opened at; the average price where it was opened by several fills. Rounded to 16 places.
    pub fn price(&self) -> Amount {
        Amount::rounded(self.cost.get() / self.quantity.get())
    }

    /// What it would gain, before fees, if it were closed at `mark`.
    pub fn unrealized_pnl(&self, mark: Decimal) -> Amount {
        Amount::from(mark * self.quantity.get()).minus(self.cost)
    }

    /// Takes `quantity` (positive) out of it: its cost, with its sign, and its share of the fees.
    fn close(&mut self, quantity: Decimal) -> (Amount, Amount) {
        let open = self.quantity.get();
        if quantity == open.abs() {
            // The last of it takes what is left, so that nothing remains behind.
            let (cost, fees) = (self.cost, self.fees);
            (self.cost, self.fees, self.quantity) = (Amount::ZERO, Amount::ZERO, SignedQty::ZERO);
            return (cost, fees);
        }
        let share = |amount: Amount| share(amount, quantity, open.abs());
        let (cost, fees) = (share(self.cost), share(self.fees));
        self.cost = self.cost.minus(cost);
        self.fees = self.fees.minus(fees);
        let closed = if open.is_sign_positive() { quantity } else { -quantity };
        self.quantity = SignedQty::from(open - closed);
        (cost, fees)
    }
}

/// The part of `amount` that belongs to `part` of `whole`.
fn share(amount: Amount, part: Decimal, whole: Decimal) -> Amount {
    Amount::from((amount.get() * part / whole).round_dp(AMOUNT_SCALE))
}

impl LotBook {
    /// Nothing held yet.
    pub fn new(method: LotMethod, quote_currency: Currency) -> Self {
        Self {
            method,
            lots: VecDeque::new(),
            realized_pnl: Amount::ZERO,
            closed_fees: Amount::ZERO,
            position: Position::flat(quote_currency),
        }
    }

    /// The open lots, the one that is closed first in front.
    pub fn lots(&self) -> impl Iterator<Item = &Lot> {
        let (oldest, newest) = match self.method {
            LotMethod::Fifo | LotMethod::Average => (Some(self.lots.iter()), None),
            LotMethod::Lifo => (None, Some(self.lots.iter().rev())),
        };
        oldest.into_iter().flatten().chain(newest.into_iter().flatten())
    }

    /// What is held.
    pub fn quantity(&self) -> SignedQty {
        self.position.quantity
    }

    /// Profit of what was closed, before fees.
    pub fn realized_pnl(&self) -> Amount {
        self.realized_pnl
    }

    /// Fees of what was closed: of its opening and of its closing.
    pub fn closed_fees(&self) -> Amount {
        self.closed_fees
    }

    /// What the open lots would gain, before fees, if they were closed at `mark`.
    pub fn unrealized_pnl(&self, mark: Decimal) -> Amount {
        self.lots.iter().fold(Amount::ZERO, |sum, lot| sum.plus(lot.unrealized_pnl(mark)))
    }

    /// Books a fill by the method.
    pub fn book(&mut self, fill: &LotFill) {
        let delta = fill.side.signed(fill.quantity).get();
        let held = self.position.quantity.get();
        let opposes = !held.is_zero() && held.is_sign_positive() != delta.is_sign_positive();
        let closing = if opposes { held.abs().min(delta.abs()) } else { Decimal::ZERO };
        let closing_fee =
            if closing == delta.abs() { fill.fee } else { share(fill.fee, closing, delta.abs()) };
        self.position.book(delta, fill.price.get());
        self.close_in_turn(closing, fill.price);
        self.closed_fees = self.closed_fees.plus(closing_fee);
        let opening = delta.abs() - closing;
        if !opening.is_zero() {
            self.open(fill, opening, fill.fee.minus(closing_fee));
        }
        if self.method == LotMethod::Average {
            self.take_position();
        }
    }

    /// Books a fill that closes the lots that are picked, and opens nothing.
    pub fn book_specific(&mut self, fill: &LotFill, picks: &[LotPick]) -> Result<(), LotPickError> {
        if self.method == LotMethod::Average {
            return Err(LotPickError::Averaged);
        }
        // On a copy, so that a pick that is refused leaves nothing half done.
        let mut next = self.clone();
        let mut picked = Decimal::ZERO;
        for pick in picks {
            next.close_picked(fill, pick)?;
            picked += pick.quantity.get();
        }
        if picked != fill.quantity.get() {
            return Err(LotPickError::SumDiffers { picked, filled: fill.quantity });
        }
        next.lots.retain(|lot| !lot.quantity.get().is_zero());
        next.position.book(fill.side.signed(fill.quantity).get(), fill.price.get());
        next.closed_fees = next.closed_fees.plus(fill.fee);
        *self = next;
        Ok(())
    }

    fn close_picked(&mut self, fill: &LotFill, pick: &LotPick) -> Result<(), LotPickError> {
        let asked = pick.quantity.get();
        let lot = self.lots.iter_mut().find(|lot| lot.execution_id == pick.execution_id);
        let lot = lot.ok_or_else(|| LotPickError::UnknownLot(pick.execution_id.clone()))?;
        let open = lot.quantity.get();
        if asked > open.abs() {
            return Err(LotPickError::TooMuch { lot: pick.execution_id.clone(), open: open.abs(), asked });
        }
        if open.is_sign_positive() == (fill.side == Side::Buy) {
            return Err(LotPickError::SameSide(pick.execution_id.clone()));
        }
        let (cost, fees) = lot.close(asked);
        let proceeds = signed_like(open, asked) * fill.price.get();
        self.realized_pnl = self.realized_pnl.plus(Amount::from(proceeds)).minus(cost);
        self.closed_fees = self.closed_fees.plus(fees);
        Ok(())
    }

    /// Closes `quantity` (positive) of what is held, lot by lot.
    fn close_in_turn(&mut self, quantity: Decimal, price: Price) {
        let mut left = quantity;
        while !left.is_zero() {
            let next = match self.method {
                LotMethod::Fifo | LotMethod::Average => self.lots.front_mut(),
                LotMethod::Lifo => self.lots.back_mut(),
            };
            let Some(lot) = next else { return };
            let open = lot.quantity.get();
            let closing = left.min(open.abs());
            let (cost, fees) = lot.close(closing);
            let is_over = lot.quantity.get().is_zero();
            let proceeds = Amount::from(signed_like(open, closing) * price.get());
            self.realized_pnl = self.realized_pnl.plus(proceeds).minus(cost);
            self.closed_fees = self.closed_fees.plus(fees);
            left -= closing;
            if is_over {
                match self.method {
                    LotMethod::Fifo | LotMethod::Average => drop(self.lots.pop_front()),
                    LotMethod::Lifo => drop(self.lots.pop_back()),
                }
            }
        }
    }

    fn open(&mut self, fill: &LotFill, quantity: Decimal, fees: Amount) {
        let signed = if fill.side == Side::Buy { quantity } else { -quantity };
        if self.method == LotMethod::Average
            && let Some(lot) = self.lots.front_mut()
        {
            lot.quantity = SignedQty::from(lot.quantity.get() + signed);
            lot.cost = lot.cost.plus(Amount::from(signed * fill.price.get()));
            lot.fees = lot.fees.plus(fees);
            return;
        }
        self.lots.push_back(Lot {
            execution_id: fill.execution_id.clone(),
            quantity: SignedQty::from(signed),
            cost: Amount::from(signed * fill.price.get()),
            fees,
            opened_at: fill.at,
        });
    }

    /// The one lot costs what the position costs, to the last digit.
    fn take_position(&mut self) {
        self.realized_pnl = self.position.realized_pnl;
        if let Some(lot) = self.lots.front_mut() {
            lot.cost = self.position.cost;
        }
    }
}

fn signed_like(held: Decimal, quantity: Decimal) -> Decimal {
    if held.is_sign_positive() { quantity } else { -quantity }
}
