/*
 * The least that a trigger in C can do: the key of the row, sent by NOTIFY. Of a table whose first column is an integer.
 */
#include "postgres.h"

#include "commands/async.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/rel.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(bare_notify);

Datum
bare_notify(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation	table = trigger->tg_relation;
	char		key[NAMEDATALEN + 16];
	bool		isnull;
	Datum		id = heap_getattr(trigger->tg_newtuple, 1, RelationGetDescr(table), &isnull);

	snprintf(key, sizeof(key), "%s:%d", RelationGetRelationName(table), DatumGetInt32(id));
	Async_Notify("cache_invalidate", key);
	return PointerGetDatum(NULL);
}
