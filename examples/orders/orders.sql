-- A list of orders, for SQLite and PostgreSQL.
CREATE TABLE orders (
    id text NOT NULL PRIMARY KEY,
    customer text NOT NULL CHECK (customer <> ''),
    total double precision NOT NULL CONSTRAINT positive CHECK (total > 0),
    state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'sent'))
);
INSERT INTO orders VALUES ('1', 'Ann', 12.5, 'sent');
INSERT INTO orders VALUES ('2', 'Bob', 7.25, 'new');
INSERT INTO orders VALUES ('3', 'Cid', 30, 'new');
