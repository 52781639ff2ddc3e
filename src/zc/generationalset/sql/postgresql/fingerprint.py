"""What shows that a table changed in a way that triggers can't see.

A table is rewritten, its columns change, partitions come or go, or triggers
were disabled meanwhile.  The catalogs of PostgreSQL have traces of all that.
They are read in the same snapshot as the table.
"""

from __future__ import annotations

from zc.generationalset.sql.postgresql.triggers import ROW_TRIGGERS

# A column that is added, or that gets another type, changes all rows.  So does
# a label of an enum, and the expression of a virtual column.
_COLUMNS = '''
    SELECT string_agg(concat_ws(
        ',', a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attnotnull,
        a.atthasdef, a.attgenerated, (
            SELECT d.xmin FROM pg_catalog.pg_attrdef d
            WHERE a.attgenerated <> '' AND d.adrelid = a.attrelid
            AND d.adnum = a.attnum), (
            SELECT string_agg(e.enumlabel, ',' ORDER BY e.oid)
            FROM pg_catalog.pg_type y JOIN pg_catalog.pg_enum e
            ON e.enumtypid IN (y.oid, y.typelem, y.typbasetype)
            WHERE y.oid = a.atttypid)), ';' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = t.relation AND a.attnum > 0'''

_KEY = '''
    SELECT i.indexrelid FROM pg_catalog.pg_index i
    WHERE i.indrelid = t.relation AND i.indisprimary'''

# The file of a table is another one after it was rewritten or truncated.  The
# row of a trigger is another one after it was disabled and enabled.
_TREE = '''
    WITH RECURSIVE tree AS (
        SELECT t.relation::oid AS oid, '' AS link
        UNION ALL
        SELECT i.inhrelid, i.xmin::text
        FROM tree JOIN pg_catalog.pg_class p
        ON p.oid = tree.oid AND p.relkind = 'p'
        JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid
        WHERE NOT i.inhdetachpending
    )
    SELECT string_agg(concat_ws(
        ',', c.oid, c.relnamespace, c.relname, c.relfilenode, c.relkind,
        c.relpersistence, tree.link, g.traces), ';' ORDER BY c.oid),
        coalesce(bool_and(g.enabled), false)
    FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid
    CROSS JOIN LATERAL (
        SELECT string_agg(concat_ws(',', g.oid, g.xmin, g.tgenabled), ','
                          ORDER BY g.oid),
            count(*) FILTER (
                WHERE g.tgenabled = 'A' AND g.tgtype & 1 = 1
            ) = {triggers}
        FROM pg_catalog.pg_trigger g
        WHERE g.tgrelid = c.oid AND starts_with(
            g.tgname, concat('gset_', t.number, '_'))
    ) AS g (traces, enabled)'''

#: A query of a table's fingerprint, and whether its triggers are enabled; it
#: is used beside ``gset.tables AS t``.
QUERY = f'''
    SELECT md5(concat_ws('|', ({_COLUMNS}), ({_KEY}), tree.traces)),
        tree.enabled
    FROM ({_TREE.format(triggers=ROW_TRIGGERS)}) AS tree (traces, enabled)'''
