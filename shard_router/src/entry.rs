//! The entry points behind the generated functions, which are declared `LANGUAGE c` with one of these symbols.
//!
//! Each call has two parts. The first finds the shard and the kept plan; it is ordinary Rust under pgrx's guard. The second
//! runs the plan, and there an error of the server must reach the client as it is, with its constraint, table and column
//! names. pgrx's wrappers would catch it, keep half of its fields and raise it anew; so the second part calls the server
//! directly and holds nothing that would have to be dropped: a longjmp over such frames is sound (RFC 2945, "plain old
//! frames"). That spares a setjmp for each call into the server, too.

use crate::error::Error;
use crate::key::Given;
use crate::plan::{NextValue, Parameters, checked_as, require_some_right, stands_in};
use crate::route::{self, Function, PlanKey};
use crate::session::quote;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pg_sys::submodules::panic::pgrx_extern_c_guard;
use std::ffi::{c_char, c_int, c_long};
use std::rc::Rc;

/// What a generated function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Table,
    Insert,
    Select,
}

impl Operation {
    pub const ALL: [Self; 3] = [Self::Table, Self::Insert, Self::Select];

    /// As the registry writes it.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Insert => "insert",
            Self::Select => "select",
        }
    }

    /// The library's symbol.
    #[must_use]
    pub fn symbol(self) -> String {
        format!("route_{}", self.kind())
    }

    /// What the server locks a table for.
    fn lock(self) -> pg_sys::LOCKMODE {
        let mode = match self {
            Self::Insert => pg_sys::RowExclusiveLock,
            Self::Table | Self::Select => pg_sys::AccessShareLock,
        };
        mode as pg_sys::LOCKMODE
    }
}

/// The server's functions without pgrx's guard: an error in one jumps to the caller of the entry point. See above for what
/// that asks of whoever calls them.
pub(crate) mod unguarded {
    use super::*;

    unsafe extern "C-unwind" {
        pub fn SPI_connect() -> c_int;
        pub fn SPI_finish() -> c_int;
        pub fn SPI_execute_plan_extended(
            plan: pg_sys::SPIPlanPtr,
            options: *const pg_sys::SPIExecuteOptions,
        ) -> c_int;
        pub fn SPI_getbinval(
            tuple: pg_sys::HeapTuple,
            desc: pg_sys::TupleDesc,
            column: c_int,
            is_null: *mut bool,
        ) -> pg_sys::Datum;
        pub fn SPI_datumTransfer(
            value: pg_sys::Datum,
            by_value: bool,
            length: c_int,
        ) -> pg_sys::Datum;
        pub fn CreateDestReceiver(dest: pg_sys::CommandDest::Type) -> *mut pg_sys::DestReceiver;
        // Not among pgrx's bindings (executor/tstoreReceiver.h).
        pub fn SetTuplestoreDestReceiverParams(
            receiver: *mut pg_sys::DestReceiver,
            store: *mut pg_sys::Tuplestorestate,
            context: pg_sys::MemoryContext,
            detoast: bool,
            target: pg_sys::TupleDesc,
            map_failure: *const c_char,
        );
        pub fn tuplestore_begin_heap(
            random_access: bool,
            across_transactions: bool,
            max_kilobytes: c_int,
        ) -> *mut pg_sys::Tuplestorestate;
        pub fn tuplestore_puttuple(store: *mut pg_sys::Tuplestorestate, tuple: pg_sys::HeapTuple);
        pub fn tuplestore_end(store: *mut pg_sys::Tuplestorestate);
        pub fn SPI_execute_extended(
            sql: *const c_char,
            options: *const pg_sys::SPIExecuteOptions,
        ) -> c_int;
        pub fn SPI_register_relation(relation: pg_sys::EphemeralNamedRelation) -> c_int;
        pub fn SPI_cursor_fetch(portal: pg_sys::Portal, forward: bool, count: c_long);
        pub fn SPI_freetuptable(table: *mut pg_sys::SPITupleTable);
        pub fn CreateTupleDescCopy(desc: pg_sys::TupleDesc) -> pg_sys::TupleDesc;
    }
}

/// The server calls a function in language C only if the library says which calling convention it follows.
macro_rules! entry_point {
    ($info:ident) => {
        #[unsafe(no_mangle)]
        #[doc(hidden)]
        pub extern "C" fn $info() -> &'static pg_sys::Pg_finfo_record {
            const VERSION_1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
            &VERSION_1
        }
    };
}
pub(crate) use entry_point;

