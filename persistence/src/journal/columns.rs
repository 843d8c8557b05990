//! Turns a batch of appends into columns, the form in which many rows travel as few parameters.

use super::TenantAppend;
use crate::text::name_of;
use crate::{FillRow, OrderRow, PositionRow};
use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

/// Declares a struct of columns and its `push`.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident<$life:lifetime>($($arg:ident: $arg_type:ty),+) { $($field:ident: $type:ty = $value:expr),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(super) struct $name<$life> { $(pub(super) $field: Vec<$type>),+ }

        impl<$life> $name<$life> {
            pub(super) fn push(&mut self, $($arg: $arg_type),+) {
                $(self.$field.push($value);)+
            }
        }
    };
}

columns!(
    /// The heads a batch wants to move.
    HeadColumns<'a>(append: &'a TenantAppend) {
        tenant_id: Uuid = append.tenant_id.0,
        epoch: i64 = append.epoch,
        incarnation: Uuid = append.incarnation.0,
        expected_seq: i64 = append.expected_seq,
        seq: i64 = append.last_seq(),
        hash: &'a [u8] = append.last_hash(),
    }
);

columns!(
    /// Rows of `journal`.
    EventColumns<'a>(append: &'a TenantAppend, seq_of_row: i64, row: &'a super::JournalRow) {
        tenant_id: Uuid = append.tenant_id.0,
        seq: i64 = seq_of_row,
        epoch: i64 = append.epoch,
        event_id: Uuid = row.event_id.0,
        kind: &'a str = row.kind.as_ref(),
        version: i16 = row.version,
        payload: &'a str = row.payload.as_str(),
        hash: &'a [u8] = row.hash.as_slice(),
        recorded_at: OffsetDateTime = row.recorded_at.into(),
    }
);

columns!(
    /// Rows of `trade_order`.
    OrderColumns<'a>(append: &'a TenantAppend, row: &'a OrderRow) {
        tenant_id: Uuid = append.tenant_id.0,
        id: Uuid = row.id.0,
        client_order_id: &'a str = row.client_order_id.as_str(),
        venue_client_id: &'a str = row.venue_client_id.as_str(),
        portfolio: &'a str = row.portfolio.as_str(),
        account: &'a str = row.account.as_str(),
        mode: String = name_of(&row.mode),
        symbol: &'a str = row.symbol.as_str(),
        side: String = name_of(&row.side),
        status: String = name_of(&row.status),
        created_at: OffsetDateTime = row.created_at.into(),
        updated_at: OffsetDateTime = row.updated_at.into(),
        created_seq: i64 = row.created_seq,
        updated_seq: i64 = row.updated_seq,
        body: &'a str = row.body.as_str(),
    }
);

columns!(
    /// Rows of `fill`.
    FillColumns<'a>(append: &'a TenantAppend, row: &'a FillRow) {
        tenant_id: Uuid = append.tenant_id.0,
        account: &'a str = row.account.as_str(),
        execution_id: &'a str = row.execution_id.as_str(),
        order_id: Uuid = row.order_id.0,
        seq: i64 = row.seq,
        portfolio: &'a str = row.portfolio.as_str(),
        mode: String = name_of(&row.mode),
        symbol: &'a str = row.symbol.as_str(),
        side: String = name_of(&row.side),
        price: Decimal = row.price.get(),
        quantity: Decimal = row.quantity.get(),
        fee: Decimal = row.fee.get(),
        fee_currency: &'a str = row.fee_currency.as_str(),
        liquidity: String = name_of(&row.liquidity),
        venue_ts: OffsetDateTime = row.venue_ts.into(),
        recorded_at: OffsetDateTime = row.recorded_at.into(),
    }
);

columns!(
    /// Rows of `position`.
    PositionColumns<'a>(append: &'a TenantAppend, row: &'a PositionRow) {
        tenant_id: Uuid = append.tenant_id.0,
        portfolio: &'a str = row.portfolio.as_str(),
        account: &'a str = row.account.as_str(),
        symbol: &'a str = row.symbol.as_str(),
        quantity: Decimal = row.quantity.get(),
        cost: Decimal = row.cost.get(),
        realized_pnl: Decimal = row.realized_pnl.get(),
        fees: Decimal = row.fees.get(),
        seq: i64 = row.seq,
    }
);

/// Everything below the heads that a batch writes.
#[derive(Default)]
pub(super) struct BodyColumns<'a> {
    pub(super) events: EventColumns<'a>,
    pub(super) orders: OrderColumns<'a>,
    pub(super) fills: FillColumns<'a>,
    pub(super) positions: PositionColumns<'a>,
}

impl<'a> BodyColumns<'a> {
    pub(super) fn push(&mut self, append: &'a TenantAppend) {
        for (seq, row) in (append.expected_seq + 1..).zip(&append.rows) {
            self.events.push(append, seq, row);
        }
        append.orders.iter().for_each(|row| self.orders.push(append, row));
        append.fills.iter().for_each(|row| self.fills.push(append, row));
        append.positions.iter().for_each(|row| self.positions.push(append, row));
    }
}

impl TenantAppend {
    /// The head's sequence after this append.
    pub fn last_seq(&self) -> i64 {
        self.expected_seq + i64::try_from(self.rows.len()).expect("a batch is far smaller than 2^63")
    }

    fn last_hash(&self) -> &[u8] {
        self.rows.last().expect("an append has at least one row").hash.as_slice()
    }
}
