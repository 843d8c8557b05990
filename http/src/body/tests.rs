use super::*;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the way in is tested")]
struct Wanted {
    name: String,
    count: Option<u32>,
    inner: Option<Inner>,
    #[serde(default)]
    inners: Vec<Inner>,
    kind: Option<Kind>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Plain,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the way in is tested")]
struct Inner {
    list: Vec<bool>,
}

fn fault(text: &str) -> (Code, String) {
    let error = parse::<Wanted>(text.as_bytes()).unwrap_err();
    let view = serde_json::to_value(error.view()).unwrap();
    (error.code(), view["message"].as_str().unwrap().to_owned())
}

#[test]
fn what_has_arrays_inside_objects_is_read() {
    let text = "{\"name\": \"[\", \"count\": 7, \"inner\": {\"list\": [true]}, \"inners\": [{\"list\": []}], \"kind\": \"plain\"}";
    assert!(parse::<Wanted>(text.as_bytes()).is_ok());
}

#[test]
fn each_fault_says_what_and_where() {
    let table = [
        ("{\"name\": 5}", Code::FieldType, "name must be a string, found the number 5"),
        ("{\"name\": null}", Code::FieldType, "name must be a string, found null"),
        (
            "{\"name\": \"a\", \"count\": \"7\"}",
            Code::FieldType,
            "count must be a whole number of zero or more",
        ),
        (
            "{\"name\": \"a\", \"inner\": {\"list\": {}}}",
            Code::FieldType,
            "inner.list must be a JSON array, found an object",
        ),
        ("[]", Code::FieldType, "what is sent must be a JSON object, found an array"),
        ("[\"a\", 7, null, [], null]", Code::FieldType, "what is sent must be a JSON object, found an array"),
        ("7", Code::FieldType, "what is sent must be a JSON object, found the number 7"),
        (
            "{\"name\": \"a\", \"inner\": [[true]]}",
            Code::FieldType,
            "inner must be a JSON object, found an array",
        ),
        (
            "{\"name\": \"a\", \"inners\": [{\"list\": []}, [[true]]]}",
            Code::FieldType,
            "inners[1] must be a JSON object, found an array",
        ),
        (
            "{\"name\": \"a\", \"inners\": [{\"list\": [true, 1]}]}",
            Code::FieldType,
            "inners[0].list[1] must be a boolean, found the number 1",
        ),
        ("{\"name\": \"a\", \"kind\": []}", Code::FieldType, "kind must be a string, found an array"),
        ("{\"count\": 7}", Code::FieldMissing, "the field name is required"),
        ("{\"name\": \"a\", \"inner\": {}}", Code::FieldMissing, "the field inner.list is required"),
        (
            "{\"nam\": \"a\"}",
            Code::FieldUnknown,
            "there is no field nam here; known are: name, count, inner, inners, kind",
        ),
        ("{\"name\": \"a\", \"name\": \"b\"}", Code::FieldDuplicate, ""),
        ("{\"name\": ", Code::BodyNotJson, "the JSON text ends too early"),
        ("hello", Code::BodyNotJson, "the body is not valid JSON"),
        ("{'name': 'a'}", Code::BodyNotJson, "the body is not valid JSON"),
        ("{\"name\": NaN}", Code::BodyNotJson, "the body is not valid JSON"),
    ];
    for (text, code, message) in table {
        let (found_code, found_message) = fault(text);
        assert_eq!(found_code, code, "{text}: {found_message}");
        assert!(found_message.starts_with(message), "{text}: {found_message}");
    }
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    let deep = "[".repeat(100_000);
    assert_eq!(fault(&deep).0, Code::BodyNotJson);
}