entry_point!(pg_finfo_route_table);
entry_point!(pg_finfo_route_insert);
entry_point!(pg_finfo_route_select);

/// As many arguments as a function can have (`FUNC_MAX_ARGS`).
const MAX_ARGUMENTS: usize = pg_sys::FUNC_MAX_ARGS as usize;

/// All that the second part of an insert needs; plain data.
#[derive(Clone, Copy)]
struct InsertCall {
    plan: pg_sys::SPIPlanPtr,
    parameters: pg_sys::ParamListInfo,
}

/// All that the second part of a select needs; plain data.
#[derive(Clone, Copy)]
struct SelectCall {
    plan: pg_sys::SPIPlanPtr,
    parameters: pg_sys::ParamListInfo,
    result: *mut pg_sys::ReturnSetInfo,
    /// Where the result must live.
    context: pg_sys::MemoryContext,
    max_kilobytes: c_int,
}

/// `get_<entity>_table`: the name of the shard that holds a key's rows, with its schema unless the search path finds it.
///
/// # Safety
/// Called by the server only.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn route_table(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the outermost Rust frame of a call by the server, with nothing to drop.
    unsafe {
        pgrx_extern_c_guard(|| {
            let (function, shard) = target(fcinfo, Operation::Table).unwrap_or_report();
            // regclassout writes the name as SQL reads it back.
            let name = pg_sys::OidFunctionCall1Coll(
                pg_sys::Oid::from(pg_sys::F_REGCLASSOUT),
                pg_sys::InvalidOid,
                pg_sys::Datum::from(function.table.shards[shard].oid),
            );
            pg_sys::Datum::from(pg_sys::cstring_to_text(name.cast_mut_ptr()))
        })
    }
}

/// `insert_<entity>`: one row into its shard; returns its id.
///
/// # Safety
/// Called by the server only.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn route_insert(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the outermost Rust frame of a call by the server, with nothing to drop.
    let call = unsafe { pgrx_extern_c_guard(|| insert_call(fcinfo).unwrap_or_report()) };
    // SAFETY: only plain data is alive from here on. SPI is connected and finished in pairs, unless an error ends the
    // transaction, which cleans up after it. The plan returns one column, and the row is read before SPI_finish frees it.
    unsafe {
        unguarded::SPI_connect();
        let mut options: pg_sys::SPIExecuteOptions = std::mem::zeroed();
        options.params = call.parameters;
        check(unguarded::SPI_execute_plan_extended(call.plan, &options));
        let rows = pg_sys::SPI_tuptable;
        let mut id = pg_sys::Datum::from(0);
        let mut is_null = true;
        // A BEFORE trigger may have swallowed the row.
        if pg_sys::SPI_processed > 0 && !rows.is_null() {
            let desc = (*rows).tupdesc;
            id = unguarded::SPI_getbinval(*(*rows).vals, desc, 1, &mut is_null);
            if !is_null {
                let (by_value, length) = first_column(desc);
                id = unguarded::SPI_datumTransfer(id, by_value, length);
            }
        }
        unguarded::SPI_finish();
        (*fcinfo).isnull = is_null;
        id
    }
}

/// `get_<table>_by_<owner>`: the rows of a key.
///
/// # Safety
/// Called by the server only.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn route_select(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the outermost Rust frame of a call by the server, with nothing to drop.
    let call = unsafe { pgrx_extern_c_guard(|| select_call(fcinfo).unwrap_or_report()) };
    // SAFETY: only plain data is alive from here on. The rows go from the plan into a tuplestore that lives in the query's
    // context, as materialize mode asks for, without a copy in between.
    unsafe {
        let outside = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = call.context;
        let random_access = (*call.result).allowedModes
            & pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random as c_int
            != 0;
        let store = unguarded::tuplestore_begin_heap(random_access, false, call.max_kilobytes);
        pg_sys::CurrentMemoryContext = outside;
        (*call.result).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
        (*call.result).setResult = store;

        unguarded::SPI_connect();
        let receiver = unguarded::CreateDestReceiver(pg_sys::CommandDest::DestTuplestore);
        unguarded::SetTuplestoreDestReceiverParams(
            receiver,
            store,
            call.context,
            false,
            std::ptr::null_mut(),
            std::ptr::null(),
        );
        let mut options: pg_sys::SPIExecuteOptions = std::mem::zeroed();
        options.params = call.parameters;
        options.read_only = true;
        options.dest = receiver;
        check(unguarded::SPI_execute_plan_extended(call.plan, &options));
        unguarded::SPI_finish();
        (*fcinfo).isnull = true;
        pg_sys::Datum::from(0)
    }
}

