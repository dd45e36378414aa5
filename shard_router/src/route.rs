//! The session's cache: sharded tables, generated functions and their kept plans, thrown away when the server says that
//! something they stand on has changed.
//!
//! The maps are never borrowed across a call into the server, which may deliver invalidations at any time.

use crate::entry::Operation;
use crate::error::Error;
use crate::names::column_of;
use crate::plan::{Kept, Parameters};
use crate::session::with_catalogs;
use crate::shard::Table;
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::rc::Rc;

/// A generated function.
pub struct Function {
    pub table: Rc<Table>,
    /// Its input parameters, in order.
    pub parameters: Vec<Parameter>,
    /// How many of them a call must give a value for; NULL in one of the others stands for the column's default.
    pub required: usize,
    /// The parameters (their indexes) that are the key, in its order.
    pub key: Vec<usize>,
    /// The columns it returns: the row's id for an insert, all of the row for a select.
    pub returns: Vec<String>,
    proc_hash: u32,
    stale: Cell<bool>,
    plans: RefCell<HashMap<PlanKey, Kept>>,
}

pub struct Parameter {
    pub column: String,
    pub type_oid: pg_sys::Oid,
}

/// A kept plan: the relation it names, and which optional parameters it has a value for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanKey {
    pub relation: pg_sys::Oid,
    pub given: u128,
}

#[derive(Default)]
struct Cache {
    tables: HashMap<pg_sys::Oid, Rc<Table>>,
    functions: HashMap<pg_sys::Oid, Rc<Function>>,
    /// Plans of functions that were thrown away. One of them may be running further up the stack, so they are freed only
    /// when the transaction ends.
    retired: Vec<Kept>,
    callbacks: bool,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
    /// Counts the invalidations of relations, so that a load can tell whether it raced with one.
    static CHANGES: Cell<u64> = const { Cell::new(0) };
}

/// How often a load starts over when relations change under it. After that the result serves one call.
const LOAD_ATTEMPTS: usize = 4;

impl Function {
    fn is_stale(&self) -> bool {
        self.stale.get() || self.table.stale.get()
    }

    /// The kept plan for `key`, made by `make` on first use.
    pub fn plan(
        &self,
        key: PlanKey,
        make: impl FnOnce() -> (String, Parameters),
    ) -> Result<pg_sys::SPIPlanPtr, ErrorReport> {
        if let Some(kept) = self.plans.borrow().get(&key) {
            return Ok(kept.plan);
        }
        let (sql, parameters) = make();
        let kept = Kept::new(&sql, parameters)?;
        let plan = kept.plan;
        self.plans.borrow_mut().insert(key, kept);
        Ok(plan)
    }

