//! One value of a table as JSON. Integers keep every digit, decimals every
//! place, and floats their point. It must not know what the value is for.

use std::io::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::json;
use crate::row::Taken;

/// Whether values of this type are something in JSON.
pub(super) fn is_readable(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(fields) => fields.iter().all(|field| is_readable(field.data_type())),
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            is_readable(field.data_type())
        }
        DataType::Duration(_)
        | DataType::Interval(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Union(_, _)
        | DataType::Dictionary(_, _)
        | DataType::Map(_, _)
        | DataType::RunEndEncoded(_, _) => false,
        _ => true,
    }
}

/// Appends a value; `null` for one that is none.
pub(super) fn write(array: &dyn Array, at: usize, taken: Taken, is_uuid: bool, out: &mut Vec<u8>) {
    if array.is_null(at) {
        return out.extend_from_slice(b"null");
    }
    // Writing to a Vec cannot fail.
    macro_rules! plain {
        ($kind:ty) => {
            drop(write!(out, "{}", array.as_primitive::<$kind>().value(at)))
        };
    }
    macro_rules! decimal {
        ($kind:ty) => {
            out.extend_from_slice(array.as_primitive::<$kind>().value_as_string(at).as_bytes())
        };
    }
    match array.data_type() {
        DataType::Boolean => drop(write!(out, "{}", array.as_boolean().value(at))),
        DataType::Int8 => plain!(Int8Type),
        DataType::Int16 => plain!(Int16Type),
        DataType::Int32 => plain!(Int32Type),
        DataType::Int64 => plain!(Int64Type),
        DataType::UInt8 => plain!(UInt8Type),
        DataType::UInt16 => plain!(UInt16Type),
        DataType::UInt32 => plain!(UInt32Type),
        DataType::UInt64 => plain!(UInt64Type),
        DataType::Float16 => float(array.as_primitive::<Float16Type>().value(at).into(), out),
        DataType::Float32 => float32(array.as_primitive::<Float32Type>().value(at), out),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(at), out),
        DataType::Decimal32(_, _) => decimal!(Decimal32Type),
        DataType::Decimal64(_, _) => decimal!(Decimal64Type),
        DataType::Decimal128(_, _) => decimal!(Decimal128Type),
        DataType::Decimal256(_, _) => decimal!(Decimal256Type),
        DataType::Utf8 => text(array.as_string::<i32>().value(at).as_bytes(), taken, out),
        DataType::LargeUtf8 => text(array.as_string::<i64>().value(at).as_bytes(), taken, out),
        DataType::Utf8View => text(array.as_string_view().value(at).as_bytes(), taken, out),
        DataType::Binary => text(array.as_binary::<i32>().value(at), taken, out),
        DataType::LargeBinary => text(array.as_binary::<i64>().value(at), taken, out),
        DataType::BinaryView => text(array.as_binary_view().value(at), taken, out),
        DataType::FixedSizeBinary(_) => {
            let bytes = array.as_fixed_size_binary().value(at);
            match <[u8; 16]>::try_from(bytes) {
                Ok(bytes) if is_uuid => drop(write!(out, "\"{}\"", Uuid::from_bytes(bytes))),
                _ => text(bytes, taken, out),
            }
        }
        DataType::Struct(fields) => {
            out.push(b'{');
            let mut is_first = true;
            for (field, inner) in fields.iter().zip(array.as_struct().columns()) {
                if inner.is_null(at) {
                    continue;
                }
                if !std::mem::take(&mut is_first) {
                    out.push(b',');
                }
                json::write_string(field.name(), out);
                out.push(b':');
                write(inner.as_ref(), at, Taken::Value, false, out);
            }
            out.push(b'}');
        }
        DataType::List(_) => list(&array.as_list::<i32>().value(at), out),
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(at), out),
        DataType::FixedSizeList(_, _) => list(&array.as_fixed_size_list().value(at), out),
        _ => moment(array, at, taken, out),
    }
}

fn list(values: &ArrayRef, out: &mut Vec<u8>) {
    out.push(b'[');
    for at in 0..values.len() {
        if at > 0 {
            out.push(b',');
        }
        write(values.as_ref(), at, Taken::Value, false, out);
    }
    out.push(b']');
}

