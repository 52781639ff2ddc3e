"""Pages on their way into tables, in any kind of database."""

from unittest import mock

from zc.generationalset.answers import SubsetUpdates
from zc.generationalset.sql import SQLSource
from zc.generationalset.tests.contract.followed import ReplicaTools


class PagesContract(ReplicaTools):
    """A part of ``ReplicaContract``."""

    def test_pages(self):
        self.fill()
        self.copy()
        self.check()
        self.assertEqual(self.sync(), [])

    def test_pages_after_restarts(self):
        self.fill()
        pages = 1
        while self.page():
            pages += 1
            self.replica = self.follow()
        self.assertGreater(pages, 3)
        self.check()

    def test_changes_behind_the_pages(self):
        self.fill()
        self.page()
        self.run_sql('PRAGMA foreign_keys = ON',
                     'UPDATE people SET id = 9 WHERE id = 1',
                     'DELETE FROM people WHERE id = 2',
                     "INSERT INTO lines VALUES (2, 2, 'milk')")
        self.copy()
        self.sync()
        self.check()

    def test_a_unique_value_moves_to_a_later_page(self):
        self.fill()
        self.page()
        self.run_sql("UPDATE people SET name = 'x' WHERE id = 1",
                     "UPDATE people SET name = 'Ann' WHERE id = 4")
        self.copy()
        self.sync()
        self.check()

    def test_an_answer_ends_a_copy(self):
        self.fill()
        self.page()
        self.sync()
        self.check()
        self.assertEqual(self.replica.cursor, '')

    def test_pages_of_changes(self):
        self.fill()
        self.sync()
        self.run_sql('UPDATE people SET age = 5', 'DELETE FROM pets',
                     "UPDATE lines SET what = 'tea'")
        self.copy()
        self.sync()
        self.check()

    def test_pages_of_changes_note_no_other_rows(self):
        self.fill()
        self.run_sql('WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL '
                     'SELECT i + 1 FROM n WHERE i < 50) '
                     "INSERT INTO lines SELECT 5, i, 'tea' FROM n")
        self.sync()
        with self.database.applying() as applying:
            kind = type(applying.notes)
        put, noted = kind.put, []

        def spy(notes, group, texts):
            texts = list(texts)
            noted.extend(texts)
            put(notes, group, texts)

        self.run_sql("UPDATE lines SET what = 'cake' WHERE place = 5")
        self.size = 20
        with mock.patch.object(kind, 'put', spy):
            self.page()
        self.assertEqual(len(noted), 2)  # the page, and the state
        self.copy()
        self.check()

    def swap(self):
        """Swap a unique value of two rows, each of which has its page."""
        self.fill()
        self.sync()
        self.size = 1
        self.run_sql("UPDATE people SET name = 'x' WHERE id = 1",
                     "UPDATE people SET name = 'Ann' WHERE id = 3",
                     "UPDATE people SET name = 'Cid' WHERE id = 1")

    def test_a_swap_over_several_pages(self):
        self.swap()
        self.copy()
        self.check()

    def test_a_row_that_waits_goes(self):
        self.swap()
        self.page()  # the first row waits
        self.run_sql('DELETE FROM people WHERE id = 1',
                     'UPDATE gset_tables SET floor = '
                     '(SELECT max(seq) FROM gset_queue)')
        self.copy()
        self.check()

    def test_pages_of_a_reset_keep_what_is_there(self):
        self.fill()
        self.sync()
        self.run_sql('DELETE FROM pets WHERE id = 2',
                     'DELETE FROM lines',
                     "UPDATE gset_state SET epoch = 'other'")
        counts = []
        while self.page():
            counts.append(len(self.rows()))
        self.assertEqual(set(counts), {4})
        self.check()

    def test_pages_of_a_reset_with_swaps(self):
        self.fill()
        self.sync()
        self.run_sql("UPDATE gset_state SET epoch = 'other'",
                     'UPDATE people SET name = NULL',
                     "UPDATE people SET name = 'Cid' WHERE id = 1",
                     "UPDATE people SET name = 'Ann' WHERE id = 3")
        self.copy()
        self.check()

    def test_pages_that_keep_rows(self):
        self.fill()
        self.sync()
        self.answered(SubsetUpdates(
            id='pets', adds=[(4, {'id': 4, 'owner': 1})], keep=[1]),
            next='second')
        self.assertEqual(len(self.rows('pets', 'id, owner')), 4)
        self.answered(SubsetUpdates(id='pets', contents=[], keep=[3]),
                      cursor='second')
        self.assertEqual(
            self.rows('pets', 'id, owner'), [(1, 2), (3, 4), (4, 1)])

    def test_a_set_that_no_page_lists(self):
        self.fill()
        self.sync()
        self.source = SQLSource(
            self.source._database, ['people', 'lines'])
        self.copy()
        self.assertEqual(self.rows('pets', 'id, owner'), [])