    fn load(oid: pg_sys::Oid, operation: Operation) -> Result<Self, ErrorReport> {
        let row = with_catalogs(|| {
            spi::select_first(
                "SELECT t.tbl::oid, t.kind, p.oid::regprocedure::text, p.pronargs, p.pronargdefaults, p.proargtypes::oid[],
                        p.proargnames, p.proallargtypes, p.proargmodes::text[], p.prorettype
                   FROM pg_proc AS p
                   JOIN pg_namespace AS n ON n.oid = p.pronamespace
                   LEFT JOIN shard_router.table_functions AS t
                          ON t.function_schema = n.nspname AND t.function_name = p.proname
                  WHERE p.oid = $1",
                &[oid.into()],
                |row| {
                    Ok((
                        row.get::<pg_sys::Oid>(1)?,
                        row.get::<String>(2)?,
                        row.get::<String>(3)?.unwrap_or_default(),
                        row.get::<i16>(4)?.unwrap_or_default(),
                        row.get::<i16>(5)?.unwrap_or_default(),
                        row.get::<Vec<pg_sys::Oid>>(6)?.unwrap_or_default(),
                        row.get::<Vec<String>>(7)?.unwrap_or_default(),
                        row.get::<Vec<pg_sys::Oid>>(8)?.unwrap_or_default(),
                        row.get::<Vec<String>>(9)?.unwrap_or_default(),
                        row.get::<pg_sys::Oid>(10)?.unwrap_or(pg_sys::InvalidOid),
                    ))
                },
            )
        })?;
        let Some((table, kind, function, inputs, defaults, types, names, all, modes, result)) = row
        else {
            return Err(Error::StrayFunction { function: oid.to_u32().to_string() }.into());
        };
        let Some(table) = table.filter(|_| kind.as_deref() == Some(operation.kind())) else {
            return Err(Error::StrayFunction { function }.into());
        };
        let table = self::table(table)?;
        // The function's owner can rename it, and the table's can change a column's type: every type is checked against
        // the column it stands for before a datum is taken for one.
        let stale = |why: String| -> ErrorReport {
            Error::StaleFunction { function: function.clone(), table: table.name.clone(), why }
                .into()
        };
        let column = |parameter: Option<&str>, type_oid: pg_sys::Oid| {
            let parameter = parameter.unwrap_or_default();
            let column = table
                .columns
                .iter()
                .find(|column| column.name == parameter)
                .ok_or_else(|| stale(format!("There is no column \"{parameter}\".")))?;
            if !fits(column.type_oid, type_oid) {
                return Err(stale(format!("Column \"{parameter}\" has another type.")));
            }
            Ok(column.name.clone())
        };
        let inputs = usize::try_from(inputs).unwrap_or_default();
        let parameters = types
            .iter()
            .enumerate()
            .map(|(i, &type_oid)| {
                let named = names.get(i).map(String::as_str).and_then(column_of);
                Ok(Parameter { column: column(named, type_oid)?, type_oid })
            })
            .collect::<Result<Vec<_>, ErrorReport>>()?;
        let key = table
            .key_names()
            .map(|column| {
                parameters.iter().position(|parameter| parameter.column == column).ok_or_else(
                    || {
                        stale(format!(
                            "No parameter stands for column \"{column}\" of the shard key."
                        ))
                    },
                )
            })
            .collect::<Result<Vec<_>, ErrorReport>>()?;
        let returns = match operation {
            Operation::Table if result == pg_sys::TEXTOID => Vec::new(),
            Operation::Insert => {
                let id = with_catalogs(|| crate::functions::id_column(&table))?;
                vec![column(Some(&id), result)?]
            }
            Operation::Select => modes
                .iter()
                .enumerate()
                .filter(|(_, mode)| *mode == "t")
                .map(|(i, _)| {
                    let type_oid = all.get(i).copied().unwrap_or(pg_sys::InvalidOid);
                    column(names.get(i).map(String::as_str), type_oid)
                })
                .collect::<Result<_, _>>()?,
            Operation::Table => return Err(stale("It does not return text.".into())),
        };
        // SAFETY: PROCOID is keyed by one OID.
        let proc_hash = unsafe { proc_hash(oid) };
        Ok(Self {
            required: inputs.saturating_sub(usize::try_from(defaults).unwrap_or_default()),
            table,
            parameters,
            key,
            returns,
            proc_hash,
            stale: Cell::new(false),
            plans: RefCell::default(),
        })
    }
}

/// Whether a value of type `given` can stand for a column of type `column`: it is the same, or what a domain is one of,
/// which the server turns into the domain.
fn fits(column: pg_sys::Oid, given: pg_sys::Oid) -> bool {
    // SAFETY: look-ups of catalog rows.
    column == given || unsafe { pg_sys::getBaseType(column) == given }
}

/// The table, from the cache if it is there and still true.
pub fn table(oid: pg_sys::Oid) -> Result<Rc<Table>, ErrorReport> {
    register_callbacks();
    if let Some(table) = CACHE.with_borrow(|cache| cache.tables.get(&oid).cloned())
        && !table.stale.get()
    {
        return Ok(table);
    }
    let table = Rc::new(load_steadily(|| Table::load(oid), |table| &table.stale)?);
    CACHE.with_borrow_mut(|cache| cache.tables.insert(oid, Rc::clone(&table)));
    Ok(table)
}

