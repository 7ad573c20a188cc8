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
            for field in format.fields {
                let is_named = layout.field_names().contains(&field.name);
                assert_eq!(layout.has(field.name), is_named, "{}", format.id);
            }
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

/// The members of a version at every depth, object by object.
fn objects(
    members: &'static [shape::Member],
    format: &Format,
    layout: &Layout,
    all: &mut Vec<Vec<shape::Member>>,
) {
    let own = members.iter().filter(|member| member.is_of(format, layout));
    let own: Vec<shape::Member> = own.copied().collect();
    for member in &own {
        if let shape::Node::Object(inner) | shape::Node::Each(inner) = member.node {
            objects(inner, format, layout, all);
        }
    }
    all.push(own);
}

#[test]
fn shapes_name_fields_hold_one_signature_and_begin_with_what_is_always_there() {
    use shape::{Markup, Node};
    for format in FORMATS {
        let names: HashSet<_> = format.shapes.iter().map(|shape| shape.name).collect();
        assert_eq!(names.len(), format.shapes.len(), "{}", format.id);
        assert!(!names.contains(shape::RECORD), "{}", format.id);
        for shape in format.shapes {
            let id = format!("{} {}", format.id, shape.name);
            assert!(
                !shape.doc.ends_with('.') && !shape.source.is_empty(),
                "{id}"
            );
            assert!(shape.is_of(format.newest()), "{id}");
            let is_field = |name: &str| format.any_field(name).is_some();
            let is_derived = |name: &str| format.derived.iter().any(|own| own.name == name);
            assert!(shape.demands.iter().all(|name| is_field(name)), "{id}");
            let is_object = matches!(shape.members[0].node, Node::Object(_));
            assert!(
                !shape.joins || (shape.members.len() == 1 && is_object),
                "{id}"
            );
            for layout in format.layouts.iter().filter(|layout| shape.is_of(layout)) {
                let mut all = Vec::new();
                objects(shape.members, format, layout, &mut all);
                let mut results = 0;
                for members in all {
                    assert!(!members[0].may_lack(format, shape), "{id}");
                    let names: HashSet<_> = members.iter().map(|member| member.name).collect();
                    assert_eq!(names.len(), members.len(), "{id}");
                    assert!(
                        !names.contains("object") && !names.contains("format"),
                        "{id}"
                    );
                    for member in members {
                        assert!(member.doc.ends_with('.'), "{id} {}", member.name);
                        let is_known = match member.node {
                            // What is encoded in a token stands nowhere else.
                            Node::Field(name) | Node::Text(name) => format
                                .any_field(name)
                                .is_some_and(|(_, f)| f.wrapped.is_none()),
                            Node::Derived(name) => is_derived(name),
                            Node::Markup(pieces) => pieces.iter().all(|piece| match piece {
                                Markup::Field(name) => is_field(name),
                                Markup::Derived(name) => is_derived(name),
                                Markup::Text(_) => true,
                            }),
                            Node::Result => {
                                results += 1;
                                true
                            }
                            Node::Constant(_) | Node::Each(_) | Node::Object(_) => true,
                        };
                        assert!(is_known, "{id} {}", member.name);
                    }
                }
                assert_eq!(results, 1, "{id} {:?}", layout.version);
            }
        }
        for field in format.unsigned {
            let id = format!("{} {}", format.id, field.name);
            let is_used = |shape: &Shape| {
                let mut layouts = format.layouts.iter();
                layouts.any(|layout| shape.uses(format, layout, field.name))
            };
            assert!(format.shapes.iter().any(is_used), "{id}");
            assert!(format.field(field.name).is_none(), "{id}");
            let plain = field.wrapped.is_none() && field.omit.is_none() && !field.lowered;
            let from_row = matches!(field.source, Source::Required | Source::Optional);
            assert!(plain && from_row && field.doc.ends_with('.'), "{id}");
        }
    }
}

#[test]
fn markup_is_escaped_so_that_no_value_leaves_its_attribute() {
    let mut out = Vec::new();
    shape::escape_markup(r#"a"b<c>&amp;'é"#, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, "a&quot;b&lt;c&gt;&amp;amp;'é");
}

#[test]
fn every_example_passes_its_own_field() {
    for format in FORMATS {
        for field in format.all_fields().filter(|f| !f.example.is_empty()) {
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
