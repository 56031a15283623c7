# SPDX-License-Identifier: Apache-2.0
"""Conversations with whatever server there is: the real one, or the mock where none was given."""
import signal
import unittest

from browser import Keys, PageTest
from running_server import real_server

STORY = "Tell me a long story about a fox." if real_server() else "slow 40"

# Notes each length that the answer has, as a person at the screen would see it; clicks arguments[0]
# at the first text, if given.
WATCH = """
window.lengths = [];
new MutationObserver(() => {
  const text = document.querySelector('.assistant:last-child .body')?.textContent ?? '';
  if (text && text.length !== window.lengths.at(-1)) window.lengths.push(text.length);
  if (text && arguments[0]) document.getElementById(arguments[0]).click();
}).observe(document.getElementById('messages'),
           {subtree: true, childList: true, characterData: true});
"""

# A small model's story is over sooner than anybody could stop it: this one goes on until the context
# is full.
ENDLESS = """
const real = window.fetch;
window.fetch = (path, options) => real(path, options.body
  ? {...options, body: options.body.replace('{', '{"ignore_eos":true,')} : options);
"""


class TalkTest(PageTest):
    command = real_server() or PageTest.command

    def test_an_answer_comes_bit_by_bit(self):
        self.open()
        self.js(ENDLESS)  # a short one may come between two frames
        self.js(WATCH)
        self.ask(STORY)
        lengths = self.js("return window.lengths")
        self.assertGreater(len(lengths), 2)
        self.assertEqual(lengths, sorted(lengths))
        self.assertRegex(self.css(".assistant .stats").text, r"^\d+ tokens · [\d.]+ tokens/s$")
        self.assertRegex(self.by_id("context").text, r"^\d+ / \d+$")

    def test_the_page_may_load_nothing_from_elsewhere(self):
        self.open()
        policy = self.driver.execute_async_script(
            "fetch('.').then(r => arguments[0](r.headers.get('content-security-policy')))")
        self.assertIn("default-src 'self'", policy)
        self.assertNotIn("unsafe", policy)

    def test_stop_keeps_what_was_said(self):
        self.open()
        self.js(ENDLESS)
        self.js(WATCH, "stop")
        self.ask(STORY)
        self.assertEqual(self.css(".assistant .note").text, "Stopped.")
        self.assertGreater(len(self.answer()), 0)
        self.js("window.lengths = []")
        self.css("[aria-label='Continue this answer']").click()
        self.finished()
        self.assertGreater(self.js("return window.lengths.length"), 0)

    def test_a_conversation_outlives_the_page(self):
        self.open()
        self.ask("Tell me about a fox.")
        self.ask("And a bear?")
        before = self.texts()
        self.driver.refresh()
        self.until(lambda: self.texts() == before)
        self.assertEqual(self.by_id("title").text, "Tell me about a fox.")
        self.assertEqual(len(before), 4)

    def test_a_reload_in_the_middle_keeps_the_part(self):
        self.open()
        self.send(STORY)
        self.until(lambda: self.texts(".assistant .body")[0])
        self.driver.refresh()
        self.until(lambda: self.texts(".assistant .body")[0])

    def test_regenerate_and_undo(self):
        self.open()
        first = self.ask("Tell me about a fox.")
        self.js("document.querySelector('[title=Regenerate]').click()")
        self.until(lambda: self.all("#toast button"))
        self.finished()
        self.assertEqual(len(self.texts()), 2)
        self.css("#toast button").click()
        self.assertEqual(self.texts(), ["Tell me about a fox.", first])

    def test_an_edited_question_is_asked_again(self):
        self.open()
        self.ask("Tell me about a fox.")
        self.ask("And a bear?")
        self.js("document.querySelector('[title^=Edit]').click()")
        field = self.css(".editing textarea")
        field.clear()
        field.send_keys("Tell me about a cat." + Keys.ENTER)
        self.finished()
        texts = self.texts()
        self.assertEqual(len(texts), 2)
        self.assertEqual(texts[0], "Tell me about a cat.")

    def test_a_server_that_is_gone_is_told_and_can_come_back(self):
        self.expected_complaints = ("ERR_CONNECTION_REFUSED",)
        self.open()
        self.ask("Hello")
        self.server.kill(signal.SIGKILL)
        self.send("Are you there?")
        self.assertIn("can not be reached", self.error())
        self.picture("gone")
        self.server = self.server.restart()
        self.css(".error button").click()
        self.until(lambda: self.answer() and not self.all(".error"))
        self.assertEqual(len(self.texts()), 4)

    def test_a_server_that_dies_leaves_the_part(self):
        self.expected_complaints = ("ERR_",)
        self.open()
        self.send("slow 400" if STORY == "slow 40" else STORY)
        self.until(lambda: self.texts(".assistant .body")[0])
        self.server.kill(signal.SIGKILL)
        self.finished()
        self.assertNotEqual(self.answer(), "")

    def test_probabilities_of_each_token(self):
        self.open()
        self.with_settings(probabilities="")
        self.ask("Tell me about a fox.")
        tokens = self.all(".token")
        self.assertGreater(len(tokens), 3)
        self.js("arguments[0].focus()", tokens[0])
        self.press(Keys.ARROW_RIGHT)
        odds = self.by_id("odds")
        self.assertTrue(odds.is_displayed())
        self.assertEqual(len(self.all("#odds li")), 5)
        self.assertEqual(self.driver.switch_to.active_element, tokens[1])
        self.assertRegex(odds.text, r"[\d.]+ %")
        self.picture("probabilities")
        self.press(Keys.ESCAPE)
        self.assertFalse(odds.is_displayed())
        text = "".join(self.texts(".token"))
        self.css("[title='Raw text']").click()
        self.assertEqual(self.answer(), text)
        self.assertEqual(self.all(".token"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
