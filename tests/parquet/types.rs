//! What each type of column is taken for: integers and text exactly, floats
//! never, times only where they say which moment they are.

use arrow_array::{
    Array, BinaryArray, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, LargeStringArray, StringArray, StringViewArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt16Array, UInt32Array, UInt64Array,
};
use campaign_signer::format::{FORMATS, Field, Format};
use campaign_signer::json::Shape;
use serde_json::Value;

use super::workdir::Workdir;
use super::{Column, aak, column, example, sign, write};

/// Signs the example with this column in place of its own, and gives the only
/// row's record, or the code of its reject.
fn outcome(format: &Format, own: Column, options: &str) -> Result<Value, String> {
    let workdir = Workdir::new();
    let mut columns = example(format, 1);
    columns.retain(|(name, _)| *name != own.0);
    columns.push(own);
    write(&workdir.path("rows.parquet"), &columns, 10);
    let run = format!("-o out.ndjson {options} rows.parquet");
    workdir.run(&sign(format, &run)).exit(0);
    match workdir.json("out.ndjson").pop() {
        Some(record) => Ok(record),
        None => {
            let reject = &workdir.json("out.rejects.ndjson")[0];
            Err(reject["problems"][0]["code"].as_str().unwrap().to_owned())
        }
    }
}

fn integer(array: impl Array + 'static, options: &str) -> Result<String, String> {
    let name = "advertised-item-identifier";
    let record = outcome(aak(), column(name, array), options)?;
    Ok(record[name].to_string())
}

