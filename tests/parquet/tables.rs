//! What becomes of a table: the records are those of the same rows as text,
//! and its own columns stay what they are.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array,
    LargeStringArray, ListArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field};
use campaign_signer::format::FORMATS;

use super::workdir::{Workdir, csv_line, example_row};
use super::{Column, aak, aak_table, column, example, keys, names, read, sign, texts, write};

#[test]
fn every_format_signs_the_same_from_a_table_as_from_text_and_the_table_verifies() {
    for format in FORMATS {
        let workdir = Workdir::new();
        let row = example_row(format, None);
        let header = csv_line(row.iter().map(|(name, _)| *name));
        let cells = csv_line(row.iter().map(|(_, text)| text.as_str()));
        workdir.write(
            "rows.csv",
            format!("{header}\n{}", format!("{cells}\n").repeat(5)),
        );
        write(&workdir.path("rows.parquet"), &example(format, 5), 2);
        workdir
            .run(&sign(format, "-o text.ndjson rows.csv"))
            .exit(0);
        workdir
            .run(&sign(format, "-o table.ndjson rows.parquet"))
            .exit(0);
        assert_eq!(
            workdir.text("text.ndjson"),
            workdir.text("table.ndjson"),
            "{}",
            format.id
        );
        for (input, output) in [("rows.csv", "a.parquet"), ("rows.parquet", "b.parquet")] {
            workdir
                .run(&sign(format, &format!("-o {output} {input}")))
                .exit(0);
            let (_, public) = keys(format);
            workdir
                .run(&format!(
                    "verify {public} --manifest {output}.manifest.json {output}"
                ))
                .exit(0)
                .says("5 of 5 records");
            assert!(!workdir.exists(&format!("{output}.records.partial")));
        }
        let (from_text, from_table) = (
            read(&workdir.path("a.parquet")),
            read(&workdir.path("b.parquet")),
        );
        for name in names(&from_text) {
            let (a, b) = (
                from_text.column_by_name(&name),
                from_table.column_by_name(&name),
            );
            assert_eq!(a, b, "{} {name}", format.id);
        }
    }
}

/// Columns of all kinds that no format knows, of so many rows.
fn strange(rows: i32) -> Vec<Column> {
    let many = || 0..rows;
    let words: Vec<String> = many().map(|row| format!("w{}", row % 3)).collect();
    let dictionary: DictionaryArray<Int32Type> = words.iter().map(String::as_str).collect();
    let lists = many().map(|row| Some((0..row % 4).map(Some).collect::<Vec<_>>()));
    let moments: Vec<i64> = many().map(|row| i64::from(row) * 1_000_001).collect();
    let numbers = Arc::new(Int32Array::from_iter_values(many()));
    let number = Arc::new(Field::new("n", DataType::Int32, false));
    let decimals = Decimal128Array::from_iter_values(many().map(|row| i128::from(row) * 1001));
    vec![
        column("dictionary", dictionary),
        column(
            "list",
            ListArray::from_iter_primitive::<Int32Type, _, _>(lists),
        ),
        column("struct", StructArray::from(vec![(number, numbers as _)])),
        column(
            "moment",
            TimestampMicrosecondArray::from(moments).with_timezone("Europe/Berlin"),
        ),
        column("day", Date32Array::from_iter_values(many())),
        column("price", decimals.with_precision_and_scale(30, 3).unwrap()),
        column(
            "share",
            Float64Array::from_iter_values(many().map(|row| f64::from(row) / 3.0)),
        ),
        column("large", LargeStringArray::from(words)),
        column(
            "gaps",
            many()
                .map(|row| (row % 2 == 0).then_some(i64::from(row)))
                .collect::<Int64Array>(),
        ),
    ]
}

#[test]
fn a_table_keeps_its_columns_as_they_are_and_gets_those_of_the_record_behind_them() {
    let workdir = Workdir::new();
    let format = aak();
    let rows = 2500;
    let mut columns = example(format, rows);
    columns.splice(1..1, strange(2500));
    // Each third row becomes two records, each fifth is refused.
    let counts = (0..2500).map(|row| if row % 3 == 0 { 2 } else { 1 });
    columns.push(column("count", Int64Array::from_iter_values(counts)));
    let bad = columns
        .iter()
        .position(|(name, _)| name == "source-identifier")
        .unwrap();
    let sources = (0..2500).map(|row| if row % 5 == 0 { 1 } else { 5239 });
    columns[bad] = column("source-identifier", Int32Array::from_iter_values(sources));
    write(&workdir.path("rows.parquet"), &columns, 700);
    workdir
        .run(&sign(format, "-o out.parquet rows.parquet"))
        .exit(0)
        .says("500 rows");
    let table = read(&workdir.path("out.parquet"));
    let wanted: Vec<u32> = (0..2500_u32)
        .filter(|row| row % 5 != 0)
        .flat_map(|row| std::iter::repeat_n(row, if row % 3 == 0 { 2 } else { 1 }))
        .collect();
    assert_eq!(table.num_rows(), wanted.len());
    let taken = arrow_array::UInt32Array::from(wanted);
    let all = names(&table);
    for (at, (name, array)) in columns.iter().enumerate() {
        assert_eq!(all[at], *name);
        if format.field(name).is_some() {
            continue;
        }
        let own = table.column_by_name(name).unwrap();
        assert_eq!(own.data_type(), array.data_type(), "{name}");
        let wanted = arrow_select::take::take(array, &taken, None).unwrap();
        assert_eq!(own, &wanted, "{name}");
    }
    let behind = &all[columns.len()..];
    assert_eq!(behind.first().unwrap(), "format");
    assert_eq!(behind.last().unwrap(), "jws");
    // A field keeps its place, and has the record's own type.
    let schema = table.schema();
    let field = schema.field_with_name("source-identifier").unwrap();
    assert_eq!(field.data_type(), &DataType::Int64);
    workdir
        .run("verify --public-key pub.pem --manifest out.parquet.manifest.json")
        .exit(0);
}

