//! The way into one tenant. Every method has a deadline, and says what is known when it passes.

use super::cell::TenantCell;
use crate::failure::{
    CallFailure, CancelError, HaltError, Halted, LimitsError, PictureError, PlaceError, Placed,
    PortfolioError, Rehearsed, RiskGate,
};
use crate::feed::FeedSubscription;
use crate::order_desk::{BookEntry, BooksMsg, CancelResults, DeskMsg, Made, OrderKey, PlaceCall};
use crate::portfolio::{PortfolioFilter, PortfolioMsg, PortfolioView};
use bulkhead_domain::desk::PlaceOrder;
use bulkhead_domain::event::{TradingHalted, TradingResumed};
use bulkhead_domain::named_book::{ChangePortfolio, PortfolioName};
use bulkhead_domain::risk::{ChangeLimits, LimitBook};
use bulkhead_domain::tenant::StreamHeads;
use bulkhead_domain::{ClientOrderId, Order, OrderId, PortfolioId, Symbol, TenantId};
use std::sync::Arc;
use std::time::Duration;

/// How long a request that ends in the journal may take.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a read from memory may take.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// A tenant whose tree is running, or was a moment ago.
#[derive(Clone)]
pub struct TenantHandle {
    pub(super) cell: Arc<TenantCell>,
}

impl TenantHandle {
    /// Whose handle this is.
    pub fn tenant_id(&self) -> TenantId {
        self.cell.tenant_id
    }

    /// Places an order; answered when the decision about it is durable. A denied order is an order too.
    pub async fn place_order(&self, place: PlaceOrder) -> Result<Placed, PlaceError> {
        let ask = |reply| DeskMsg::Place(Box::new(PlaceCall { place, reply }));
        self.cell.desk.call(COMMIT_TIMEOUT, ask).await?
    }

    /// What would become of this request, if the table does not know its name. Nothing is done.
    pub async fn rehearse_order(&self, place: PlaceOrder) -> Result<Rehearsed, PlaceError> {
        let ask = |reply| DeskMsg::Rehearse { place: Box::new(place), reply };
        self.cell.desk.call(COMMIT_TIMEOUT, ask).await?
    }

    /// Asks the venue to cancel; answered when the request is durable.
    pub async fn cancel_order(&self, order_id: OrderId) -> Result<Arc<Order>, CancelError> {
        self.cell.desk.call(COMMIT_TIMEOUT, |reply| DeskMsg::Cancel { order_id, reply }).await?
    }

    /// Asks for the cancellation of every open order, of one symbol or of all.
    pub async fn cancel_all(&self, symbol: Option<Symbol>) -> Result<CancelResults, CallFailure> {
        Ok(self.cell.desk.call(COMMIT_TIMEOUT, |reply| DeskMsg::CancelAll { symbol, reply }).await?)
    }

    /// Stops trading in a scope: what is open goes first, the answer comes when the halt is durable. If it does not come,
    /// the halt may hold all the same, as long as this process lives.
    pub async fn halt(&self, halt: TradingHalted) -> Result<Halted, HaltError> {
        self.cell.desk.call(COMMIT_TIMEOUT, |reply| DeskMsg::Halt { halt, reply }).await?
    }

    /// Lifts a scope's halt; answered when that is durable.
    pub async fn resume(&self, resume: TradingResumed) -> Result<Halted, CallFailure> {
        Ok(self.cell.desk.call(COMMIT_TIMEOUT, |reply| DeskMsg::Resume { resume, reply }).await?)
    }

    /// The halts that stand, and the limits.
    pub async fn risk_gate(&self) -> Result<RiskGate, CallFailure> {
        Ok(self.cell.desk.call(COMMIT_TIMEOUT, DeskMsg::RiskGate).await?)
    }

    /// Replaces the limits of a scope; answered when that is durable.
    pub async fn change_limits(&self, change: ChangeLimits) -> Result<LimitBook, LimitsError> {
        self.cell.desk.call(COMMIT_TIMEOUT, |reply| DeskMsg::ChangeLimits { change, reply }).await?
    }

    /// An order that is open or was until a moment ago; all others are in the table.
    pub async fn find_order(&self, order_id: OrderId) -> Result<Option<Arc<Order>>, CallFailure> {
        self.find(OrderKey::Id(order_id)).await
    }

    /// The same by the caller's own name for it.
    pub async fn find_order_by_client_id(
        &self,
        id: ClientOrderId,
    ) -> Result<Option<Arc<Order>>, CallFailure> {
        self.find(OrderKey::ClientId(id)).await
    }

    /// The portfolio at the present market.
    pub async fn portfolio(&self, filter: PortfolioFilter) -> Result<PortfolioView, PictureError> {
        Ok(self.cell.portfolio.call(READ_TIMEOUT, |reply| PortfolioMsg::View(filter, reply)).await??)
    }

    /// Makes a portfolio; answered when it is durable. The same again is answered with the one there is.
    pub async fn create_portfolio(
        &self,
        portfolio: PortfolioId,
        name: Option<PortfolioName>,
    ) -> Result<Made, PortfolioError> {
        let ask = |reply| DeskMsg::Books(BooksMsg::Create { portfolio, name, reply });
        self.cell.desk.call(COMMIT_TIMEOUT, ask).await?
    }

    /// Renames, archives or restores a portfolio; answered when it is durable.
    pub async fn change_portfolio(
        &self,
        portfolio: PortfolioId,
        change: ChangePortfolio,
    ) -> Result<BookEntry, PortfolioError> {
        let ask = |reply| DeskMsg::Books(BooksMsg::Change { portfolio, change, reply });
        self.cell.desk.call(COMMIT_TIMEOUT, ask).await?
    }

    /// All portfolios by id, archived ones included.
    pub async fn list_portfolios(&self) -> Result<Vec<BookEntry>, CallFailure> {
        Ok(self.cell.desk.call(COMMIT_TIMEOUT, |reply| DeskMsg::Books(BooksMsg::List(reply))).await?)
    }

    /// Follows the journal from now on.
    pub fn subscribe(&self) -> FeedSubscription {
        self.cell.feed.subscribe()
    }

    /// How far the journal is durable, as far as is known here.
    pub fn heads(&self) -> StreamHeads {
        self.cell.feed.heads()
    }

    async fn find(&self, key: OrderKey) -> Result<Option<Arc<Order>>, CallFailure> {
        Ok(self.cell.desk.call(COMMIT_TIMEOUT, |reply| DeskMsg::Find { key, reply }).await?)
    }
}
