//! JSON: the functions that give one value.

use super::arguments::Arguments;
use crate::error::Error;
use crate::server_text::Utf8;
use pb_compat_core::sqlite::json::{self, Builder, Document, Edit, Operand};
use pb_compat_core::sqlite::{self, Value};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::borrow::Cow;

/// Text, or NULL, or an error.
type Text<'a> = Result<Option<Utf8<'a>>, ErrorReport>;

pub fn pause() {
    pgrx::check_for_interrupts!();
}

pub fn report(error: sqlite::Error) -> ErrorReport {
    Error::from(error).into()
}

fn owned<'a>(text: impl Into<Option<String>>) -> Option<Utf8<'a>> {
    text.into().map(|text| Utf8(text.into()))
}

/// A value as CAST AS TEXT gives it.
fn cast<'a>(value: &Value) -> Option<Utf8<'a>> {
    owned(value.to_text().map(Cow::into_owned))
}

/// Runs a function of the pure part over the arguments of any type.
///
/// # Safety
///
/// `fcinfo` is that of the running call.
unsafe fn call<T>(
    fcinfo: pg_sys::FunctionCallInfo,
    function: impl FnOnce(&Arguments) -> Result<T, sqlite::Error>,
) -> Result<T, ErrorReport> {
    // SAFETY: as the caller promises; the arguments are gone before the call is.
    let arguments = unsafe { Arguments::of(fcinfo) };
    function(&arguments).map_err(report)
}

/// The path at a position; `None` if it is NULL or not there.
fn path<'a>(arguments: &Arguments<'a>, index: usize) -> Option<Cow<'a, str>> {
    if index >= arguments.len() {
        return None;
    }
    arguments.get(index).into_text()
}

/// Reads a document that may have one path behind it; NULL if either is NULL.
///
/// # Safety
///
/// `fcinfo` is that of the running call.
unsafe fn with_path<T>(
    fcinfo: pg_sys::FunctionCallInfo,
    function: impl FnOnce(&Document, Option<&str>) -> Result<Option<T>, sqlite::Error>,
) -> Result<Option<T>, ErrorReport> {
    // SAFETY: as the caller promises.
    unsafe {
        call(fcinfo, |arguments| {
            let value = arguments.get(0);
            let Some(document) = Document::of_value(&value, pause)? else { return Ok(None) };
            let path = path(arguments, 1);
            if arguments.len() > 1 && path.is_none() {
                return Ok(None);
            }
            function(&document, path.as_deref())
        })
    }
}

/// A document of text. It is parsed, and must be JSON, whatever else is NULL.
fn parse(document: Option<Utf8>) -> Result<Option<Document<'static>>, ErrorReport> {
    document.map(|text| Document::of_text(&text.0, pause).map_err(report)).transpose()
}

/// `json("any")`: the document without spaces, in RFC 8259.
#[pg_extern(sql = false)]
fn sqlite_json(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { with_path(fcinfo, |document, _| document.to_text().map(owned)) }
}

/// `json_array(..)`.
#[pg_extern(sql = false)]
fn sqlite_json_array(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe {
        call(fcinfo, |arguments| {
            let mut builder = Builder::array();
            for value in arguments.iter() {
                builder.item(&value, pause)?;
            }
            Ok(owned(builder.finish()))
        })
    }
}

/// `json_object(label, value, ..)`.
#[pg_extern(sql = false)]
fn sqlite_json_object(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe {
        call(fcinfo, |arguments| {
            if !arguments.len().is_multiple_of(2) {
                return Err(sqlite::Error::OddArguments);
            }
            // A wrong label is reported before a wrong value, wherever they are.
            let labels: Vec<_> = (0..arguments.len())
                .step_by(2)
                .map(|index| match arguments.get(index) {
                    Value::Text(label) | Value::Json(label) => Ok(label),
                    _ => Err(sqlite::Error::LabelNotText),
                })
                .collect::<Result<_, _>>()?;
            let mut builder = Builder::object();
            for (index, label) in labels.iter().enumerate() {
                builder.member(label, &arguments.get(2 * index + 1), pause)?;
            }
            Ok(owned(builder.finish()))
        })
    }
}

/// `json_quote("any")`.
#[pg_extern(sql = false)]
fn sqlite_json_quote(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe { call(fcinfo, |arguments| json::quote(&arguments.get(0), pause).map(owned)) }
}