#[test]
fn a_table_that_is_signed_again_has_the_new_records_values_in_the_same_columns() {
    let workdir = Workdir::new();
    aak_table(&workdir, "rows.parquet", 3);
    let format = aak();
    workdir
        .run(&sign(format, "-o once.parquet rows.parquet"))
        .exit(0);
    let again = sign(format, "-o twice.parquet --ignore-unknown once.parquet");
    workdir
        .run(&again.replace("--job-id job", "--job-id other"))
        .exit(0);
    let (once, twice) = (
        read(&workdir.path("once.parquet")),
        read(&workdir.path("twice.parquet")),
    );
    assert_eq!(names(&once), names(&twice));
    // The nonces stand in the rows now.
    assert_eq!(
        once.column_by_name("impression-identifier"),
        twice.column_by_name("impression-identifier")
    );
}

#[test]
fn keep_names_the_columns_that_are_carried_over() {
    let workdir = Workdir::new();
    aak_table(&workdir, "rows.parquet", 3);
    let format = aak();
    workdir
        .run(&sign(format, "-o all.parquet rows.parquet"))
        .exit(0);
    workdir
        .run(&sign(
            format,
            "-o one.parquet --keep order_ref rows.parquet",
        ))
        .exit(0);
    let (all, one) = (
        read(&workdir.path("all.parquet")),
        read(&workdir.path("one.parquet")),
    );
    assert_eq!(names(&one)[0], "order_ref");
    assert_eq!(all.num_columns(), one.num_columns());
    assert_eq!(
        all.column_by_name("order_ref"),
        one.column_by_name("order_ref")
    );
    for output in ["all", "one"] {
        let verify =
            format!("verify --public-key pub.pem --manifest {output}.parquet.manifest.json");
        workdir.run(&verify).exit(0);
    }
    // The same column of text becomes one of text.
    workdir.write("rows.ndjson", "{\"ad-network-identifier\":\"example123.adattributionkit\",\"publisher-item-identifier\":5838492,\"advertised-item-identifier\":1108187390,\"source-identifier\":5239,\"note\":null,\"order_ref\":7}\n");
    workdir
        .run(&sign(
            format,
            "-o text.parquet --keep order_ref,note rows.ndjson",
        ))
        .exit(0);
    let text = read(&workdir.path("text.parquet"));
    let own = text.column_by_name("order_ref").unwrap();
    assert_eq!(own.as_ref(), &StringArray::from(vec!["7"]) as &dyn Array);
    workdir
        .run("verify --public-key pub.pem --manifest text.parquet.manifest.json")
        .exit(0);
}

#[test]
fn the_bytes_do_not_depend_on_threads_and_inputs_follow_one_another() {
    let workdir = Workdir::new();
    aak_table(&workdir, "a.parquet", 3000);
    aak_table(&workdir, "b.parquet", 1700);
    let mut before = None;
    for threads in [1, 2, 7] {
        let run = sign(
            aak(),
            &format!("-j {threads} -o out.parquet a.parquet b.parquet"),
        );
        workdir.run(&run).exit(0);
        let bytes = workdir.bytes("out.parquet");
        assert_eq!(
            before.get_or_insert_with(|| bytes.clone()),
            &bytes,
            "{threads}"
        );
    }
    let table = read(&workdir.path("out.parquet"));
    let orders = table.column_by_name("order_ref").unwrap();
    let wanted = (0..3000)
        .chain(0..1700)
        .map(|row| Some(format!("order-{row}")));
    assert_eq!(
        orders.as_ref(),
        &wanted.collect::<StringArray>() as &dyn Array
    );
}

#[test]
fn inputs_that_make_no_table_together_are_refused_before_anything_is_signed() {
    let workdir = Workdir::new();
    let format = aak();
    let mut columns = aak_table(&workdir, "a.parquet", 3);
    columns.push(texts("more", &["x", "y", "z"]));
    write(&workdir.path("b.parquet"), &columns, 10);
    workdir.write("c.csv", "ad-network-identifier\nx\n");
    for (rest, says) in [
        ("-o out.parquet a.parquet c.csv", "c.csv is no Parquet"),
        ("-o out.parquet a.parquet b.parquet", "have other columns"),
        ("-o - --output-format parquet a.parquet", "standard output"),
        ("-o out.parquet --shape native a.parquet", "do not fit"),
        (
            "--out-dir out --output-format parquet a.parquet",
            "parts of a folder",
        ),
        (
            "-o out.parquet --rejects bad.parquet a.parquet",
            "rejects are not written",
        ),
        (
            "-o out.parquet --input-format parquet",
            "can be read only once",
        ),
        ("-o a.parquet a.parquet", "a.parquet"),
    ] {
        workdir.run(&sign(format, rest)).exit(2).says(says);
        assert!(!workdir.exists("out.parquet"), "{rest}");
    }
}

#[test]
fn a_table_comes_through_a_pipe_as_well() {
    let workdir = Workdir::new();
    aak_table(&workdir, "a.parquet", 300);
    let format = aak();
    workdir
        .run(&sign(format, "-o file.ndjson a.parquet"))
        .exit(0);
    let run = sign(format, "-o pipe.ndjson --input-format parquet");
    let arguments: Vec<&str> = run.split_whitespace().collect();
    let bytes = workdir.bytes("a.parquet");
    workdir.run_with(&arguments, &bytes).exit(0);
    assert_eq!(workdir.text("file.ndjson"), workdir.text("pipe.ndjson"));
}
