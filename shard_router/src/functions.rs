//! Generates a table's functions.

use crate::entry::Operation;
use crate::error::Error;
use crate::names::{FunctionNames, MAX_NAME, parameter};
use crate::registry;
use crate::session::{as_extension_owner, literal, qualify, quote, run, with_catalogs};
use crate::shard::{Table, relation_name};
use pg_ext_core::spi;
use pgrx::iter::SetOfIterator;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// A column as a function's definition needs it.
struct Column {
    name: String,
    /// As SQL text.
    type_name: String,
    /// The type that a domain is one of; else the same. A domain may refuse NULL, which stands for the default.
    base_type_name: String,
    has_default: bool,
    /// Its value is the server's to give: identity or generated.
    automatic: bool,
}

/// A function to be created.
struct Plan {
    operation: Operation,
    name: String,
    /// Input parameters, as `CREATE FUNCTION` takes them.
    parameters: Vec<String>,
    /// Their types, as `DROP FUNCTION` takes them.
    types: Vec<String>,
    returns: String,
    volatility: &'static str,
    comment: String,
}

/// The column whose value an insert returns: the primary key's only column besides the shard key; else a column `id`; else
/// the shard key's first.
pub fn id_column(table: &Table) -> Result<String, ErrorReport> {
    let primary = spi::select(
        "SELECT a.attname::pg_catalog.text
           FROM pg_catalog.pg_index AS i
           JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid
                AND a.attnum OPERATOR(pg_catalog.=) ANY (i.indkey[0:i.indnkeyatts OPERATOR(pg_catalog.-) 1])
          WHERE i.indrelid OPERATOR(pg_catalog.=) $1 AND i.indisprimary",
        &[table.oid.into()],
        |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
    )?;
    let mut others = primary.into_iter().filter(|column| !table.is_key(column));
    if let (Some(only), None) = (others.next(), others.next()) {
        return Ok(only);
    }
    Ok(if table.columns.iter().any(|column| column.name == "id") {
        "id".to_owned()
    } else {
        table.columns[table.key[0].column].name.clone()
    })
}

/// Generates the functions of a registered table in its schema and returns their OIDs. Those that are as they should be
/// stay untouched.
///
/// The caller has checked that the session's user owns the table; `search_path` is pinned.
pub fn generate(oid: pg_sys::Oid) -> Result<Vec<pg_sys::Oid>, ErrorReport> {
    let Target { schema, owner, may_create, plans } = target(oid)?;
    // The functions are created by a superuser, whom the server does not ask.
    if !may_create {
        return Err(Error::NoCreate { schema }.into());
    }
    plans.iter().map(|plan| create(oid, plan, &schema, &owner)).collect()
}

/// The functions that a table should have, and where.
struct Target {
    schema: String,
    /// Whose they are.
    owner: String,
    /// Whether the current user may create something in the schema.
    may_create: bool,
    plans: [Plan; 3],
}

fn target(oid: pg_sys::Oid) -> Result<Target, ErrorReport> {
    let entry = registry::find(oid)?;
    let Some(entry) = entry else {
        return Err(Error::NotSharded { table: relation_name(oid)? }.into());
    };
    let table = Table::load(oid)?;
    let (schema, relname, owner, may_create) = spi::select_first(
        "SELECT n.nspname::text, c.relname::text, r.rolname::text, has_schema_privilege(n.oid, 'CREATE')
           FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_roles AS r ON r.oid = c.relowner
          WHERE c.oid = $1",
        &[oid.into()],
        |row| {
            Ok((
                row.get::<String>(1)?.unwrap_or_default(),
                row.get::<String>(2)?.unwrap_or_default(),
                row.get::<String>(3)?.unwrap_or_default(),
                row.get::<bool>(4)?.unwrap_or_default(),
            ))
        },
    )?
    .ok_or(Error::NoSuchTable { oid: oid.to_u32() })?;
    let columns = columns(oid)?;
    let names = FunctionNames::new(&relname, &entry.entity, &entry.owner_name);
    let plans = plans(&table, &columns, &names)?;
    Ok(Target { schema, owner, may_create, plans })
}