/// The generated function, from the cache if it is there and still true.
pub fn function(oid: pg_sys::Oid, operation: Operation) -> Result<Rc<Function>, ErrorReport> {
    if let Some(function) = CACHE.with_borrow(|cache| cache.functions.get(&oid).cloned())
        && !function.is_stale()
    {
        return Ok(function);
    }
    register_callbacks();
    let function =
        Rc::new(load_steadily(|| Function::load(oid, operation), |function| &function.stale)?);
    CACHE.with_borrow_mut(|cache| {
        if let Some(old) = cache.functions.insert(oid, Rc::clone(&function)) {
            cache.retired.extend(old.plans.take().into_values());
        }
    });
    Ok(function)
}

/// Whether the function is still what the cache would give.
#[must_use]
pub fn is_current(function: &Function) -> bool {
    !function.is_stale()
}

/// Loads until nothing changed meanwhile; what could not be had that way is marked stale, so the next call loads again.
fn load_steadily<T>(
    load: impl Fn() -> Result<T, ErrorReport>,
    stale: impl Fn(&T) -> &Cell<bool>,
) -> Result<T, ErrorReport> {
    let mut attempt = 1;
    loop {
        let before = CHANGES.get();
        let loaded = load()?;
        if CHANGES.get() == before {
            return Ok(loaded);
        }
        if attempt == LOAD_ATTEMPTS {
            stale(&loaded).set(true);
            return Ok(loaded);
        }
        attempt += 1;
    }
}

/// # Safety
/// Needs a running transaction.
unsafe fn proc_hash(oid: pg_sys::Oid) -> u32 {
    let none = pg_sys::Datum::from(0);
    // SAFETY: PROCOID is keyed by one OID.
    unsafe {
        pg_sys::GetSysCacheHashValue(
            pg_sys::SysCacheIdentifier::PROCOID as c_int,
            pg_sys::Datum::from(oid),
            none,
            none,
            none,
        )
    }
}

fn register_callbacks() {
    if CACHE.with_borrow(|cache| cache.callbacks) {
        return;
    }
    let none = pg_sys::Datum::from(0);
    // SAFETY: the callbacks live in this library, which is never unloaded; each is registered once.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), none);
        let procedures = pg_sys::SysCacheIdentifier::PROCOID as c_int;
        pg_sys::CacheRegisterSyscacheCallback(procedures, Some(catalog_changed), none);
        let schemas = pg_sys::SysCacheIdentifier::NAMESPACEOID as c_int;
        pg_sys::CacheRegisterSyscacheCallback(schemas, Some(catalog_changed), none);
        pg_sys::RegisterXactCallback(Some(transaction_ended), std::ptr::null_mut());
    }
    CACHE.with_borrow_mut(|cache| cache.callbacks = true);
}

/// A relation has changed, or, without an OID, any may have.
#[pg_guard]
unsafe extern "C-unwind" fn relation_changed(_arg: pg_sys::Datum, relation: pg_sys::Oid) {
    CHANGES.set(CHANGES.get() + 1);
    CACHE.with_borrow(|cache| {
        for table in cache.tables.values() {
            if relation == pg_sys::InvalidOid || table.concerns(relation) {
                table.stale.set(true);
            }
        }
    });
}

/// A function or a schema has changed: hash 0 means that any may have. A schema's new name is in no plan.
#[pg_guard]
unsafe extern "C-unwind" fn catalog_changed(_arg: pg_sys::Datum, cache_id: c_int, hash: u32) {
    let procedures = cache_id == pg_sys::SysCacheIdentifier::PROCOID as c_int;
    CACHE.with_borrow(|cache| {
        for function in cache.functions.values() {
            if !procedures || hash == 0 || hash == function.proc_hash {
                function.stale.set(true);
            }
        }
        if !procedures {
            for table in cache.tables.values() {
                table.stale.set(true);
            }
        }
    });
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ended(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    if event != pg_sys::XactEvent::XACT_EVENT_COMMIT && event != pg_sys::XactEvent::XACT_EVENT_ABORT
    {
        return;
    }
    for kept in CACHE.with_borrow_mut(|cache| std::mem::take(&mut cache.retired)) {
        kept.free();
    }
}
