"""What syncs take: time, bytes and memory."""

from contextlib import closing

from benchmarks.databases import processes
from benchmarks.lib.processes import processor


def measure(server, folder, rows):
    print(f'{"":25} {"":>9} {"processor, s":>15} {"bytes on":>12} '
          f'{"memory, MB":>13}\n{"":25} {"time":>9} {"client":>8} '
          f'{"server":>6} {"the wire":>12} {"client":>6} {"server":>6}  '
          'sent, received, conflicts', flush=True)
    _measure('two of SQLite', folder, rows, [
        processes.sqlite(folder / f'{name}.db') for name in ('one', 'two')])
    _measure('SQLite and PostgreSQL', folder, rows, [
        processes.sqlite(folder / 'three.db'),
        processes.postgresql(server, 'syncs')])


def _measure(kinds, folder, rows, databases):
    client, there = databases
    path = str(folder / 'socket')
    _fill(client, rows)
    print(kinds, flush=True)
    with processes.serving(there, path) as process:
        def sync(what):
            processes.forget_peak(process)
            before = processor(process.pid)
            found = processes.sync(client, path)
            used = processor(process.pid) - before
            megabytes = [memory / 2 ** 20 for memory in (
                found['memory'], processes.peak(process))]
            print(f'  {what:23} {found["seconds"]:7.2f} s '
                  f'{found["processor"]:8.2f} {used:6.2f} '
                  f'{found["bytes"]:12,} {megabytes[0]:6.0f} '
                  f'{megabytes[1]:6.0f}  '
                  f'{", ".join(map(str, found["report"]))}', flush=True)

        sync('first')
        sync('after it')
        sync('nothing has changed')
        _change(client, 'number', 10)
        _change(there, 'other', 20)
        sync('1 % changed on each side')


def _fill(database, rows):
    with closing(database.connect()) as connection, connection:
        connection.executemany('INSERT INTO things VALUES (?, ?, 0, ?)', (
            (f'{number:08d}', number, 'something to remember')
            for number in range(rows)))


def _change(database, column, first):
    """Change 1 % of the rows; a tenth of these are those of the others."""
    database.run(f'''
        UPDATE things SET {column} = -1 WHERE id IN (
            SELECT id FROM things
            WHERE CAST(substr(id, 6) AS INT) BETWEEN {first} AND {first + 8}
            OR substr(id, 6) = '000')''')
