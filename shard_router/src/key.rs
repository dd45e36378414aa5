//! Shard keys: which types they have and what they hash to.

use crate::bounds::{PARTITION_SEED, combine, key_hash_for};
use crate::error::Error;
use pgrx::datum::AnyElement;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{FromDatum, pg_sys};

/// How a key becomes a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// PostgreSQL's own partition hash.
    Hash,
    /// The key itself, divided by the number of shards.
    Modulo,
}

impl Strategy {
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "hash" => Ok(Self::Hash),
            "modulo" => Ok(Self::Modulo),
            other => Err(Error::UnknownStrategy { given: other.to_owned() }),
        }
    }

    /// The key types, as an error names them.
    #[must_use]
    pub fn types(self) -> &'static str {
        match self {
            Self::Hash => {
                "smallint, integer, bigint, text, varchar, uuid, numeric, date or timestamptz"
            }
            Self::Modulo => "smallint, integer or bigint",
        }
    }

    #[must_use]
    pub fn accepts(self, type_oid: pg_sys::Oid) -> bool {
        match self {
            Self::Hash => family(type_oid).is_some(),
            Self::Modulo => family(type_oid) == Some(pg_sys::INT8OID),
        }
    }
}

/// Types whose equal values hash alike share a family; a key may be given in any type of its column's family.
fn family(type_oid: pg_sys::Oid) -> Option<pg_sys::Oid> {
    match type_oid {
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => Some(pg_sys::INT8OID),
        pg_sys::TEXTOID | pg_sys::VARCHAROID => Some(pg_sys::TEXTOID),
        pg_sys::UUIDOID | pg_sys::NUMERICOID | pg_sys::DATEOID | pg_sys::TIMESTAMPTZOID => {
            Some(type_oid)
        }
        _ => None,
    }
}

/// Whether a value of type `given` can be the key of a column of type `column`.
#[must_use]
pub fn same_family(column: pg_sys::Oid, given: pg_sys::Oid) -> bool {
    column == given || family(column).is_some_and(|found| family(given) == Some(found))
}

/// One value of a key, not null.
#[derive(Clone, Copy)]
pub struct Given {
    pub value: pg_sys::Datum,
    pub type_oid: pg_sys::Oid,
}

/// How one column of a key is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// By the strategy, for one of its key types; another type of the same family hashes alike.
    Strategy(Strategy),
    /// By the hash function of an operator class that is none of those, for the column's own type.
    Class { function: pg_sys::Oid },
}

/// One column of a table's key.
pub struct KeyColumn {
    /// Its index among the table's columns.
    pub column: usize,
    pub type_oid: pg_sys::Oid,
    pub collation: pg_sys::Oid,
    pub rule: Rule,
    /// The equality that goes with the hash, as `OPERATOR(schema.name)`.
    pub equality: String,
}

impl KeyColumn {
    /// Whether a value of this type can stand for the column.
    #[must_use]
    pub fn accepts(&self, type_oid: pg_sys::Oid) -> bool {
        match self.rule {
            Rule::Strategy(strategy) => {
                same_family(self.type_oid, type_oid) && strategy.accepts(type_oid)
            }
            // A domain's values are those of its type.
            // SAFETY: look-ups of catalog rows.
            Rule::Class { .. } => unsafe {
                pg_sys::getBaseType(self.type_oid) == pg_sys::getBaseType(type_oid)
            },
        }
    }

    /// The value as one of the column's type, if it is a literal of none yet.
    #[must_use]
    pub fn typed(&self, given: Given) -> Given {
        if given.type_oid != pg_sys::UNKNOWNOID {
            return given;
        }
        // SAFETY: a value of type unknown is a C string, which is what an input function takes.
        unsafe {
            let (mut function, mut parameter) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
            pg_sys::getTypeInputInfo(self.type_oid, &mut function, &mut parameter);
            let text = given.value.cast_mut_ptr();
            let value = pg_sys::OidInputFunctionCall(function, text, parameter, -1);
            Given { value, type_oid: self.type_oid }
        }
    }

    /// The row hash after this column, by the row hash before it.
    ///
    /// # Safety
    /// `given` must be a datum of its type, which the column accepts.
    pub unsafe fn combine(&self, row: u64, given: Given) -> Result<u64, Error> {
        let hash = match self.rule {
            // SAFETY: as the caller promises.
            Rule::Strategy(strategy) => unsafe {
                key_hash_of(strategy, given.value, given.type_oid, self.collation)?
            },
            // SAFETY: the function is the support function of the column's partitioning, which takes the column's type.
            Rule::Class { function } => unsafe {
                pg_sys::OidFunctionCall2Coll(
                    function,
                    self.collation,
                    given.value,
                    pg_sys::Datum::from(PARTITION_SEED),
                )
                .value() as u64
            },
        };
        Ok(combine(row, hash))
    }
}

