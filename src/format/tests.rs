use std::collections::HashSet;

use super::*;

fn read(kind: &Kind, text: &str) -> Result<String, Code> {
    let mut out = Vec::new();
    kind.read(text, &mut out).map_err(|fault| fault.code)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn ids_and_names_are_unique_and_every_reference_names_a_field() {
    let ids: HashSet<_> = FORMATS.iter().map(|format| format.id).collect();
    assert_eq!(ids.len(), FORMATS.len());
    for format in FORMATS {
        let names: HashSet<_> = format.fields.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), format.fields.len(), "{}", format.id);
        assert!(!format.layouts.is_empty(), "{}", format.id);
        for layout in format.layouts {
            for name in layout.field_names() {
                assert!(names.contains(name), "{} names {name}", format.id);
            }
        }
        for derived in format.derived {
            assert!(names.contains(derived.from), "{}", format.id);
        }
        for name in format.nonce_scope {
            assert!(names.contains(name), "{}", format.id);
        }
    }
}

#[test]
fn every_field_belongs_to_a_version_and_has_a_sentence() {
    for format in FORMATS {
        for field in format.fields {
            let used = format
                .layouts
                .iter()
                .any(|layout| layout.field_names().contains(&field.name));
            assert!(used, "{} {}", format.id, field.name);
            assert!(field.doc.ends_with('.'), "{} {}", format.id, field.name);
        }
    }
}

#[test]
fn versioned_formats_have_a_version_field_that_lists_their_versions() {
    for format in FORMATS {
        let versions: Vec<_> = format.versions().collect();
        match format.field(VERSION) {
            Some((_, field)) => match field.kind {
                Kind::OneOf(all) => assert_eq!(all, versions, "{}", format.id),
                _ => panic!("{} has a version that is no list", format.id),
            },
            None => assert!(versions.is_empty(), "{}", format.id),
        }
    }
}

#[test]
fn every_example_passes_its_own_field() {
    for format in FORMATS {
        for field in format.fields.iter().filter(|f| !f.example.is_empty()) {
            let mut out = Vec::new();
            let result = field.read(field.example, &mut out);
            assert!(result.is_ok(), "{} {}: {result:?}", format.id, field.name);
        }
    }
}

#[test]
fn codes_are_unique_and_explained() {
    let codes: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(code.meaning().ends_with('.'), "{code}");
    }
}

#[test]
fn damaged_integers_are_named_by_their_damage() {
    let any = Kind::Integer {
        min: 1,
        max: u64::MAX,
    };
    let table = [
        ("1.1E+09", Code::ExponentForm),
        ("11e8", Code::ExponentForm),
        ("1108187390.0", Code::DecimalForm),
        ("0042", Code::LeadingZero),
        ("١٢٣", Code::NotInteger),
        ("+5", Code::NotInteger),
        ("-5", Code::NotInteger),
        ("1,108", Code::NotInteger),
        ("e", Code::NotInteger),
        (".", Code::NotInteger),
        ("", Code::NotInteger),
        ("0", Code::OutOfRange),
        ("18446744073709551616", Code::OutOfRange),
    ];
    for (text, code) in table {
        assert_eq!(read(&any, text), Err(code), "{text}");
    }
    assert_eq!(
        read(&any, "18446744073709551615").unwrap(),
        "18446744073709551615"
    );
}

#[test]
fn times_in_the_other_unit_are_told_apart_from_nonsense() {
    let ms = Kind::Time(Unit::Milliseconds);
    let s = Kind::Time(Unit::Seconds);
    assert_eq!(read(&ms, "1700000000"), Err(Code::WrongUnit));
    assert_eq!(read(&s, "1700000000000"), Err(Code::WrongUnit));
    assert_eq!(read(&ms, "17"), Err(Code::OutOfRange));
    assert!(read(&ms, "1700000000000").is_ok());
    assert!(read(&s, "1700000000").is_ok());
}

#[test]
fn domains_are_bare() {
    let good = [
        "example.com",
        "a.co",
        "xn--bcher-kva.example",
        "a-b.example.co.uk",
    ];
    for text in good {
        assert!(read(&checks::DOMAIN, text).is_ok(), "{text}");
    }
    let bad = [
        "https://example.com",
        "example.com/path",
        "example.com:443",
        "example.com.",
        "Example.com",
        "bücher.example",
        "localhost",
        "127.0.0.1",
        "-a.com",
        "a..com",
        ".com",
    ];
    for text in bad {
        assert!(read(&checks::DOMAIN, text).is_err(), "{text}");
    }
}

#[test]
fn a_request_gets_its_id_where_it_lacks_one() {
    let wrap = advanced_commerce::WRAPPING;
    let table = [
        (
            r#"{"a":1}"#,
            r#"{"a":1,"requestInfo":{"requestReferenceId":"ID"}}"#,
        ),
        (
            r#"{"requestInfo":{},"a":1}"#,
            r#"{"requestInfo":{"requestReferenceId":"ID"},"a":1}"#,
        ),
        (
            r#"{"requestInfo":{"consistencyToken":"t"}}"#,
            r#"{"requestInfo":{"requestReferenceId":"ID","consistencyToken":"t"}}"#,
        ),
    ];
    for (given, expected) in table {
        assert!((wrap.lacks_id)(given), "{given}");
        let mut out = Vec::new();
        (wrap.wrap)(given, Some("ID"), &mut out);
        let back = (wrap.unwrap)(std::str::from_utf8(&out).unwrap()).unwrap();
        assert_eq!(back, expected);
        assert!(!(wrap.lacks_id)(&back));
    }
}

#[test]
fn a_request_is_checked_to_its_leaves() {
    let kind = ADVANCED.kind;
    let table = [
        (r#"{}"#, ".operation", Code::Missing),
        (r#"{"operation":"REVOKE"}"#, ".operation", Code::NotOneOf),
        (
            r#"{"operation":"CREATE_ONE_TIME_CHARGE"}"#,
            ".version",
            Code::Missing,
        ),
        (
            r#"{"operation":"REACTIVATE_SUBSCRIPTION","version":"1","transactionId":7}"#,
            ".transactionId",
            Code::WrongType,
        ),
        (
            r#"{"operation":"REACTIVATE_SUBSCRIPTION","version":"1","transactionId":"7","items":[{"SKU":"a"},{"SKU":""}]}"#,
            ".items[1].SKU",
            Code::Empty,
        ),
        (
            r#"{"operation":"REACTIVATE_SUBSCRIPTION","version":"1","transactionId":"7","requestInfo":{"requestReferenceId":"x"}}"#,
            ".requestInfo.requestReferenceId",
            Code::NotUuid,
        ),
        (
            r#"{"operation":"CREATE_ONE_TIME_CHARGE","version":"1","currency":"USD","taxCode":"C","item":{"SKU":"a","displayName":"b","description":"c","price":4.99}}"#,
            ".item.price",
            Code::DecimalForm,
        ),
        (
            r#"{"operation":"CREATE_ONE_TIME_CHARGE","version":"1","currency":"usd","taxCode":"C"}"#,
            ".currency",
            Code::BadText,
        ),
    ];
    for (request, path, code) in table {
        let fault = kind.read(request, &mut Vec::new()).unwrap_err();
        assert_eq!((fault.path.as_str(), fault.code), (path, code), "{request}");
    }
}

static ADVANCED: std::sync::LazyLock<Field> =
    std::sync::LazyLock::new(|| *app_store::ADVANCED_COMMERCE.field("request").unwrap().1);