#[test]
fn integers_of_every_type_are_exact_to_the_last_digit() {
    let large = 9_007_199_254_740_993; // 2^53 + 1: no double is that number.
    let decimal = |value: i128, scale| {
        let array = Decimal128Array::from(vec![value]);
        array.with_precision_and_scale(38, scale).unwrap()
    };
    let cases: Vec<(Result<String, String>, &str)> = vec![
        (integer(Int8Array::from(vec![7]), ""), "7"),
        (integer(Int16Array::from(vec![7]), ""), "7"),
        (integer(Int32Array::from(vec![7]), ""), "7"),
        (
            integer(Int64Array::from(vec![large]), ""),
            "9007199254740993",
        ),
        (integer(UInt16Array::from(vec![7]), ""), "7"),
        (integer(UInt32Array::from(vec![u32::MAX]), ""), "4294967295"),
        (
            integer(UInt64Array::from(vec![9_007_199_254_740_993]), ""),
            "9007199254740993",
        ),
        (integer(decimal(large.into(), 0), ""), "9007199254740993"),
        (
            integer(StringArray::from(vec!["9007199254740993"]), ""),
            "9007199254740993",
        ),
        (integer(LargeStringArray::from(vec!["7"]), ""), "7"),
        (integer(StringViewArray::from(vec!["7"]), ""), "7"),
        (integer(BinaryArray::from(vec![&b"7"[..]]), ""), "7"),
        (
            integer(Float64Array::from(vec![7.0]), "--accept-decimal-zero"),
            "7",
        ),
        (integer(decimal(700, 2), "--accept-decimal-zero"), "7"),
    ];
    for (at, (found, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(found.as_deref(), Ok(wanted), "case {at}");
    }
}

#[test]
fn what_is_no_integer_for_sure_is_refused() {
    let decimal = Decimal128Array::from(vec![705])
        .with_precision_and_scale(38, 2)
        .unwrap();
    let cases: Vec<(Result<String, String>, &str)> = vec![
        (integer(Float64Array::from(vec![7.0]), ""), "decimal_form"),
        (integer(Float32Array::from(vec![7.0]), ""), "decimal_form"),
        (
            integer(Float64Array::from(vec![7.5]), "--accept-decimal-zero"),
            "decimal_form",
        ),
        (
            integer(Float64Array::from(vec![f64::NAN]), "--accept-decimal-zero"),
            "not_integer",
        ),
        (integer(decimal, "--accept-decimal-zero"), "decimal_form"),
        (integer(Int64Array::from(vec![-7]), ""), "not_integer"),
        (integer(Int64Array::from(vec![None]), ""), "missing"),
        (
            integer(BinaryArray::from(vec![&b"\xff"[..]]), ""),
            "invalid_utf8",
        ),
    ];
    for (at, (found, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(found, Err(wanted.to_owned()), "case {at}");
    }
}

#[test]
fn a_moment_becomes_the_fields_own_unit_and_is_never_rounded() {
    // Before the time of the run, which is rounded down.
    let time = super::now() - 200_000;
    let millis = i64::try_from(time).unwrap() / 1000 * 1000;
    let stamped = |array: &dyn Fn() -> Column| {
        let record = outcome(aak(), array(), "");
        record.map(|record| record["timestamp"].as_i64().unwrap())
    };
    let name = "timestamp";
    let zone = "+02:00";
    let cases: Vec<(Column, Result<i64, String>)> = vec![
        // Parquet has no seconds: what arrow writes so are plain integers.
        (
            column(
                name,
                TimestampSecondArray::from(vec![millis / 1000]).with_timezone(zone),
            ),
            Err("wrong_unit".into()),
        ),
        (
            column(
                name,
                TimestampMillisecondArray::from(vec![millis + 7]).with_timezone(zone),
            ),
            Ok(millis + 7),
        ),
        (
            column(
                name,
                TimestampMicrosecondArray::from(vec![millis * 1000]).with_timezone(zone),
            ),
            Ok(millis),
        ),
        (
            column(
                name,
                TimestampNanosecondArray::from(vec![millis * 1_000_000]).with_timezone(zone),
            ),
            Ok(millis),
        ),
        (column(name, Int64Array::from(vec![millis])), Ok(millis)),
        (
            column(
                name,
                TimestampMicrosecondArray::from(vec![millis * 1000 + 1]).with_timezone(zone),
            ),
            Err("decimal_form".into()),
        ),
    ];
    for (at, (column, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(stamped(&|| column.clone()), wanted, "case {at}");
    }
}

#[test]
fn a_time_without_a_zone_is_refused_with_what_to_write_instead() {
    let workdir = Workdir::new();
    let mut columns = example(aak(), 1);
    columns.push(column(
        "timestamp",
        TimestampMicrosecondArray::from(vec![1]),
    ));
    write(&workdir.path("rows.parquet"), &columns, 10);
    let run = workdir.run(&sign(aak(), "-o out.ndjson rows.parquet"));
    run.exit(2).says("does not say in which time zone it is");
    assert!(run.hint().contains("epoch_ms"), "{run}");
}

#[test]
fn columns_that_fit_nothing_are_passed_over_unless_they_look_like_a_mistake() {
    let workdir = Workdir::new();
    let mut columns = example(aak(), 2);
    columns.push(super::texts("warehouse", &["a", "b"]));
    write(&workdir.path("good.parquet"), &columns, 10);
    workdir
        .run(&sign(aak(), "-o out.ndjson good.parquet"))
        .exit(0);
    columns.push(super::texts("time-stamps", &["a", "b"]));
    write(&workdir.path("near.parquet"), &columns, 10);
    workdir
        .run(&sign(aak(), "-o out.ndjson near.parquet"))
        .exit(2)
        .says("time-stamps");
    workdir
        .run(&sign(aak(), "-o out.ndjson --ignore-unknown near.parquet"))
        .exit(0);
    columns.retain(|(name, _)| name != "source-identifier");
    write(&workdir.path("less.parquet"), &columns, 10);
    let run = workdir.run(&sign(aak(), "-o out.ndjson --ignore-unknown less.parquet"));
    run.exit(2)
        .says("no column gives the required field source-identifier");
}

#[test]
fn json_is_taken_as_such_from_text_and_from_what_says_that_it_is() {
    let is_json = |field: &&Field| {
        field.kind.shape() == Shape::Object && field.wrapped.is_none() && !field.example.is_empty()
    };
    let mut all = FORMATS.iter();
    let found = all.find_map(|format| Some((*format, format.fields.iter().find(is_json)?)));
    let Some((format, field)) = found else {
        return;
    };
    let spaced = field.example.replace(':', " :\n ");
    let own = column(field.name, StringArray::from(vec![spaced]));
    let record = outcome(format, own, "").unwrap();
    assert!(record[field.name].is_object(), "{record}");
}