/// Raises what SPI returns as a code instead of raising it: mistakes of its caller.
///
/// # Safety
/// Called from an entry point with nothing to drop.
pub(crate) unsafe fn check(code: c_int) {
    if code < 0 {
        // SAFETY: as the caller promises.
        unsafe {
            pgrx_extern_c_guard(|| {
                Err::<(), _>(ErrorReport::from(Error::Internal {
                    what: format!("SPI's code {code}"),
                }))
                .unwrap_or_report()
            })
        }
    }
}

/// How a tuple descriptor's first column is passed.
///
/// # Safety
/// `desc` must have a column.
unsafe fn first_column(desc: pg_sys::TupleDesc) -> (bool, c_int) {
    // SAFETY: as the caller promises.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        let attribute = (*desc).attrs.as_ptr();
        #[cfg(feature = "pg18")]
        let attribute = (*desc).compact_attrs.as_ptr();
        ((*attribute).attbyval, c_int::from((*attribute).attlen))
    }
}

/// The function that is being called and the shard (its index) of its key, both locked against change: the table before the
/// shard, as every statement on the table does.
///
/// # Safety
/// `fcinfo` must be the call's own, of a function that is declared with the entry point of `operation`.
unsafe fn target(
    fcinfo: pg_sys::FunctionCallInfo,
    operation: Operation,
) -> Result<(Rc<Function>, usize), ErrorReport> {
    // SAFETY: the server sets flinfo for every call by name.
    let oid = unsafe { (*(*fcinfo).flinfo).fn_oid };
    loop {
        let function = route::function(oid, operation)?;
        let table = &function.table;
        // SAFETY: the function's parameters are what `function` has read of the same pg_proc row.
        let arguments = unsafe { arguments(fcinfo) };
        if function.key.iter().any(|&index| arguments.get(index).is_none_or(|key| key.isnull)) {
            return Err(Error::NullKey.into());
        }
        lock(table.oid, operation);
        if !route::is_current(&function) {
            continue;
        }
        let values = function.key.iter().map(|&index| Given {
            value: arguments[index].value,
            type_oid: function.parameters[index].type_oid,
        });
        // SAFETY: the arguments are not null and of their parameters' types.
        let (number, shard) = unsafe { table.locate(values)? };
        let Some(shard) = shard else { return Err(table.missing(number)) };
        lock(shard.oid, operation);
        if !route::is_current(&function) {
            continue;
        }
        let index = table
            .shards
            .iter()
            .position(|other| other.oid == shard.oid)
            .ok_or_else(|| table.missing(number))?;
        return Ok((function, index));
    }
}

fn lock(relation: pg_sys::Oid, operation: Operation) {
    // SAFETY: takes a lock until the transaction ends, as a statement on the relation does; any OID may be locked.
    unsafe { pg_sys::LockRelationOid(relation, operation.lock()) };
}

/// # Safety
/// `fcinfo` must be a call's own.
unsafe fn arguments<'a>(fcinfo: pg_sys::FunctionCallInfo) -> &'a [pg_sys::NullableDatum] {
    // SAFETY: the server sets `nargs` and as many arguments, which outlive the call.
    unsafe { std::slice::from_raw_parts((*fcinfo).args.as_ptr(), (*fcinfo).nargs as usize) }
}