/// `json_extract(text, text)`, which most calls are.
#[pg_extern(sql = false)]
fn sqlite_json_extract_text(document: Option<Utf8>, path: Option<Utf8>) -> Text<'static> {
    let Some(document) = parse(document)? else { return Ok(None) };
    let Some(path) = path else { return Ok(None) };
    Ok(cast(&document.extract(&path.0).map_err(report)?))
}

/// What one path leads to.
type Extract = for<'a> fn(&'a Document<'_>, &str) -> Result<Value<'a>, sqlite::Error>;

/// What `json_extract(..)` gives, and what it is cast to.
fn extract<T>(
    arguments: &Arguments,
    one: Extract,
    cast: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, sqlite::Error> {
    let value = arguments.get(0);
    if arguments.len() < 2 {
        return Ok(None);
    }
    let Some(document) = Document::of_value(&value, pause)? else { return Ok(None) };
    if arguments.len() == 2 {
        let Some(path) = path(arguments, 1) else { return Ok(None) };
        return Ok(cast(&one(&document, &path)?));
    }
    let paths = (1..arguments.len()).map(|index| path(arguments, index));
    let array = document.extract_all(paths, pause)?;
    Ok(array.and_then(|array| cast(&Value::Json(array.into()))))
}

/// `json_extract("any"[, VARIADIC "any"])`.
#[pg_extern(sql = false)]
fn sqlite_json_extract(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe {
        call(fcinfo, |arguments| extract(arguments, |document, path| document.extract(path), cast))
    }
}

/// `json_extract_int("any", VARIADIC "any")`.
#[pg_extern(sql = false)]
fn sqlite_json_extract_int(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<i64>, ErrorReport> {
    let cast = |value: &Value| (*value != Value::Null).then(|| value.as_integer());
    // SAFETY: see sqlite_json.
    unsafe {
        call(fcinfo, |arguments| {
            extract(arguments, |document, path| document.extract_to_cast(path), cast)
        })
    }
}

/// `json_extract_real("any", VARIADIC "any")`.
#[pg_extern(sql = false)]
fn sqlite_json_extract_real(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<f64>, ErrorReport> {
    let cast = |value: &Value| (*value != Value::Null).then(|| value.as_real());
    // SAFETY: see sqlite_json.
    unsafe {
        call(fcinfo, |arguments| {
            extract(arguments, |document, path| document.extract_to_cast(path), cast)
        })
    }
}

fn arrow(document: Option<Utf8>, operand: Option<Operand>) -> Text<'static> {
    let Some(document) = parse(document)? else { return Ok(None) };
    let Some(operand) = operand else { return Ok(None) };
    document.arrow(&operand).map(owned).map_err(report)
}

fn double_arrow(document: Option<Utf8>, operand: Option<Operand>) -> Text<'static> {
    let Some(document) = parse(document)? else { return Ok(None) };
    let Some(operand) = operand else { return Ok(None) };
    Ok(cast(&document.double_arrow(&operand).map_err(report)?))
}

/// `text -> text`.
#[pg_extern(sql = false)]
fn sqlite_json_arrow_text(document: Option<Utf8>, operand: Option<Utf8>) -> Text<'static> {
    arrow(document, operand.as_ref().map(|operand| Operand::Text(&operand.0)))
}

/// `text -> smallint`.
#[pg_extern(sql = false)]
fn sqlite_json_arrow_int2(document: Option<Utf8>, operand: Option<i16>) -> Text<'static> {
    arrow(document, operand.map(Into::into).map(Operand::Integer))
}

/// `text -> integer`.
#[pg_extern(sql = false)]
fn sqlite_json_arrow_int4(document: Option<Utf8>, operand: Option<i32>) -> Text<'static> {
    arrow(document, operand.map(Into::into).map(Operand::Integer))
}

/// `text -> bigint`.
#[pg_extern(sql = false)]
fn sqlite_json_arrow_int8(document: Option<Utf8>, operand: Option<i64>) -> Text<'static> {
    arrow(document, operand.map(Operand::Integer))
}

/// `text ->> text`.
#[pg_extern(sql = false)]
fn sqlite_json_double_arrow_text(document: Option<Utf8>, operand: Option<Utf8>) -> Text<'static> {
    double_arrow(document, operand.as_ref().map(|operand| Operand::Text(&operand.0)))
}

/// `text ->> smallint`.
#[pg_extern(sql = false)]
fn sqlite_json_double_arrow_int2(document: Option<Utf8>, operand: Option<i16>) -> Text<'static> {
    double_arrow(document, operand.map(Into::into).map(Operand::Integer))
}