/// Appends dates and times.
fn moment(array: &dyn Array, at: usize, taken: Taken, out: &mut Vec<u8>) {
    let (ticks, per_second) = match array.data_type() {
        DataType::Date32 => (i64::from(array.as_primitive::<Date32Type>().value(at)), 0),
        DataType::Date64 => (array.as_primitive::<Date64Type>().value(at), 1_000),
        DataType::Time32(TimeUnit::Second) => (
            i64::from(array.as_primitive::<Time32SecondType>().value(at)),
            1,
        ),
        DataType::Time32(_) => (
            i64::from(array.as_primitive::<Time32MillisecondType>().value(at)),
            1_000,
        ),
        DataType::Time64(TimeUnit::Microsecond) => (
            array.as_primitive::<Time64MicrosecondType>().value(at),
            1_000_000,
        ),
        DataType::Time64(_) => (
            array.as_primitive::<Time64NanosecondType>().value(at),
            1_000_000_000,
        ),
        DataType::Timestamp(TimeUnit::Second, _) => {
            (array.as_primitive::<TimestampSecondType>().value(at), 1)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => (
            array.as_primitive::<TimestampMillisecondType>().value(at),
            1_000,
        ),
        DataType::Timestamp(TimeUnit::Microsecond, _) => (
            array.as_primitive::<TimestampMicrosecondType>().value(at),
            1_000_000,
        ),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => (
            array.as_primitive::<TimestampNanosecondType>().value(at),
            1_000_000_000,
        ),
        _ => return out.extend_from_slice(b"null"),
    };
    let is_moment = matches!(array.data_type(), DataType::Timestamp(_, Some(_)));
    if let (Taken::Moment(wanted), true) = (taken, is_moment) {
        return ticks_of(ticks, per_second, i64::from(wanted), out);
    }
    // What lies beyond all calendars stays a number.
    let plain = DateTime::from(date(1970, 1, 1)).checked_add(match per_second {
        0 => SignedDuration::from_hours(ticks.saturating_mul(24)),
        per_second => span(ticks, per_second),
    });
    drop(match (array.data_type(), plain) {
        (DataType::Timestamp(_, Some(_)), Ok(_)) => {
            let time = Timestamp::from_duration(span(ticks, per_second));
            match time {
                Ok(time) => write!(out, "\"{time}\""),
                Err(_) => write!(out, "{ticks}"),
            }
        }
        (DataType::Timestamp(_, None), Ok(time)) => write!(out, "\"{time}\""),
        (DataType::Date32 | DataType::Date64, Ok(time)) => write!(out, "\"{}\"", time.date()),
        (_, Ok(time)) => write!(out, "\"{}\"", time.time()),
        (_, Err(_)) => write!(out, "{ticks}"),
    });
}

fn span(ticks: i64, per_second: i64) -> SignedDuration {
    let nanos = ticks.rem_euclid(per_second) * (1_000_000_000 / per_second);
    // Fewer than a second has.
    let nanos = i32::try_from(nanos).unwrap_or(0);
    SignedDuration::new(ticks.div_euclid(per_second), nanos)
}

/// Appends a moment as so many units a second. One that falls between two of
/// them keeps its fraction: it is not rounded here.
fn ticks_of(ticks: i64, per_second: i64, wanted: i64, out: &mut Vec<u8>) {
    let (whole, rest) = match per_second.cmp(&wanted) {
        std::cmp::Ordering::Less => {
            let whole = i128::from(ticks) * i128::from(wanted / per_second);
            (whole, 0)
        }
        _ => {
            let step = per_second / wanted;
            (i128::from(ticks.div_euclid(step)), ticks.rem_euclid(step))
        }
    };
    drop(match rest {
        0 => write!(out, "{whole}"),
        rest => {
            let width = (per_second / wanted).ilog10() as usize;
            let fraction = format!("{rest:0width$}");
            write!(out, "{whole}.{}", fraction.trim_end_matches('0'))
        }
    });
}

/// Appends a float in the fewest digits that are it again. JSON has no words
/// for what is no number: those stay text, which no number is read from.
fn float(value: f64, out: &mut Vec<u8>) {
    drop(match value.is_finite() {
        true => write!(out, "{value:?}"),
        false => write!(out, "\"{value}\""),
    });
}

fn float32(value: f32, out: &mut Vec<u8>) {
    drop(match value.is_finite() {
        true => write!(out, "{value:?}"),
        false => write!(out, "\"{value}\""),
    });
}

/// Appends text, or the JSON that it is. Bytes that are no UTF-8 stay as they
/// are, for the row to be refused like any other of that kind.
fn text(bytes: &[u8], taken: Taken, out: &mut Vec<u8>) {
    if taken == Taken::Json
        && let Ok(token) = std::str::from_utf8(bytes)
        && json::is_value(token)
    {
        return json::write_compact(token, out);
    }
    out.push(b'"');
    json::write_escaped(bytes, out);
    out.push(b'"');
}