/// First part of an insert.
///
/// # Safety
/// As for [`target`].
unsafe fn insert_call(fcinfo: pg_sys::FunctionCallInfo) -> Result<InsertCall, ErrorReport> {
    // SAFETY: the name is NUL-terminated.
    unsafe { pg_sys::PreventCommandDuringRecovery(c"INSERT".as_ptr()) };
    // SAFETY: as the caller promises.
    let (function, shard) = unsafe { target(fcinfo, Operation::Insert)? };
    let table = &function.table;
    let shard = &table.shards[shard];
    // SAFETY: as the caller promises.
    let arguments = unsafe { arguments(fcinfo) };

    // The parameters that the statement has: an optional one that is NULL leaves its column to the default.
    let mut used = [0_usize; MAX_ARGUMENTS];
    let mut count = 0;
    let mut given = 0_u128;
    for (i, argument) in arguments.iter().enumerate().take(function.parameters.len()) {
        if argument.isnull && i >= function.required {
            continue;
        }
        used[count] = i;
        given |= 1 << i;
        count += 1;
    }
    let used = &used[..count];
    let parameters = parameter_list(count);
    for (at, &i) in used.iter().enumerate() {
        // SAFETY: there are `count` of them, and an argument is of its parameter's type.
        unsafe { set_parameter(parameters, at, arguments[i], function.parameters[i].type_oid) };
    }

    let direct = table.insert_is_plain
        && shard.insert_like_parent
        && stands_in(table, shard, pg_sys::ACL_INSERT | pg_sys::ACL_SELECT);
    if !direct {
        require_some_right(table, &[pg_sys::ACL_INSERT, pg_sys::ACL_SELECT])?;
    }
    let relation = if direct { shard.oid } else { table.oid };
    let plan = function.plan(PlanKey { relation, given }, || {
        let mut columns: Vec<_> =
            used.iter().map(|&i| quote(&function.parameters[i].column)).collect();
        let mut sequences = Vec::new();
        if direct && SHARDS_LACK_IDENTITY {
            for column in &table.columns {
                if let Some(sequence) = column.identity_sequence {
                    columns.push(quote(&column.name));
                    sequences.push(NextValue { sequence, type_oid: column.type_oid });
                }
            }
        }
        let values: Vec<_> = (1..=columns.len()).map(|i| format!("${i}")).collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({}) RETURNING {}",
            if direct { &shard.name } else { &table.name },
            columns.join(", "),
            values.join(", "),
            quote(&function.returns[0])
        );
        let types = used.iter().map(|&i| function.parameters[i].type_oid).collect();
        let checked_as = if direct { checked_as(shard) } else { None };
        (sql, Parameters { types, sequences, checked_as })
    })?;
    Ok(InsertCall { plan, parameters })
}

/// Before 17 an identity column of a partitioned table is none in its partitions.
const SHARDS_LACK_IDENTITY: bool = cfg!(any(feature = "pg14", feature = "pg15", feature = "pg16"));

/// First part of a select.
///
/// # Safety
/// As for [`target`].
unsafe fn select_call(fcinfo: pg_sys::FunctionCallInfo) -> Result<SelectCall, ErrorReport> {
    // SAFETY: resultinfo is null or a node; a ReturnSetInfo is what its tag says.
    let result = unsafe {
        let node = (*fcinfo).resultinfo;
        if node.is_null() || (*node).type_ != pg_sys::NodeTag::T_ReturnSetInfo {
            return Err(Error::NoSetExpected.into());
        }
        node.cast::<pg_sys::ReturnSetInfo>()
    };
    // SAFETY: checked above.
    if unsafe { (*result).allowedModes } & pg_sys::SetFunctionReturnMode::SFRM_Materialize as c_int
        == 0
    {
        return Err(Error::NoSetExpected.into());
    }
    // SAFETY: as the caller promises.
    let (function, shard) = unsafe { target(fcinfo, Operation::Select)? };
    let table = &function.table;
    let shard = &table.shards[shard];
    let direct = shard.select_like_parent && stands_in(table, shard, pg_sys::ACL_SELECT);
    if !direct {
        require_some_right(table, &[pg_sys::ACL_SELECT])?;
    }
    let key = || function.key.iter().map(|&index| (index, &function.parameters[index]));
    let relation = if direct { shard.oid } else { table.oid };
    let plan = function.plan(PlanKey { relation, given: 0 }, || {
        let columns: Vec<_> = function.returns.iter().map(|column| quote(column)).collect();
        let conditions: Vec<_> = key()
            .zip(&table.key)
            .enumerate()
            .map(|(n, ((_, parameter), part))| {
                format!("{} {} ${}", quote(&parameter.column), part.equality, n + 1)
            })
            .collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {}",
            columns.join(", "),
            if direct { &shard.name } else { &table.name },
            conditions.join(" AND ")
        );
        let types = key().map(|(_, parameter)| parameter.type_oid).collect();
        let checked_as = if direct { checked_as(shard) } else { None };
        (sql, Parameters { types, sequences: Vec::new(), checked_as })
    })?;
    let parameters = parameter_list(function.key.len());
    // SAFETY: there are as many parameters as key columns, each of its argument's type; the call's econtext is set for every
    // set-returning call.
    unsafe {
        for (at, (index, described)) in key().enumerate() {
            set_parameter(parameters, at, arguments(fcinfo)[index], described.type_oid);
        }
        Ok(SelectCall {
            plan,
            parameters,
            result,
            context: (*(*result).econtext).ecxt_per_query_memory,
            max_kilobytes: pg_sys::work_mem,
        })
    }
}