/// `shard_router.outdated_functions`: what `refresh_functions` would make anew, by name.
#[pg_extern(sql = false)]
fn outdated_functions(tbl: pg_sys::Oid) -> Result<SetOfIterator<'static, String>, ErrorReport> {
    let Target { schema, plans, .. } = with_catalogs(|| target(tbl))?;
    let mut outdated = Vec::new();
    for plan in &plans {
        // An error here is a name that is taken, which refresh_functions would stumble over as well.
        let current = with_catalogs(|| existing(tbl, plan, &schema))
            .is_ok_and(|found| found.iter().any(|function| function.same));
        if !current {
            outdated.push(qualify(&schema, &plan.name));
        }
    }
    Ok(SetOfIterator::new(outdated))
}

fn columns(oid: pg_sys::Oid) -> Result<Vec<Column>, ErrorReport> {
    spi::select(
        "SELECT a.attname::text, format_type(a.atttypid, NULL), a.atthasdef, a.attidentity <> '' OR a.attgenerated <> '',
                (WITH RECURSIVE d(type, base) AS (
                     SELECT t.oid, t.typbasetype FROM pg_type AS t WHERE t.oid = a.atttypid
                     UNION ALL
                     SELECT t.oid, t.typbasetype FROM d JOIN pg_type AS t ON t.oid = d.base)
                 SELECT format_type(d.type, NULL) FROM d WHERE d.base = 0)
           FROM pg_attribute AS a
          WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        &[oid.into()],
        |row| {
            Ok(Column {
                name: row.get(1)?.unwrap_or_default(),
                type_name: row.get(2)?.unwrap_or_default(),
                has_default: row.get(3)?.unwrap_or_default(),
                automatic: row.get(4)?.unwrap_or_default(),
                base_type_name: row.get(5)?.unwrap_or_default(),
            })
        },
    )
}

fn plans(
    table: &Table,
    columns: &[Column],
    names: &FunctionNames,
) -> Result<[Plan; 3], ErrorReport> {
    let id = id_column(table)?;
    let keys = || table.key.iter().map(|part| &columns[part.column]);
    let id_type = &columns
        .iter()
        .find(|column| column.name == id)
        .ok_or_else(|| Error::Internal { what: format!("the column {id}") })?
        .type_name;
    let typed = |column: &Column, type_name: &str| -> Result<String, Error> {
        let name = parameter(&column.name);
        if name.len() > MAX_NAME {
            return Err(Error::NameTooLong { name });
        }
        Ok(format!("{} {type_name}", quote(&name)))
    };
    let declared = |column: &Column| typed(column, &column.type_name);
    let settable = || columns.iter().filter(|column| !column.automatic);
    let is_required = |column: &&Column| !column.has_default || table.is_key(&column.name);
    let mut parameters = Vec::new();
    let mut types = Vec::new();
    for column in settable().filter(is_required) {
        parameters.push(declared(column)?);
        types.push(column.type_name.clone());
    }
    for column in settable().filter(|column| !is_required(column) && column.name != id) {
        parameters.push(format!("{} DEFAULT NULL", typed(column, &column.base_type_name)?));
        types.push(column.base_type_name.clone());
    }
    let key_parameters = keys().map(declared).collect::<Result<Vec<_>, _>>()?;
    let key_types: Vec<_> = keys().map(|column| column.type_name.clone()).collect();
    let rows = columns
        .iter()
        .map(|column| format!("{} {}", quote(&column.name), column.type_name))
        .collect::<Vec<_>>()
        .join(", ");
    Ok([
        Plan {
            operation: Operation::Table,
            name: names.table.clone(),
            parameters: key_parameters.clone(),
            types: key_types.clone(),
            returns: "text".into(),
            volatility: "STABLE PARALLEL SAFE",
            comment: format!("name of the shard of {} that holds a key''s rows", table.name)
                .replace("''", "'"),
        },
        Plan {
            operation: Operation::Insert,
            name: names.insert.clone(),
            parameters,
            types,
            returns: id_type.clone(),
            volatility: "VOLATILE PARALLEL UNSAFE",
            comment: format!(
                "insert a row into its shard of {}; returns its {}; NULL for an optional parameter means the column's default",
                table.name,
                quote(&id)
            ),
        },
        Plan {
            operation: Operation::Select,
            name: names.select.clone(),
            parameters: key_parameters,
            types: key_types,
            returns: format!("TABLE ({rows})"),
            volatility: "STABLE PARALLEL SAFE",
            comment: format!("the rows of a key, from its shard of {}", table.name),
        },
    ])
}

