//! What calibrations found: the current parameters, and a history with a bound.

use crate::support::{Fixture, T0};
use bulkhead_persistence::quant_parameter::{
    HISTORY_MAX, QuantParameterFilter, QuantParameterPlace, QuantParameterRow, insert_quant_parameter,
    list_current_quant_parameters, list_quant_parameters,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// A result found this many microseconds after the beginning.
pub(crate) fn fit(micros: i64) -> QuantParameterRow {
    QuantParameterRow {
        id: Uuid::now_v7(),
        model: "heston".to_owned(),
        underlying: "BTC-USDT".to_owned(),
        fitted_at: T0.plus_micros(micros),
        fitted_by: Uuid::now_v7(),
        parameters: r#"{"v0":0.04}"#.to_owned(),
        quality: r#"{"rmse_volatility":0.001}"#.to_owned(),
    }
}

#[tokio::test]
async fn the_newest_is_the_current_one_and_the_history_goes_back_from_it() {
    let fixture = Fixture::new().await;
    let tenant_id = fixture.tenant().await;
    let other = QuantParameterRow { model: "ou".to_owned(), ..fit(2) };
    let rows = [fit(1), other, fit(3), fit(3)];
    let mut tx = fixture.db.begin_for(tenant_id).await.unwrap();
    for row in &rows {
        insert_quant_parameter(&mut tx, row).await.unwrap();
    }
    let any = QuantParameterFilter::default();
    let newest = rows[2..].iter().max_by_key(|row| row.id).unwrap();
    let current = list_current_quant_parameters(&mut tx, &any).await.unwrap();
    assert_eq!(current, [newest.clone(), rows[1].clone()]);
    let heston = QuantParameterFilter { model: Some("heston".to_owned()), underlying: None };
    let first = list_quant_parameters(&mut tx, &heston, None, 2).await.unwrap();
    assert_eq!(first[0], *newest);
    let place = QuantParameterPlace { fitted_at: first[1].fitted_at, id: first[1].id };
    assert_eq!(list_quant_parameters(&mut tx, &heston, Some(place), 10).await.unwrap(), [rows[0].clone()]);
    let nothing = QuantParameterFilter { underlying: Some("ETH-USDT".to_owned()), ..heston };
    assert_eq!(list_quant_parameters(&mut tx, &nothing, None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn the_history_of_one_underlying_has_a_bound() {
    let fixture = Fixture::new().await;
    let tenant_id = fixture.tenant().await;
    let mut tx = fixture.db.begin_for(tenant_id).await.unwrap();
    let elsewhere = QuantParameterRow { underlying: "ETH-USDT".to_owned(), ..fit(0) };
    insert_quant_parameter(&mut tx, &elsewhere).await.unwrap();
    tx.commit().await.unwrap();
    // The first are made at once: one by one they would take a thousand transactions.
    let before = HISTORY_MAX - 2;
    let sql = format!(
        "insert into quant_parameter select '{tenant_id}', gen_random_uuid(), 'heston', 'BTC-USDT',
             timestamptz 'epoch' + n * interval '1 microsecond', gen_random_uuid(), '{{}}', '{{}}'
         from generate_series(0, {}) n",
        before - 1
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut fixture.admin().await).await.unwrap();
    let mut tx = fixture.db.begin_for(tenant_id).await.unwrap();
    for micros in before..HISTORY_MAX + 5 {
        insert_quant_parameter(&mut tx, &fit(micros)).await.unwrap();
    }
    let any = QuantParameterFilter::default();
    let kept = list_quant_parameters(&mut tx, &any, None, 2 * HISTORY_MAX).await.unwrap();
    let of_btc = kept.iter().filter(|row| row.underlying == "BTC-USDT").count();
    assert_eq!(i64::try_from(of_btc).unwrap(), HISTORY_MAX);
    assert_eq!(kept.last().unwrap(), &elsewhere, "another underlying's history is its own");
    assert_eq!(kept[of_btc - 1].fitted_at, T0.plus_micros(5), "the oldest went");
}