/// Room for the parameters of a statement, to be filled with [`set_parameter`].
fn parameter_list(count: usize) -> pg_sys::ParamListInfo {
    // SAFETY: allocates in the call's memory context; a function's arguments are few.
    unsafe { pg_sys::makeParamList(count as c_int) }
}

/// # Safety
/// The list must have been made for more than `at` parameters, and the value must be of the type.
unsafe fn set_parameter(
    list: pg_sys::ParamListInfo,
    at: usize,
    value: pg_sys::NullableDatum,
    type_oid: pg_sys::Oid,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let parameter = (*list).params.as_mut_ptr().add(at);
        (*parameter).value = value.value;
        (*parameter).isnull = value.isnull;
        (*parameter).pflags = pg_sys::PARAM_FLAG_CONST as u16;
        (*parameter).ptype = type_oid;
    }
}

#[cfg(feature = "pg_test")]
#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    fn setup() {
        Spi::run(
            "SET client_min_messages = warning;
             CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY, user_id int, status text CONSTRAINT short CHECK (length(status) < 9));
             SELECT shard_router.create_sharded_table('orders', 'user_id', 4, 'modulo')",
        )
        .unwrap();
    }

    fn text(sql: &str) -> Option<String> {
        Spi::get_one(sql).unwrap()
    }

    #[pg_test]
    fn one_plan_for_each_shard_and_operation() {
        setup();
        let plans = || {
            Spi::get_one::<i64>(
                "SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'CachedPlanSource' AND ident LIKE 'INSERT INTO public.orders%'",
            )
            .unwrap()
        };
        Spi::run("SELECT insert_order(u, 'x') FROM generate_series(0, 99) AS u").unwrap();
        assert_eq!(plans(), Some(4));
        Spi::run("SELECT insert_order(u, NULL) FROM generate_series(0, 99) AS u").unwrap();
        assert_eq!(plans(), Some(4));
    }

    #[pg_test]
    fn a_constraint_keeps_its_name_through_an_exception_block() {
        setup();
        Spi::run(
            "CREATE FUNCTION failing() RETURNS text LANGUAGE plpgsql AS $$
             DECLARE c text; t text;
             BEGIN
                 PERFORM insert_order(6, 'far too long');
                 RETURN 'no error';
             EXCEPTION WHEN check_violation THEN
                 GET STACKED DIAGNOSTICS c = CONSTRAINT_NAME, t = TABLE_NAME;
                 RETURN c || ' of ' || t;
             END $$",
        )
        .unwrap();
        // Again and again: an error that jumps out must leave nothing behind that the next call trips over.
        for _ in 0..100 {
            assert_eq!(text("SELECT failing()").as_deref(), Some("short of orders_2"));
        }
        assert_eq!(text("SELECT insert_order(6, 'fits')::text").as_deref(), Some("101"));
    }

    #[pg_test]
    fn a_trigger_may_change_the_shards_under_the_running_insert() {
        setup();
        Spi::run(
            "CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF NEW.status = 'change' THEN
                     CREATE INDEX ON orders_0 (status);
                     PERFORM insert_order(3, 'inner');
                 END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER change BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION change()",
        )
        .unwrap();
        Spi::run("SELECT insert_order(1, 'change') FROM generate_series(1, 20)").unwrap();
        assert_eq!(
            text("SELECT string_agg(concat_ws(' ', status, n), ', ' ORDER BY status) FROM (SELECT status, count(*) AS n FROM orders GROUP BY 1) AS c")
                .as_deref(),
            Some("change 20, inner 20")
        );
    }
}