/// What stands where a function is to be created.
struct Existing {
    oid: pg_sys::Oid,
    /// As `DROP FUNCTION` takes it.
    signature: String,
    /// Generated for the same table and operation.
    ours: bool,
    /// Already has the definition it should have.
    same: bool,
    /// Who may execute it besides its owner, as SQL text; none where that is as the server grants it to begin with.
    grantees: Option<Vec<String>>,
}

fn create(
    table: pg_sys::Oid,
    plan: &Plan,
    schema: &str,
    owner: &str,
) -> Result<pg_sys::Oid, ErrorReport> {
    if plan.name.len() > MAX_NAME {
        return Err(Error::NameTooLong { name: plan.name.clone() }.into());
    }
    let signature = format!("{}({})", qualify(schema, &plan.name), plan.types.join(", "));
    let mut grantees = None;
    for existing in existing(table, plan, schema)? {
        if existing.same {
            return Ok(existing.oid);
        }
        if !existing.ours {
            return Err(Error::FunctionExists { function: existing.signature }.into());
        }
        // As the session's user, who owns it or is refused.
        run(&format!("DROP FUNCTION {}", existing.signature))?;
        grantees = existing.grantees;
    }
    as_extension_owner(|| {
        run(&format!(
            "CREATE FUNCTION {}({}) RETURNS {} LANGUAGE c {} CALLED ON NULL INPUT AS '$libdir/shard_router', {}",
            qualify(schema, &plan.name),
            plan.parameters.join(", "),
            plan.returns,
            plan.volatility,
            literal(&plan.operation.symbol())
        ))?;
        run(&format!("COMMENT ON FUNCTION {signature} IS {}", literal(&plan.comment)))?;
        // Without its library's extension the function is of no use, so it goes with it.
        run(&format!("ALTER FUNCTION {signature} DEPENDS ON EXTENSION shard_router"))?;
        run(&format!("ALTER FUNCTION {signature} OWNER TO {}", quote(owner)))?;
        let Some(grantees) = grantees else { return Ok(()) };
        run(&format!("REVOKE ALL ON FUNCTION {signature} FROM PUBLIC"))?;
        grantees.iter().try_for_each(|grantee| {
            run(&format!("GRANT EXECUTE ON FUNCTION {signature} TO {grantee}"))
        })
    })?;
    registry::register_function(table, plan.operation, schema, &plan.name)?;
    spi::select_first("SELECT $1::regprocedure::oid", &[signature.into()], |row| row.get(1))?
        .flatten()
        .ok_or_else(|| Error::Internal { what: "a created function".into() }.into())
}

