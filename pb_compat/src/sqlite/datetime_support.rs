//! What makes the date functions usable in indexes. They are STABLE, since 'now', 'localtime' and 'utc' may be among
//! their arguments. Where the planner can see that none is, it gets an IMMUTABLE twin of the function.
//!
//! The twin raises an error for those words. So that a query never meets it where SQLite would answer, a value of a
//! column is left to the twin in queries only where its table has an index on expressions, or partitions: there, and in
//! the definitions of indexes, generated columns and the like, the words have no place anyway.

use super::arguments;
use pb_compat_core::sqlite::datetime::{is_current_time, is_zone_modifier};
use pgrx::list::List;
use pgrx::prelude::*;
use pgrx::{Internal, is_a, pg_sys};
use std::ffi::{CStr, c_void};

/// Replaces a call by one of the function's immutable twin, where that is safe.
#[pg_extern(sql = false)]
fn sqlite_datetime_support(request: Internal) -> Internal {
    let answer = request.unwrap().map_or(std::ptr::null_mut(), |request| {
        // SAFETY: the server calls a support function with a pointer to one of its requests, which are nodes.
        unsafe {
            let node: *mut pg_sys::Node = request.cast_mut_ptr();
            if is_a(node, pg_sys::NodeTag::T_SupportRequestSimplify) {
                simplify(&*node.cast())
            } else {
                std::ptr::null_mut()
            }
        }
    });
    Internal::from(Some(pg_sys::Datum::from(answer)))
}

/// # Safety
///
/// The request is the server's.
unsafe fn simplify(request: &pg_sys::SupportRequestSimplify) -> *mut pg_sys::Node {
    // SAFETY: the call and its arguments are nodes of the planner's; names come from the catalog.
    unsafe {
        let call = &*request.fcall;
        if call.funcvariadic {
            return std::ptr::null_mut();
        }
        let name = pg_sys::get_func_name(call.funcid);
        if name.is_null() {
            return std::ptr::null_mut();
        }
        let name = CStr::from_ptr(name);
        let arguments = nodes(call.args);
        let (format, times, modifiers) = match name.to_bytes() {
            b"strftime" => (1, 1, arguments.len().saturating_sub(2)),
            b"timediff" => (0, 2, 0),
            _ => (0, 1, arguments.len().saturating_sub(1)),
        };
        if arguments.len() != format + times + modifiers || arguments.len() == format {
            return std::ptr::null_mut();
        }
        let (times, modifiers) = arguments[format..].split_at(times);
        let safe = times.iter().all(|time| is_safe_time(*time, request.root))
            && modifiers.iter().all(|modifier| is_constant_but(*modifier, is_zone_modifier));
        if !safe {
            return std::ptr::null_mut();
        }
        let twin = twin(name, pg_sys::get_func_namespace(call.funcid));
        if twin == pg_sys::InvalidOid {
            return std::ptr::null_mut();
        }
        let function = pg_sys::makeFuncExpr(
            twin,
            call.funcresulttype,
            call.args,
            call.funccollid,
            call.inputcollid,
            pg_sys::CoercionForm::COERCE_EXPLICIT_CALL,
        );
        (*function).location = call.location;
        if arguments.iter().all(|argument| is_a(*argument, pg_sys::NodeTag::T_Const)) {
            // The twin has no support function, so this comes back with the value.
            return pg_sys::eval_const_expressions(request.root, function.cast());
        }
        function.cast()
    }
}

/// The function of that name with `_immutable` behind it; `InvalidOid` if somebody dropped it.
///
/// # Safety
///
/// `schema` is one.
unsafe fn twin(name: &CStr, schema: pg_sys::Oid) -> pg_sys::Oid {
    let mut twin = name.to_bytes().to_vec();
    twin.extend_from_slice(b"_immutable\0");
    // SAFETY: the name ends with a null character, and is shorter than names can be; a catalog lookup.
    unsafe {
        let any = [pg_sys::ANYOID];
        pg_sys::GetSysCacheOid(
            pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP as i32,
            pg_sys::Anum_pg_proc_oid as i16,
            pg_sys::Datum::from(twin.as_ptr()),
            pg_sys::Datum::from(pg_sys::buildoidvector(any.as_ptr(), 1)),
            pg_sys::Datum::from(schema),
            pg_sys::Datum::null(),
        )
    }
}

/// # Safety
///
/// `list` is a list of nodes, or null.
unsafe fn nodes(list: *mut pg_sys::List) -> Vec<*mut pg_sys::Node> {
    // SAFETY: as the caller promises; the memory context is the current one, in which nothing is allocated here.
    unsafe {
        pgrx::memcx::current_context(|context| {
            List::<*mut c_void>::downcast_ptr_in_memcx(list, context)
                .map_or_else(Vec::new, |list| list.iter().map(|node| node.cast()).collect())
        })
    }
}

/// Whether no value of this type is a word.
fn holds_no_words(oid: pg_sys::Oid) -> bool {
    matches!(
        oid,
        pg_sys::INT2OID
            | pg_sys::INT4OID
            | pg_sys::INT8OID
            | pg_sys::FLOAT4OID
            | pg_sys::FLOAT8OID
            | pg_sys::NUMERICOID
            | pg_sys::BOOLOID
            | pg_sys::DATEOID
            | pg_sys::TIMESTAMPOID
            | pg_sys::TIMESTAMPTZOID
    )
}

