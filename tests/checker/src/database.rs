//! The tables, read as they are, in one snapshot of the database.

use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{ConnectOptions, Connection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

/// A row of `journal`.
#[derive(Debug, Clone)]
pub struct JournalRow {
    pub tenant_id: Uuid,
    pub seq: i64,
    pub epoch: i64,
    pub event_id: Uuid,
    pub kind: String,
    pub version: i16,
    pub payload: String,
    pub hash: Vec<u8>,
    pub recorded_micros: i64,
}

/// A row of `journal_head`.
#[derive(Debug, Clone)]
pub struct HeadRow {
    pub tenant_id: Uuid,
    pub epoch: i64,
    pub seq: i64,
    pub hash: Vec<u8>,
    pub base_seq: i64,
    pub base_hash: Vec<u8>,
}

/// A row of `trade_order`.
#[derive(Debug, Clone)]
pub struct OrderRow {
    pub tenant_id: Uuid,
    pub id: Uuid,
    pub client_order_id: String,
    pub venue_client_id: String,
    pub symbol: String,
    pub side: String,
    pub status: String,
    pub created_seq: i64,
    pub updated_seq: i64,
    pub body: Value,
}

/// A row of `fill`.
#[derive(Debug, Clone)]
pub struct FillRow {
    pub tenant_id: Uuid,
    pub account: String,
    pub execution_id: String,
    pub order_id: Uuid,
    pub seq: i64,
    pub symbol: String,
    pub side: String,
    pub price: Decimal,
    pub quantity: Decimal,
    pub fee: Decimal,
    pub fee_currency: String,
}

/// A row of `position`.
#[derive(Debug, Clone)]
pub struct PositionRow {
    pub tenant_id: Uuid,
    pub portfolio: String,
    pub account: String,
    pub symbol: String,
    pub quantity: Decimal,
    pub cost: Decimal,
    pub realized_pnl: Decimal,
    pub fees: Decimal,
    pub seq: i64,
}

/// Everything that is compared, each table in the order of its key.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    pub journal: Vec<JournalRow>,
    pub heads: Vec<HeadRow>,
    pub orders: Vec<OrderRow>,
    pub fills: Vec<FillRow>,
    pub positions: Vec<PositionRow>,
}

impl Tables {
    /// Reads a database; the URL must belong to somebody whom row-level security does not hide anything from.
    pub async fn read(url: &str) -> Result<Self, sqlx::Error> {
        let options: PgConnectOptions = url.parse()?;
        let mut conn = options.connect().await?;
        sqlx::raw_sql("begin isolation level repeatable read, read only").execute(&mut conn).await?;
        let tables = Self {
            journal: read_journal(&mut conn).await?,
            heads: read_heads(&mut conn).await?,
            orders: read_orders(&mut conn).await?,
            fills: read_fills(&mut conn).await?,
            positions: read_positions(&mut conn).await?,
        };
        conn.close().await?;
        Ok(tables)
    }
}

fn micros(moment: OffsetDateTime) -> i64 {
    i64::try_from(moment.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

async fn read_journal(conn: &mut PgConnection) -> Result<Vec<JournalRow>, sqlx::Error> {
    let rows = sqlx::query(
        "select tenant_id, seq, epoch, event_id, kind, version, payload, hash, recorded_at
         from journal order by tenant_id, seq",
    );
    let read = |row: PgRow| {
        Ok(JournalRow {
            tenant_id: row.try_get("tenant_id")?,
            seq: row.try_get("seq")?,
            epoch: row.try_get("epoch")?,
            event_id: row.try_get("event_id")?,
            kind: row.try_get("kind")?,
            version: row.try_get("version")?,
            payload: row.try_get("payload")?,
            hash: row.try_get("hash")?,
            recorded_micros: micros(row.try_get("recorded_at")?),
        })
    };
    rows.fetch_all(conn).await?.into_iter().map(read).collect()
}

async fn read_heads(conn: &mut PgConnection) -> Result<Vec<HeadRow>, sqlx::Error> {
    let rows = sqlx::query(
        "select tenant_id, epoch, seq, hash, base_seq, base_hash from journal_head order by tenant_id",
    );
    let read = |row: PgRow| {
        Ok(HeadRow {
            tenant_id: row.try_get("tenant_id")?,
            epoch: row.try_get("epoch")?,
            seq: row.try_get("seq")?,
            hash: row.try_get("hash")?,
            base_seq: row.try_get("base_seq")?,
            base_hash: row.try_get("base_hash")?,
        })
    };
    rows.fetch_all(conn).await?.into_iter().map(read).collect()
}

async fn read_orders(conn: &mut PgConnection) -> Result<Vec<OrderRow>, sqlx::Error> {
    let rows = sqlx::query(
        "select tenant_id, id, client_order_id, venue_client_id, symbol, side, status, created_seq, updated_seq, body
         from trade_order order by tenant_id, id",
    );
    let read = |row: PgRow| {
        let body: String = row.try_get("body")?;
        Ok(OrderRow {
            tenant_id: row.try_get("tenant_id")?,
            id: row.try_get("id")?,
            client_order_id: row.try_get("client_order_id")?,
            venue_client_id: row.try_get("venue_client_id")?,
            symbol: row.try_get("symbol")?,
            side: row.try_get("side")?,
            status: row.try_get("status")?,
            created_seq: row.try_get("created_seq")?,
            updated_seq: row.try_get("updated_seq")?,
            // What is no JSON differs from everything, and is reported as such.
            body: serde_json::from_str(&body).unwrap_or(Value::Null),
        })
    };
    rows.fetch_all(conn).await?.into_iter().map(read).collect()
}

async fn read_fills(conn: &mut PgConnection) -> Result<Vec<FillRow>, sqlx::Error> {
    let rows = sqlx::query(
        "select tenant_id, account, execution_id, order_id, seq, symbol, side, price, quantity, fee, fee_currency
         from fill order by tenant_id, seq",
    );
    let read = |row: PgRow| {
        Ok(FillRow {
            tenant_id: row.try_get("tenant_id")?,
            account: row.try_get("account")?,
            execution_id: row.try_get("execution_id")?,
            order_id: row.try_get("order_id")?,
            seq: row.try_get("seq")?,
            symbol: row.try_get("symbol")?,
            side: row.try_get("side")?,
            price: row.try_get("price")?,
            quantity: row.try_get("quantity")?,
            fee: row.try_get("fee")?,
            fee_currency: row.try_get("fee_currency")?,
        })
    };
    rows.fetch_all(conn).await?.into_iter().map(read).collect()
}

async fn read_positions(conn: &mut PgConnection) -> Result<Vec<PositionRow>, sqlx::Error> {
    let rows = sqlx::query(
        "select tenant_id, portfolio, account, symbol, quantity, cost, realized_pnl, fees, seq
         from position order by tenant_id, portfolio, account, symbol",
    );
    let read = |row: PgRow| {
        Ok(PositionRow {
            tenant_id: row.try_get("tenant_id")?,
            portfolio: row.try_get("portfolio")?,
            account: row.try_get("account")?,
            symbol: row.try_get("symbol")?,
            quantity: row.try_get("quantity")?,
            cost: row.try_get("cost")?,
            realized_pnl: row.try_get("realized_pnl")?,
            fees: row.try_get("fees")?,
            seq: row.try_get("seq")?,
        })
    };
    rows.fetch_all(conn).await?.into_iter().map(read).collect()
}