/// The functions of the plan's name that are in its way: one with the same parameters, whosesoever, and the one that serves
/// the same operation of the table under whatever name.
fn existing(table: pg_sys::Oid, plan: &Plan, schema: &str) -> Result<Vec<Existing>, ErrorReport> {
    let arguments = plan.parameters.join(", ").replace(" DEFAULT NULL", "");
    let signature = format!("{}({})", qualify(schema, &plan.name), plan.types.join(", "));
    let returns = plan.returns.replace("TABLE (", "TABLE(");
    // Names are registered once a schema, whatever the parameters.
    let taken = spi::select_first(
        "SELECT tbl::text FROM shard_router.table_functions
          WHERE function_schema = $1 AND function_name = $2 AND NOT (tbl::oid = $3 AND kind = $4)
            AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = tbl)",
        &[schema.into(), plan.name.as_str().into(), table.into(), plan.operation.kind().into()],
        |row| row.get::<String>(1),
    )?;
    if taken.is_some() {
        return Err(Error::FunctionExists { function: signature }.into());
    }
    spi::select(
        "SELECT p.oid, p.oid::regprocedure::text, o.ours,
                o.ours AND p.oid = to_regprocedure($4)
                AND pg_get_function_identity_arguments(p.oid) = $6 AND pg_get_function_result(p.oid) = $7
                AND p.pronargdefaults = $8,
                p.proacl IS NOT NULL,
                ARRAY(SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
                             || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
                        FROM aclexplode(p.proacl) AS a WHERE a.grantee <> p.proowner)
           FROM pg_proc AS p
           JOIN pg_namespace AS n ON n.oid = p.pronamespace
           LEFT JOIN shard_router.table_functions AS f
                  ON f.tbl::oid = $1 AND f.kind = $2 AND f.function_schema = n.nspname AND f.function_name = p.proname
          CROSS JOIN LATERAL (
                SELECT f.tbl IS NOT NULL AND p.prosrc = $3 AND p.probin = '$libdir/shard_router'
                   AND p.prolang = (SELECT l.oid FROM pg_language AS l WHERE l.lanname = 'c') AS ours) AS o
          WHERE o.ours OR p.oid = to_regprocedure($4) OR p.oid = to_regprocedure($5)",
        &[
            table.into(),
            plan.operation.kind().into(),
            plan.operation.symbol().into(),
            signature.as_str().into(),
            signature.as_str().into(),
            arguments.into(),
            returns.into(),
            i32::try_from(plan.parameters.iter().filter(|p| p.ends_with(" DEFAULT NULL")).count())
                .unwrap_or_default()
                .into(),
        ],
        |row| {
            Ok(Existing {
                oid: row.get(1)?.unwrap_or(pg_sys::InvalidOid),
                signature: row.get(2)?.unwrap_or_default(),
                ours: row.get(3)?.unwrap_or_default(),
                same: row.get(4)?.unwrap_or_default(),
                grantees: match row.get::<bool>(5)? {
                    Some(true) => Some(row.get::<Vec<String>>(6)?.unwrap_or_default()),
                    _ => None,
                },
            })
        },
    )
}

/// The table's generated functions that there are, as `DROP FUNCTION` takes them.
pub fn generated(table: pg_sys::Oid) -> Result<Vec<String>, ErrorReport> {
    with_catalogs(|| {
        spi::select(
            "SELECT p.oid::regprocedure::text
               FROM shard_router.table_functions AS f
               JOIN pg_namespace AS n ON n.nspname = f.function_schema
               JOIN pg_proc AS p ON p.pronamespace = n.oid AND p.proname = f.function_name
              WHERE f.tbl::oid = $1 AND p.prosrc = 'route_' || f.kind AND p.probin = '$libdir/shard_router'
                AND p.prolang = (SELECT l.oid FROM pg_language AS l WHERE l.lanname = 'c')",
            &[table.into()],
            |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
        )
    })
}

/// `shard_router.refresh_functions`
#[pg_extern(sql = false)]
fn refresh_functions(
    tbl: Option<pg_sys::Oid>,
) -> Result<SetOfIterator<'static, pg_sys::Oid>, ErrorReport> {
    let tbl = tbl.ok_or(Error::NullArgument { argument: "tbl" })?;
    crate::template::require_owner(tbl)?;
    // Keeps two sessions from generating the same functions at once, as any other change of the table would be kept out.
    // SAFETY: takes a lock until the transaction ends, on a relation of the caller's own.
    unsafe {
        pg_sys::LockRelationOid(tbl, pg_sys::ShareUpdateExclusiveLock as pg_sys::LOCKMODE);
    }
    Ok(SetOfIterator::new(generate(tbl)?))
}
