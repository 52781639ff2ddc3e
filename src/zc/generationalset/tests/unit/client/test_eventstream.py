"""Events are found in a stream, however it is cut into pieces."""

import unittest

from hypothesis import given
from hypothesis import strategies as st

from zc.generationalset.client.eventstream import Event, EventStream, TooLong
from zc.generationalset.tests.support.properties import tries

SETTINGS = tries(80)


def parse(*pieces, limit=1000):
    stream = EventStream(limit)
    return [event for piece in pieces for event in stream.feed(piece)]


class EventStreamTests(unittest.TestCase):

    def test_fields(self):
        self.assertEqual(
            parse(b': comment\n'
                  b'id: x:5\nevent: updates\ndata: {"a":\ndata:1}\n\n'
                  b'event:ask\ndata:  {}\nretry: 5\nother: x\n\n'
                  b'data\n\n'
                  b'event:\ndata:\ndata:\n\n'),
            [Event('updates', b'{"a":\n1}'), Event('ask', b' {}'),
             Event('message', b''), Event('message', b'\n')])

    def test_without_data_it_is_no_event(self):
        self.assertEqual(
            parse(b'\n\nevent: updates\nid: 5\n\n: x\n\ndata: 1\n\n'),
            [Event('message', b'1')])

    def test_line_ends(self):
        for end in b'\n', b'\r', b'\r\n':
            text = end.join([b'event: e', b'data: 1', b'data: 2', b'', b''])
            self.assertEqual(parse(text), [Event('e', b'1\n2')], end)
        self.assertEqual(parse(b'data: 1\r\ndata: 2\r\rdata: 3\n\r\n'),
                         [Event('message', b'1\n2'), Event('message', b'3')])

    def test_other_separators_are_data(self):
        self.assertEqual(parse('data: a\v\f\x1c\x85\u2028b\n\n'.encode()),
                         [Event('message', 'a\v\f\x1c\x85\u2028b'.encode())])

    def test_crlf_between_pieces(self):
        self.assertEqual(
            parse(b'data: 1\r', b'\ndata: 2\r', b'', b'\n\r', b'\n'),
            [Event('message', b'1\n2')])
        self.assertEqual(parse(b'data: 1\r', b'', b'\r'),
                         [Event('message', b'1')])

    def test_byte_order_mark(self):
        mark = '\ufeff'.encode()
        for pieces in [(mark + b'data: 1\n\n',),
                       (mark[:1], mark[1:2], mark[2:] + b'data: 1\n\n'),
                       (mark + b'\ndata: 1\n\n',)]:
            self.assertEqual(parse(*pieces), [Event('message', b'1')])
        for text in b'\n', b'a\n', b'abc\n':  # elsewhere it is none
            self.assertEqual(parse(text, mark + b'data: 1\n\ndata: 2\n\n'),
                             [Event('message', b'2')])
        self.assertEqual(parse(mark + mark + b'data: 1\n\n'), [])

    def test_cut(self):
        text = b'event: updates\ndata: {}\n\n'
        for end in range(len(text)):
            self.assertEqual(parse(text[:end]), [])

    def test_bad_utf8(self):
        self.assertEqual(parse(b'event: \xff\ndata: \xff\n\n'),
                         [Event('\ufffd', b'\xff')])

    def test_long_line(self):
        for text in b'x', b': ', b'data: ':
            text = text.ljust(20, b'y')
            parse(text, text, limit=40)
            parse(text, text, b'\n', limit=40)
            with self.assertRaises(TooLong) as caught:
                parse(text, text, b'y', limit=40)
            self.assertEqual(str(caught.exception),
                             'expected events of at most 40 bytes')

    def test_long_event(self):
        line = b'data: 3456\n'
        self.assertEqual(len(parse(line * 4, b'\n', line * 4, b'\n',
                                   limit=40)), 2)
        for lines in line * 5, b'id: 567890\n' * 5, b'data\n' * 11:
            with self.assertRaises(TooLong):
                parse(lines, limit=40)

    def test_comments_are_forgotten(self):
        stream = EventStream(100)
        stream.feed(b'data: 1\n')
        for _ in range(1000):
            self.assertEqual(stream.feed(b': still there\n'), [])
        self.assertEqual(stream.feed(b'\n'), [Event('message', b'1')])

    @SETTINGS
    @given(st.data())
    def test_any_pieces(self, data):
        end = data.draw(st.sampled_from([b'\n', b'\r', b'\r\n']))
        text, expected = b'', []
        for lines in data.draw(st.lists(st.lists(
                st.binary(max_size=9).filter(
                    lambda line: not {10, 13} & {*line}), max_size=3))):
            for line in lines:
                text += b'data: ' + line + end + data.draw(
                    st.sampled_from([b'', b':' + end, b'id: 1' + end]))
            text += end
            if lines:
                expected.append(Event('message', b'\n'.join(lines)))
        cuts = data.draw(st.lists(st.integers(0, len(text))).map(sorted))
        pieces = [text[start:stop] for start, stop
                  in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        self.assertEqual(parse(*pieces), expected)