/// `text ->> integer`.
#[pg_extern(sql = false)]
fn sqlite_json_double_arrow_int4(document: Option<Utf8>, operand: Option<i32>) -> Text<'static> {
    double_arrow(document, operand.map(Into::into).map(Operand::Integer))
}

/// `text ->> bigint`.
#[pg_extern(sql = false)]
fn sqlite_json_double_arrow_int8(document: Option<Utf8>, operand: Option<i64>) -> Text<'static> {
    double_arrow(document, operand.map(Operand::Integer))
}

/// `json_type("any"[, "any"])`.
#[pg_extern(sql = false)]
fn sqlite_json_type(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe {
        with_path(fcinfo, |document, path| {
            Ok(document.kind(path)?.map(|name| Utf8(Cow::Borrowed(name))))
        })
    }
}

/// `json_array_length("any"[, "any"])`.
#[pg_extern(sql = false)]
fn sqlite_json_array_length(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<i64>, ErrorReport> {
    // SAFETY: see sqlite_json.
    unsafe { with_path(fcinfo, |document, path| document.array_length(path)) }
}

/// `json_error_position("any")`.
#[pg_extern(sql = false)]
fn sqlite_json_error_position(
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<Option<i64>, ErrorReport> {
    // SAFETY: see sqlite_json.
    unsafe { call(fcinfo, |arguments| Ok(json::error_position(&arguments.get(0), pause))) }
}

/// `json_pretty("any"[, "any"])`: an indent that is NULL is the usual one.
#[pg_extern(sql = false)]
fn sqlite_json_pretty(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe {
        call(fcinfo, |arguments| {
            let value = arguments.get(0);
            let Some(document) = Document::of_value(&value, pause)? else { return Ok(None) };
            document.to_pretty_text(path(arguments, 1).as_deref()).map(owned)
        })
    }
}

/// A document with changes: paths and values in turn behind it.
fn edit<'a>(
    arguments: &Arguments,
    edit: Edit,
    name: &'static str,
) -> Result<Option<Utf8<'a>>, sqlite::Error> {
    if arguments.len().is_multiple_of(2) {
        return Err(sqlite::Error::EvenArguments(name));
    }
    let value = arguments.get(0);
    let Some(mut document) = Document::of_value(&value, pause)? else { return Ok(None) };
    for index in (1..arguments.len()).step_by(2) {
        pause();
        if let Some(path) = path(arguments, index) {
            document.edit(&path, edit, &arguments.get(index + 1), pause)?;
        }
    }
    document.to_text().map(owned)
}

/// `json_set(..)`.
#[pg_extern(sql = false)]
fn sqlite_json_set(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe { call(fcinfo, |arguments| edit(arguments, Edit::Set, "set")) }
}

/// `json_insert(..)`.
#[pg_extern(sql = false)]
fn sqlite_json_insert(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe { call(fcinfo, |arguments| edit(arguments, Edit::Insert, "insert")) }
}

/// `json_replace(..)`.
#[pg_extern(sql = false)]
fn sqlite_json_replace(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe { call(fcinfo, |arguments| edit(arguments, Edit::Replace, "replace")) }
}

/// `json_array_insert(..)`.
#[pg_extern(sql = false)]
fn sqlite_json_array_insert(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe { call(fcinfo, |arguments| edit(arguments, Edit::ArrayInsert, "array_insert")) }
}

/// `json_remove(..)`.
#[pg_extern(sql = false)]
fn sqlite_json_remove(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe {
        call(fcinfo, |arguments| {
            let value = arguments.get(0);
            let Some(mut document) = Document::of_value(&value, pause)? else { return Ok(None) };
            for index in 1..arguments.len() {
                pause();
                let Some(path) = path(arguments, index) else { return Ok(None) };
                if !document.remove(&path)? {
                    return Ok(None);
                }
            }
            document.to_text().map(owned)
        })
    }
}

/// `json_patch("any", "any")`.
#[pg_extern(sql = false)]
fn sqlite_json_patch(fcinfo: pg_sys::FunctionCallInfo) -> Text<'static> {
    // SAFETY: see sqlite_json.
    unsafe {
        call(fcinfo, |arguments| {
            let (target, patch) = (arguments.get(0), arguments.get(1));
            let Some(target) = Document::of_value(&target, pause)? else { return Ok(None) };
            let Some(patch) = Document::of_value(&patch, pause)? else { return Ok(None) };
            target.patch(&patch, pause).map(owned)
        })
    }
}
