"""Measures the time from a key to the paint, on the board, in Chromium.

A card is moved with the keys, while a proxy delays each response by half of
the round trip, and each request by the other half.  For each round trip, this
prints the median and the longest time until the browser has painted the card
at its new place, and until the server's answer is there.

    python -m benchmarks.paint [MOVES]

Run nothing else meanwhile.
"""

import sys
import unittest
from statistics import median

from zc.generationalset.tests.browser.test_board_slow import Slow
from zc.generationalset.tests.support.browsing import Chromium

ROUND_TRIPS = 0, 300  # milliseconds
MOVES = 40
MEASURE = '''() => {
  window.painted = [];
  window.answered = [];
  addEventListener('keydown', ({ key, timeStamp }) => {
    if (!key.startsWith('Arrow')) return;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => painted.push(performance.now() - timeStamp);
      port2.postMessage(null); // after this frame
    });
    const look = () => {
      if (document.querySelector('.pending')) requestAnimationFrame(look);
      else answered.push(performance.now() - timeStamp);
    };
    setTimeout(look);
  }, true);
}'''


class Paint(Slow):
    """Moves a card to the right and to the left, again and again."""

    moves = MOVES

    def runTest(self):
        self.one.evaluate(MEASURE)
        card = self.card(self.one, self.cards(self.one, 'To do')[0])
        for milliseconds in ROUND_TRIPS:
            self.delay(milliseconds)
            for move in range(self.moves):
                card.focus()
                self.press(f'Shift+Arrow{"Left" if move % 2 else "Right"}')
                self.one.wait_for_function(
                    'count => answered.length === count', arg=move + 1)
            print(f'{milliseconds:3} ms round trip:', ', '.join(
                f'{name} after {median(times):.0f} ms '
                f'(longest {max(times):.0f} ms)' for name, times in [
                    ('painted', self.times('painted')),
                    ('answered', self.times('answered'))]))

    def times(self, name):
        """Return what was measured since the last call."""
        return self.one.evaluate(f'{name}.splice(0)')


def main():
    Paint.moves = int(sys.argv[1]) if len(sys.argv) > 1 else MOVES
    Chromium.setUp()
    try:
        result = unittest.TextTestRunner(verbosity=0).run(Paint())
    finally:
        Chromium.tearDown()
    return not result.wasSuccessful()


if __name__ == '__main__':
    sys.exit(main())
