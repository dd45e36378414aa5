//! A trigger, ready to run: its arguments resolved against the table, kept for the session.

use crate::error::Error;
use crate::options::Options;
use crate::payload::{self, Payload};
use crate::pending::Target;
use crate::template::{self, Part};
use hashbrown::HashMap;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::rc::Rc;

// catalog/partition.h, the same in every supported version; pgrx has no binding for it.
unsafe extern "C-unwind" {
    fn get_partition_ancestors(relid: pg_sys::Oid) -> *mut pg_sys::List;
}

/// How a column becomes text: as its type's output function has it, without calling it where that is easy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Render {
    Int2,
    Int4,
    Int8,
    /// text, varchar, char(n): the bytes themselves.
    Text,
    Output {
        function: pg_sys::Oid,
        /// The text may depend on the session's settings, which a key must not.
        depends_on_settings: bool,
    },
}

#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// From 0, as slots count.
    pub index: usize,
    pub render: Render,
    pub by_value: bool,
    pub length: i16,
}

/// What a key is put together from.
#[derive(Debug)]
pub enum Piece {
    Text(Vec<u8>),
    /// One column as it is.
    Column(Column),
    /// The columns of a composite key.
    Composite(Vec<Column>),
}

#[derive(Debug)]
pub struct Plan {
    relid: pg_sys::Oid,
    root: pg_sys::Oid,
    pub target: Rc<Target>,
    /// One list of pieces for each key that a row has.
    pub keys: Vec<Vec<Piece>>,
    /// Every column in `keys`.
    pub key_columns: Vec<Column>,
    pub only: Option<Vec<Column>>,
    /// How many attributes of a row must be read.
    pub attributes: usize,
    pub max_keys: usize,
    pub needs_fixed_settings: bool,
}

#[derive(Default)]
struct Cache {
    plans: RefCell<HashMap<pg_sys::Oid, Rc<Plan>>>,
    /// Counts the invalidations, so that a plan made while one came in is not kept.
    generation: Cell<u64>,
}

thread_local! {
    static CACHE: Cache = Cache::default();
}

/// Called once per process, when the library is loaded.
pub fn register() {
    // SAFETY: both callbacks stay valid as long as the library, which is never unloaded.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(on_relation_change), pg_sys::Datum::from(0));
        pg_sys::CacheRegisterSyscacheCallback(
            pg_sys::SysCacheIdentifier::NAMESPACEOID as i32,
            Some(on_schema_change),
            pg_sys::Datum::from(0),
        );
    }
}

fn forget(is_stale: impl Fn(&Plan) -> bool) {
    CACHE.with(|cache| {
        cache.generation.set(cache.generation.get() + 1);
        cache.plans.borrow_mut().retain(|_, plan| !is_stale(plan));
    });
}

#[pg_guard]
unsafe extern "C-unwind" fn on_relation_change(_arg: pg_sys::Datum, relid: pg_sys::Oid) {
    forget(|plan| relid == pg_sys::InvalidOid || relid == plan.relid || relid == plan.root);
}

#[pg_guard]
unsafe extern "C-unwind" fn on_schema_change(_arg: pg_sys::Datum, _cache: i32, _hash: u32) {
    forget(|_| true);
}

/// The plan of the trigger that is firing.
///
/// # Safety
/// `trigger` must be the `TriggerData` of the present call.
pub unsafe fn of_trigger(trigger: &pg_sys::TriggerData) -> Result<Rc<Plan>, Error> {
    // SAFETY: the server fills in both pointers before it calls a trigger.
    let (definition, relation) = unsafe { (&*trigger.tg_trigger, trigger.tg_relation) };
    let (known, generation) = CACHE.with(|cache| {
        (cache.plans.borrow().get(&definition.tgoid).cloned(), cache.generation.get())
    });
    if let Some(plan) = known {
        return Ok(plan);
    }
    let arguments = (0..usize::try_from(definition.tgnargs).unwrap_or(0)).map(|i| {
        // SAFETY: tgargs holds tgnargs NUL-terminated strings, which live as long as the relation is open.
        unsafe { CStr::from_ptr(*definition.tgargs.add(i)) }.to_bytes()
    });
    let options = Options::parse(arguments)?;
    // SAFETY: the relation is open for the call.
    let plan = Rc::new(unsafe { build(relation, &options) }?);
    CACHE.with(|cache| {
        if cache.generation.get() == generation {
            cache.plans.borrow_mut().insert(definition.tgoid, Rc::clone(&plan));
        }
    });
    Ok(plan)
}