/// What PostgreSQL combines into the row hash for `value`.
///
/// # Safety
/// `value` must be a non-null datum of type `type_oid`, which `strategy` accepts.
unsafe fn key_hash_of(
    strategy: Strategy,
    value: pg_sys::Datum,
    type_oid: pg_sys::Oid,
    collation: pg_sys::Oid,
) -> Result<u64, Error> {
    match strategy {
        Strategy::Hash => {
            // SAFETY: entries of the type cache live as long as the session, and every type of `family` has an extended
            // hash function; the datum is of that type.
            let hash = unsafe {
                let entry = pg_sys::lookup_type_cache(
                    type_oid,
                    pg_sys::TYPECACHE_HASH_EXTENDED_PROC_FINFO as i32,
                );
                pg_sys::FunctionCall2Coll(
                    &raw mut (*entry).hash_extended_proc_finfo,
                    collation,
                    value,
                    pg_sys::Datum::from(PARTITION_SEED),
                )
            };
            Ok(hash.value() as u64)
        }
        Strategy::Modulo => {
            // SAFETY: as the caller promises.
            let key = unsafe {
                match type_oid {
                    pg_sys::INT2OID => i16::from_datum(value, false).map(i64::from),
                    pg_sys::INT4OID => i32::from_datum(value, false).map(i64::from),
                    _ => i64::from_datum(value, false),
                }
            };
            Ok(key_hash_for(modulo_row(key.ok_or(Error::NullKey)?)?))
        }
    }
}

/// The values of a key that was given as one argument: those of a row, or the value itself. NULL among them is an error.
pub fn values(key: &AnyElement) -> Result<Vec<Given>, Error> {
    // SAFETY: a look-up of a catalog row.
    let is_row = key.oid() == pg_sys::RECORDOID
        || unsafe { pg_sys::get_typtype(key.oid()) } as u8 == pg_sys::TYPTYPE_COMPOSITE;
    if !is_row {
        return Ok(vec![Given { value: key.datum(), type_oid: key.oid() }]);
    }
    // SAFETY: a non-null datum of a row type is a tuple with its own header, which names its descriptor. The values point
    // into the tuple, which outlives the call.
    unsafe {
        let header: pg_sys::HeapTupleHeader =
            pg_sys::pg_detoast_datum(key.datum().cast_mut_ptr()).cast();
        let desc = pg_sys::lookup_rowtype_tupdesc_copy(
            pgrx::heap_tuple_header_get_type_id(header),
            pgrx::heap_tuple_header_get_typmod(header),
        );
        let mut tuple = pg_sys::HeapTupleData {
            t_len: pgrx::heap_tuple_header_get_datum_length(header) as u32,
            t_data: header,
            ..Default::default()
        };
        let columns = pgrx::PgTupleDesc::from_pg_is_copy(desc);
        let mut values = vec![pg_sys::Datum::from(0); columns.len()];
        let mut nulls = vec![false; columns.len()];
        pg_sys::heap_deform_tuple(&raw mut tuple, desc, values.as_mut_ptr(), nulls.as_mut_ptr());
        columns
            .iter()
            .zip(values.into_iter().zip(nulls))
            .filter(|(column, _)| !column.attisdropped)
            .map(|(column, (value, is_null))| {
                if is_null {
                    return Err(Error::NullKey);
                }
                Ok(Given { value, type_oid: column.atttypid })
            })
            .collect()
    }
}

/// The row hash of a key by the strategy modulo: the key.
fn modulo_row(key: i64) -> Result<u64, Error> {
    u64::try_from(key).map_err(|_| Error::NegativeKey { key })
}

/// The name of a type for an error.
#[must_use]
pub fn type_name(type_oid: pg_sys::Oid) -> String {
    // SAFETY: format_type_be returns a palloc'd string for any OID.
    unsafe {
        std::ffi::CStr::from_ptr(pg_sys::format_type_be(type_oid)).to_string_lossy().into_owned()
    }
}

/// `shard_router.hash_key`: the pure rule, without a table.
#[pg_extern(sql = false, immutable, parallel_safe)]
fn hash_key(
    key: Option<AnyElement>,
    shards: Option<i32>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<i32, ErrorReport> {
    let key = key.ok_or(Error::NullKey)?;
    let shards = shards.ok_or(Error::NullArgument { argument: "shards" })?;
    if shards < 1 {
        return Err(Error::OutOfRange {
            name: "shards",
            least: 1,
            most: i32::MAX.into(),
            given: shards.into(),
        }
        .into());
    }
    // SAFETY: the server calls with a valid fcinfo.
    let collation = match unsafe { (*fcinfo).fncollation } {
        pg_sys::InvalidOid => pg_sys::DEFAULT_COLLATION_OID,
        given => given,
    };
    let mut row = 0;
    let values = values(&key)?;
    if values.is_empty() {
        return Err(Error::NullKey.into());
    }
    for Given { value, type_oid } in values {
        if !Strategy::Hash.accepts(type_oid) {
            return Err(Error::KeyType {
                found: type_name(type_oid),
                table: None,
                expected: Strategy::Hash.types().into(),
            }
            .into());
        }
        // SAFETY: the value is not null and of its own type, which was just checked.
        row = combine(row, unsafe { key_hash_of(Strategy::Hash, value, type_oid, collation)? });
    }
    // A remainder is smaller than the modulus, an i32.
    Ok((row % shards as u64) as i32)
}

/// The support function of the operator classes `*_modulo_ops`. The seed is the server's, the same for every key.
#[pg_extern(sql = false, immutable, parallel_safe)]
fn modulo_hash_int8(key: i64, _seed: i64) -> Result<i64, ErrorReport> {
    Ok(key_hash_for(modulo_row(key)?).cast_signed())
}

#[pg_extern(sql = false, immutable, parallel_safe)]
fn modulo_hash_int4(key: i32, seed: i64) -> Result<i64, ErrorReport> {
    modulo_hash_int8(key.into(), seed)
}

#[pg_extern(sql = false, immutable, parallel_safe)]
fn modulo_hash_int2(key: i16, seed: i64) -> Result<i64, ErrorReport> {
    modulo_hash_int8(key.into(), seed)
}
