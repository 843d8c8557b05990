use super::*;

fn operation(text: &str) -> Result<Operation, Code> {
    let (_, operation) = ClientFrame::parse(text).map_err(|bad| bad.error.code())?.into_parts();
    operation.map_err(|error| error.code())
}

/// What became of each channel of a subscription.
fn channels_of(text: &str) -> Vec<Result<String, (String, Code)>> {
    let Ok(Operation::Subscribe(named)) = operation(text) else { panic!("{text} is no subscription") };
    let outcome = |one: Named| match one {
        Ok(request) => Ok(request.name),
        Err(refused) => Err((refused.name, refused.error.code())),
    };
    named.into_iter().map(outcome).collect()
}

#[test]
fn frames_are_read_or_refused_with_a_reason() {
    assert!(matches!(operation(r#"{"op":"auth","token":"t"}"#), Ok(Operation::Auth { .. })));
    assert!(matches!(operation(r#"{"op":"ping","id":7}"#), Ok(Operation::Ping)));
    assert_eq!(operation("{}").unwrap_err(), Code::FieldMissing);
    assert_eq!(operation("nonsense").unwrap_err(), Code::BodyNotJson);
    assert_eq!(operation(r#"["ping",7,null,null]"#).unwrap_err(), Code::FieldType);
    assert_eq!(operation(r#"{"op":"fly"}"#).unwrap_err(), Code::InvalidFrame);
    assert_eq!(operation(r#"{"op":"subscribe"}"#).unwrap_err(), Code::InvalidFrame);
    assert_eq!(operation(r#"{"op":"subscribe","channels":"orders"}"#).unwrap_err(), Code::FieldType);
}

#[test]
fn what_is_wrong_with_one_channel_is_told_of_that_one() {
    let text = r#"{"op":"subscribe","id":"1","channels":[{"name":"orders","after_seq":12},{"name":"portfolio"},
        {"name":"market.trades","symbols":["BTC-USDT"]},{"name":"trades","depth":3},{"name":"events","after_seq":"12"},
        {"after_seq":1},["orders",12,null,null,null],7]}"#;
    let refused = |name: &str, code| Err((name.to_owned(), code));
    let expected = [
        Ok("orders".to_owned()),
        Ok("portfolio".to_owned()),
        refused("market.trades", Code::UnknownChannel),
        refused("trades", Code::FieldUnknown),
        refused("events", Code::FieldType),
        refused("", Code::FieldMissing),
        refused("", Code::FieldType),
        refused("", Code::FieldType),
    ];
    assert_eq!(channels_of(text), expected);
}

#[test]
fn a_frame_that_is_refused_keeps_its_id() {
    let id = |text: &str| ClientFrame::parse(text).unwrap_err().id;
    assert_eq!(id(r#"{"op":"ping","id":"7","colour":"red"}"#), Some(json!("7")));
    assert_eq!(id(r#"{"op":7,"id":8}"#), Some(json!(8)));
    assert_eq!(id(r#"{"op":7}"#), None);
    assert_eq!(id("nonsense"), None);
}

#[test]
fn answers_name_what_was_refused() {
    let refused = [Refused { name: "weather".to_owned(), error: ApiError::of(Code::UnknownChannel) }];
    let text =
        channels("subscribed", Some(&json!("1")), &[ChannelView { name: "orders", after_seq: 4 }], &refused);
    let value: Value = serde_json::from_str(text.as_str()).unwrap();
    assert_eq!(value["op"], "subscribed");
    assert_eq!(value["id"], "1");
    assert_eq!(value["channels"][0], json!({ "name": "orders", "after_seq": 4 }));
    assert_eq!(value["errors"][0]["name"], "weather");
    assert_eq!(value["errors"][0]["error"]["code"], "UNKNOWN_CHANNEL");
}