/// Whether a time value is none of the words for the current time.
///
/// # Safety
///
/// `node` is an expression of the planner's, `root` what is planned, or null.
unsafe fn is_safe_time(node: *mut pg_sys::Node, root: *mut pg_sys::PlannerInfo) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        if holds_no_words(pg_sys::getBaseType(pg_sys::exprType(node)))
            || is_constant_but(node, is_current_time)
        {
            return true;
        }
        let mut search = Search { root, columns: false };
        !find_doubt(node, (&raw mut search).cast()) && search.columns
    }
}

/// Whether this is a constant and none of the words.
///
/// # Safety
///
/// `node` is an expression of the planner's.
unsafe fn is_constant_but(node: *mut pg_sys::Node, is_word: fn(&[u8]) -> bool) -> bool {
    // SAFETY: a Const is a Const; its value is of its type.
    unsafe {
        if !is_a(node, pg_sys::NodeTag::T_Const) {
            return false;
        }
        let constant = &*node.cast::<pg_sys::Const>();
        if constant.constisnull {
            return true;
        }
        match constant.consttype {
            pg_sys::UNKNOWNOID => {
                !is_word(CStr::from_ptr(constant.constvalue.cast_mut_ptr()).to_bytes())
            }
            pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID | pg_sys::BYTEAOID => {
                arguments::value(constant.constvalue, constant.consttype)
                    .to_bytes()
                    .is_none_or(|text| !is_word(&text))
            }
            other => holds_no_words(other),
        }
    }
}

/// What is looked for in an expression.
struct Search {
    root: *mut pg_sys::PlannerInfo,
    /// Whether it has a column in it.
    columns: bool,
}

/// Whether an expression has a part in it that may give one of the words, and that is no column which cannot.
///
/// # Safety
///
/// `node` is an expression of the planner's, or null; `search` points to a [`Search`].
#[pg_guard]
unsafe extern "C-unwind" fn find_doubt(node: *mut pg_sys::Node, search: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: as the caller promises; each node is read as what its tag says.
    unsafe {
        match (*node).type_ {
            pg_sys::NodeTag::T_Var => {
                let search = &mut *search.cast::<Search>();
                search.columns = true;
                !search.root.is_null() && !is_indexed(&*node.cast(), search.root)
            }
            pg_sys::NodeTag::T_Const => {
                let constant = &*node.cast::<pg_sys::Const>();
                let is_text = matches!(
                    constant.consttype,
                    pg_sys::TEXTOID
                        | pg_sys::VARCHAROID
                        | pg_sys::BPCHAROID
                        | pg_sys::BYTEAOID
                        | pg_sys::UNKNOWNOID
                );
                is_text && !is_constant_but(node, is_current_time)
            }
            pg_sys::NodeTag::T_Param
            | pg_sys::NodeTag::T_SubLink
            | pg_sys::NodeTag::T_SubPlan
            | pg_sys::NodeTag::T_AlternativeSubPlan => true,
            _ => pg_sys::expression_tree_walker(node, Some(find_doubt), search),
        }
    }
}

/// Whether a column is of a table that has an index with expressions, or partitions or other children.
///
/// # Safety
///
/// The column is one of the query that is planned.
unsafe fn is_indexed(column: &pg_sys::Var, mut root: *mut pg_sys::PlannerInfo) -> bool {
    // SAFETY: an outer query's planner state is that of the parent; a column's number counts from 1 in its range table.
    unsafe {
        for _ in 0..column.varlevelsup {
            root = (*root).parent_root;
            if root.is_null() {
                return false;
            }
        }
        let tables = nodes((*(*root).parse).rtable);
        let Some(table) =
            usize::try_from(i64::from(column.varno) - 1).ok().and_then(|at| tables.get(at))
        else {
            return false;
        };
        let table = &*table.cast::<pg_sys::RangeTblEntry>();
        if table.inh {
            return true;
        }
        table.rtekind == pg_sys::RTEKind::RTE_RELATION && has_expression_index(table.relid)
    }
}

/// # Safety
///
/// The planner holds a lock on the table.
unsafe fn has_expression_index(table: pg_sys::Oid) -> bool {
    // SAFETY: the relation cache counts the reference until it is closed; the list is a copy, of oids.
    unsafe {
        let relation = pg_sys::RelationIdGetRelation(table);
        if relation.is_null() {
            return false;
        }
        let indexes = pg_sys::RelationGetIndexList(relation);
        pg_sys::RelationClose(relation);
        pgrx::memcx::current_context(|context| {
            List::<pg_sys::Oid>::downcast_ptr_in_memcx(indexes, context)
                .is_some_and(|indexes| indexes.iter().any(|index| has_expressions(*index)))
        })
    }
}

/// Whether an index has them, as columns or in its condition.
///
/// # Safety
///
/// Called where the catalog can be read.
unsafe fn has_expressions(index: pg_sys::Oid) -> bool {
    // SAFETY: a row of the catalog, which is released.
    unsafe {
        let row = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::INDEXRELID as i32,
            pg_sys::Datum::from(index),
        );
        if row.is_null() {
            return false;
        }
        let has = [pg_sys::Anum_pg_index_indexprs, pg_sys::Anum_pg_index_indpred]
            .into_iter()
            .any(|column| !pg_sys::heap_attisnull(row, column as i32, std::ptr::null_mut()));
        pg_sys::ReleaseSysCache(row);
        has
    }
}