/// Resolves `options` against a relation.
///
/// # Safety
/// `relation` must be open.
pub unsafe fn build(relation: pg_sys::Relation, options: &Options) -> Result<Plan, Error> {
    // SAFETY: an open relation has its pg_class row.
    let (relid, class) = unsafe { ((*relation).rd_id, &*(*relation).rd_rel) };
    let root = if class.relispartition { root_of(relid) } else { relid };
    let (schema, table) = name_of(root);
    let column = |name: &[u8]| resolve(relid, name);
    let columns = |names: &[Vec<u8>]| names.iter().map(|name| column(name)).collect();

    let templates = match options.payload {
        Payload::Event => vec![vec![Part::Id]],
        Payload::Key | Payload::Json => options
            .templates()
            .iter()
            .map(|template| template::parse(template))
            .collect::<Result<_, _>>()?,
    };
    let id: Vec<Column> = if templates.iter().flatten().any(|part| *part == Part::Id) {
        let names = match &options.key_columns {
            Some(names) => names.clone(),
            // SAFETY: as the caller promises.
            None => unsafe { key_of(relation) }.0,
        };
        if names.is_empty() {
            return Err(Error::NoKey { table: quoted_name(relid) });
        }
        columns(&names)?
    } else {
        vec![]
    };

    let mut keys = Vec::with_capacity(templates.len());
    let mut patterns: Vec<Vec<u8>> = Vec::with_capacity(templates.len());
    for template in templates {
        let mut pieces: Vec<Piece> = Vec::with_capacity(template.len());
        let mut pattern = Vec::new();
        for part in template {
            let piece = match part {
                Part::Literal(text) => Piece::Text(text),
                Part::Table => Piece::Text(table.clone()),
                Part::Schema => Piece::Text(schema.clone()),
                Part::Column(name) => Piece::Column(column(&name)?),
                Part::Id if id.len() == 1 => Piece::Column(id[0]),
                Part::Id => Piece::Composite(id.clone()),
            };
            match &piece {
                Piece::Text(text) => pattern.extend_from_slice(text),
                Piece::Column(_) | Piece::Composite(_) => pattern.push(b'*'),
            }
            match (pieces.last_mut(), piece) {
                (Some(Piece::Text(before)), Piece::Text(text)) => before.extend_from_slice(&text),
                (_, piece) => pieces.push(piece),
            }
        }
        keys.push(pieces);
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    let key_columns: Vec<Column> = keys
        .iter()
        .flatten()
        .flat_map(|piece| match piece {
            Piece::Text(_) => &[],
            Piece::Column(column) => std::slice::from_ref(column),
            Piece::Composite(columns) => columns.as_slice(),
        })
        .copied()
        .collect();
    let only: Option<Vec<Column>> =
        options.only_columns.as_ref().map(|names| columns(names)).transpose()?;
    let attributes = key_columns
        .iter()
        .chain(only.iter().flatten())
        .map(|column| column.index + 1)
        .max()
        .unwrap_or(0);
    let needs_fixed_settings = key_columns
        .iter()
        .any(|column| matches!(column.render, Render::Output { depends_on_settings: true, .. }));
    let json_budget = payload::json_budget(&schema, &table, options.delivery.json_limit());
    Ok(Plan {
        relid,
        root,
        target: Rc::new(Target {
            delivery: options.delivery,
            channel: options.channel.clone(),
            payload: options.payload,
            schema,
            table,
            patterns,
            json_budget,
        }),
        keys,
        key_columns,
        only,
        attributes,
        max_keys: options.max_keys,
        needs_fixed_settings,
    })
}

/// The partitioned table at the top of a partition's tree. No lock is taken: the tree cannot change while one of its
/// members is being written, and a lock on the root here could deadlock with DDL that goes from the top down.
fn root_of(relid: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: reads pg_inherits; the list it returns holds at least the parent, as long as relid is a partition, and is
    // an OID list.
    unsafe {
        let ancestors = pg_sys::ffi::pg_guard_ffi_boundary(|| get_partition_ancestors(relid));
        if ancestors.is_null() || (*ancestors).length < 1 {
            return relid;
        }
        let last = usize::try_from((*ancestors).length - 1).unwrap_or(0);
        let root = (*(*ancestors).elements.add(last)).oid_value;
        pg_sys::list_free(ancestors);
        root
    }
}

/// Schema and name, unquoted.
fn name_of(relid: pg_sys::Oid) -> (Vec<u8>, Vec<u8>) {
    // SAFETY: syscache look-ups that return NULL or a palloc'd string.
    unsafe {
        let text = |name: *mut std::ffi::c_char| {
            if name.is_null() { vec![] } else { CStr::from_ptr(name).to_bytes().to_vec() }
        };
        (
            text(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relid))),
            text(pg_sys::get_rel_name(relid)),
        )
    }
}

/// Schema-qualified and quoted, for messages and for SQL.
pub fn quoted_name(relid: pg_sys::Oid) -> String {
    let (schema, table) = name_of(relid);
    pgrx::spi::quote_qualified_identifier(
        String::from_utf8_lossy(&schema),
        String::from_utf8_lossy(&table),
    )
}

/// The columns of the primary key, else of the replica identity index, and whether it is the primary key. Empty where
/// there is neither.
///
/// # Safety
/// `relation` must be open.
pub unsafe fn key_of(relation: pg_sys::Relation) -> (Vec<Vec<u8>>, bool) {
    let mut replica_identity = Vec::new();
    // SAFETY: the index list is ours to free; a syscache tuple is read before it is released; indkey holds indnatts column
    // numbers, of which the first indnkeyatts are the key, and the primary key and a replica identity have no expressions.
    unsafe {
        let indexes = pg_sys::RelationGetIndexList(relation);
        let count = if indexes.is_null() { 0 } else { (*indexes).length };
        for i in 0..usize::try_from(count).unwrap_or(0) {
            let oid = (*(*indexes).elements.add(i)).oid_value;
            let tuple = pg_sys::SearchSysCache1(
                pg_sys::SysCacheIdentifier::INDEXRELID as i32,
                pg_sys::Datum::from(oid),
            );
            if tuple.is_null() {
                continue;
            }
            let index = pg_sys::heap_tuple_get_struct::<pg_sys::FormData_pg_index>(tuple);
            let names = || {
                let count = usize::try_from((*index).indnkeyatts).unwrap_or(0);
                (*index)
                    .indkey
                    .values
                    .as_slice(count)
                    .iter()
                    .filter(|&&number| number > 0)
                    .map(|&number| {
                        let name = pg_sys::get_attname((*relation).rd_id, number, false);
                        CStr::from_ptr(name).to_bytes().to_vec()
                    })
                    .collect::<Vec<_>>()
            };
            if (*index).indisprimary {
                let names = names();
                pg_sys::ReleaseSysCache(tuple);
                pg_sys::list_free(indexes);
                return (names, true);
            }
            if (*index).indisreplident {
                replica_identity = names();
            }
            pg_sys::ReleaseSysCache(tuple);
        }
        pg_sys::list_free(indexes);
    }
    (replica_identity, false)
}

fn resolve(relid: pg_sys::Oid, name: &[u8]) -> Result<Column, Error> {
    let shown = || String::from_utf8_lossy(name).into_owned();
    let undefined = || Error::UndefinedColumn { table: quoted_name(relid), column: shown() };
    let name = CString::new(name).map_err(|_| undefined())?;
    // SAFETY: the syscache tuple is copied before it is released.
    let attribute = unsafe {
        let tuple = pg_sys::SearchSysCacheAttName(relid, name.as_ptr());
        if tuple.is_null() {
            return Err(undefined());
        }
        let attribute = *pg_sys::heap_tuple_get_struct::<pg_sys::FormData_pg_attribute>(tuple);
        pg_sys::ReleaseSysCache(tuple);
        attribute
    };
    // A system column has a number below 1.
    let Some(index @ 0..) = usize::try_from(attribute.attnum).ok().and_then(|n| n.checked_sub(1))
    else {
        return Err(undefined());
    };
    // ATTRIBUTE_GENERATED_VIRTUAL, since PostgreSQL 18.
    if attribute.attgenerated as u8 == b'v' {
        return Err(Error::VirtualColumn { table: quoted_name(relid), column: shown() });
    }
    Ok(Column {
        index,
        render: render(attribute.atttypid),
        by_value: attribute.attbyval,
        length: attribute.attlen,
    })
}

fn render(declared: pg_sys::Oid) -> Render {
    // SAFETY: syscache look-ups for a type that a column has.
    unsafe {
        let base = pg_sys::getBaseType(declared);
        match base {
            pg_sys::INT2OID => Render::Int2,
            pg_sys::INT4OID => Render::Int4,
            pg_sys::INT8OID => Render::Int8,
            pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => Render::Text,
            _ => {
                let (mut function, mut is_varlena) = (pg_sys::InvalidOid, false);
                pg_sys::getTypeOutputInfo(base, &mut function, &mut is_varlena);
                let fixed = matches!(
                    base,
                    pg_sys::UUIDOID
                        | pg_sys::NUMERICOID
                        | pg_sys::BOOLOID
                        | pg_sys::NAMEOID
                        | pg_sys::OIDOID
                ) || pg_sys::type_is_enum(base);
                Render::Output { function, depends_on_settings: !fixed }
            }
        }
    }
}
