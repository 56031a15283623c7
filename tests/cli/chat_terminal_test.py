# SPDX-License-Identifier: Apache-2.0
"""chat_terminal_test.py CLI MODELS: a chat as somebody at a terminal meets it.

What was typed is checked by what /dump writes: the message that reached the conversation.
"""
import json
import os
import re
import stat
import sys
import tempfile
import termios
import unittest

from terminal import CTRL, ENTER, LEFT, UP, Terminal

CLI, MODELS = sys.argv[1:3]
COLORS = re.compile(rb"\x1b\[[0-9;]*m")


class ChatTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.env = {"HOME": self.folder, "TERM": "xterm", "PATH": os.environ["PATH"],
                    "LC_ALL": "C.UTF-8"}

    def run_cli(self, *arguments, model="model.gguf"):
        """A chat whose first prompt is there."""
        argv = [CLI, "-m", os.path.join(MODELS, model), "--chat", "-n", "4", *arguments]
        return self.watch(argv)

    def watch(self, argv):
        terminal = Terminal(argv, self.env, self.folder)
        self.addCleanup(terminal.close)
        terminal.prompt()
        return terminal

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def dump(self, terminal):
        """The conversation as the model sees it."""
        terminal.line("/dump dumped")
        with open(self.path("dumped"), encoding="utf-8") as file:
            return file.read()

    def messages(self, terminal):
        return re.findall(r"<start_of_turn>user\n(.*?)<end_of_turn>", self.dump(terminal), re.S)

    def leave(self, terminal):
        terminal.send("/exit" + ENTER)
        self.assertEqual(terminal.wait(), 0)


class Editing(ChatTest):
    def test_keys_edit_the_line(self):
        chat = self.run_cli()
        chat.line("ello world" + CTRL["A"] + "h" + CTRL["E"] + "?" + LEFT + "!" + CTRL["T"])
        chat.line("drop this" + CTRL["U"] + "keep  that" + CTRL["W"] + "this" + CTRL["A"] +
                  CTRL["D"] + "K")
        self.assertEqual(self.messages(chat), ["hello world?!", "Keep  this"])
        self.leave(chat)

    def test_characters_are_whole(self):
        chat = self.run_cli()
        chat.line("grüße 漢字x" + CTRL["H"] + CTRL["H"] + "é" + LEFT + LEFT + "→")
        self.assertEqual(self.messages(chat), ["grüße →漢é"])
        self.leave(chat)

    def test_characters_are_whole_without_a_locale(self):
        del self.env["LC_ALL"]
        self.test_characters_are_whole()

    def test_tab_completes_commands_and_paths(self):
        with open(self.path("some notes.txt"), "w", encoding="utf-8") as file:
            file.write("the fox")
        chat = self.run_cli()
        chat.line("/upl\tsom\t")
        chat.send("/st\t\t")
        chat.expect(r"/stack  /stats")
        chat.line(CTRL["U"] + "read")
        self.assertEqual(self.messages(chat),
                         ["File some notes.txt:\n```\nthe fox\n```\n\nread"])
        self.leave(chat)


class History(ChatTest):
    def test_comes_back_in_this_chat_and_the_next(self):
        chat = self.run_cli()
        chat.line("tell me about the fox")
        chat.line("two" + CTRL["J"] + "lines")
        chat.line(UP + UP + "!")
        self.assertEqual(self.messages(chat)[-1], "tell me about the fox!")
        self.leave(chat)
        file = self.path(".local", "state", "gemma2", "history")
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        chat = self.run_cli()
        chat.line(CTRL["R"] + "lines")
        self.assertEqual(self.messages(chat), ["two\nlines"])
        self.leave(chat)

    def test_follows_xdg(self):
        self.env["XDG_STATE_HOME"] = self.path("state")
        self.leave(self.run_cli())
        self.assertTrue(os.path.exists(self.path("state", "gemma2", "history")))

    def test_is_not_written_if_not_wanted(self):
        chat = self.run_cli("--no-history")
        chat.line("hello")
        chat.line(UP + "!")
        self.assertEqual(self.messages(chat), ["hello", "hello!"])
        self.leave(chat)
        self.assertFalse(os.path.exists(self.path(".local")))

    def test_is_not_written_through_a_link(self):
        os.makedirs(self.path(".local", "state", "gemma2"))
        os.symlink(self.path("target"), self.path(".local", "state", "gemma2", "history"))
        chat = self.run_cli()
        self.assertIn("no history is kept", chat.shown())
        chat.line("hello")
        self.leave(chat)
        self.assertFalse(os.path.exists(self.path("target")))


class Turns(ChatTest):
    def test_of_several_lines(self):
        chat = self.run_cli("-c", "400")
        chat.line("one" + CTRL["J"] + "two")
        chat.send('"""three' + ENTER)
        chat.prompt("... ")
        chat.send("/four" + ENTER)
        chat.prompt("... ")
        chat.line('"""')
        chat.send("five\\" + ENTER)
        chat.prompt("... ")
        chat.line("six")
        chat.line("\x1b[200~seven\reight\x1b[201~")
        self.assertEqual(self.messages(chat),
                         ["one\ntwo", "three\n/four", "five\nsix", "seven\neight"])
        self.leave(chat)

    def test_with_multiline_input(self):
        chat = self.run_cli("-mli")
        chat.send("one" + ENTER)
        chat.prompt("... ")
        chat.line("two\\")
        self.assertEqual(self.messages(chat), ["one\ntwo"])
        self.leave(chat)

    def test_commands_change_the_conversation(self):
        chat = self.run_cli("-c", "400")
        chat.line("one")
        chat.line("/push")
        chat.line("two")
        chat.line("three")
        chat.line("/undo")
        self.assertEqual(self.messages(chat), ["one", "two"])
        chat.line("/pop")
        self.assertEqual(self.messages(chat), ["one"])
        chat.line("four")
        chat.line("/forget")
        self.assertEqual(self.messages(chat), ["four"])
        self.leave(chat)

    def test_without_room_are_taken_back(self):
        chat = self.run_cli()
        chat.line("hello")
        chat.send("~" * 300 + ENTER)
        chat.expect(r"not sent: with it the conversation has \d+ tokens, and the context 128; "
                    r"/forget drops the oldest exchange, /clear all, -c N makes room")
        chat.prompt()
        self.assertEqual(self.messages(chat), ["hello"])
        self.leave(chat)

    def test_typed_while_the_model_answers_are_taken_in_turn(self):
        chat = self.run_cli()
        chat.send("one\rtwo\r")
        chat.prompt()
        chat.prompt()
        self.assertEqual(self.messages(chat), ["one", "two"])
        self.leave(chat)


class Interrupt(ChatTest):
    # Says one piece until the context is full, which takes far longer than the test.
    LONG = ("--ignore-eos", "-c", "100000", "-n", "-1", "--logit-bias", "300+100000")

    def test_stops_an_answer_and_keeps_the_conversation(self):
        chat = self.run_cli(*self.LONG)
        chat.send("hello" + ENTER)
        chat.expect(r"(mod){10}")
        chat.send(CTRL["C"])
        chat.expect(r"\(stopped; what was said is part of the conversation, /undo drops it\)")
        chat.prompt()
        answer = self.dump(chat).split("<start_of_turn>model\n")[1]
        self.assertGreaterEqual(answer.count("mod"), 10)
        self.leave(chat)

    def test_stops_the_reading_of_a_long_prompt(self):
        with open(self.path("long.txt"), "w", encoding="utf-8") as file:
            file.write("the fox and the moon " * 10000)
        chat = self.run_cli(*self.LONG, "-t", "1")  # many threads would be done too soon
        chat.line("/upload long.txt")
        chat.send("sum it up" + ENTER)
        chat.expect(r"reading the prompt \[")
        chat.send(CTRL["C"])
        chat.expect(r"\(stopped before the answer began; /regen begins it again, /undo takes the "
                    r"message back\)")
        chat.prompt()
        self.assertIn("sum it up", self.messages(chat)[0])
        chat.line("/undo")
        chat.line("/context")
        self.assertIn("\n0 of 100000 tokens in use", chat.shown())
        self.leave(chat)

    def test_at_the_prompt_leaves(self):
        chat = self.run_cli()
        chat.send("half a line" + CTRL["C"])
        self.assertEqual(chat.wait(), 130)
        self.assertTrue(chat.modes() & termios.ICANON and chat.modes() & termios.ECHO)

    def test_the_end_of_input_leaves(self):
        chat = self.run_cli()
        chat.line("hello")
        chat.send(CTRL["D"])
        self.assertEqual(chat.wait(), 0)
        self.assertIn("prompt eval time", chat.shown())


class Saved(ChatTest):
    def test_conversation_goes_on_the_same_in_another_process(self):
        chat = self.run_cli("--json", "-c", "400")
        chat.line("tell me about the fox")
        chat.line("/save talk.chat")
        chat.line("and the moon?")
        chat.line("and the sun?")
        answers = self.answers(chat)
        self.leave(chat)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("talk.chat")).st_mode), 0o600)
        for how in (["--load-chat", "talk.chat"], []):
            chat = self.run_cli("--json", "-c", "400", *how)
            if not how:
                chat.line("something else")
                chat.line("/load talk.chat")
            chat.line("and the moon?")
            chat.line("and the sun?")
            self.assertEqual(self.answers(chat)[-2:], answers[-2:])
            self.leave(chat)

    def answers(self, chat):
        """(text, tokens taken from the cache) of each."""
        objects = [json.loads(line) for line in chat.shown().split("\n") if line.startswith("{")]
        return [(o["text"], o["timings"]["cache_n"]) for o in objects]

    def test_context_of_another_size_is_read_anew(self):
        chat = self.run_cli("-c", "400")
        chat.line("hello")
        chat.line("/save talk.chat")
        self.leave(chat)
        chat = self.run_cli("--load-chat", "talk.chat")
        self.assertIn("the model reads it all again", chat.shown())
        self.assertEqual(self.messages(chat), ["hello"])
        self.leave(chat)


class Colors(ChatTest):
    def shows_color(self, *arguments):
        chat = self.run_cli(*arguments)
        chat.line("hello")
        chat.line("/help")
        self.leave(chat)
        return bool(COLORS.search(chat.raw))

    def test_end_where_they_should(self):
        chat = self.run_cli()
        chat.line("hello")
        self.leave(chat)
        self.assertIn(b"\x1b[1;32m>>>\x1b[0m ", chat.raw)
        self.assertRegex(chat.raw, rb"\x1b\[2m\d+/128\x1b\[0m ")

    def test_are_shown_unless_somebody_objects(self):
        self.assertTrue(self.shows_color())
        self.assertFalse(self.shows_color("--color", "never"))
        self.env["NO_COLOR"] = "1"
        self.assertFalse(self.shows_color())
        self.assertTrue(self.shows_color("--color"))

    def test_dumb_terminals_get_no_escape_sequences(self):
        self.env["TERM"] = "dumb"
        chat = self.run_cli()
        chat.line("hello")
        self.leave(chat)
        self.assertNotIn(b"\x1b", chat.raw)

    def test_the_meter_counts_tokens(self):
        chat = self.run_cli()
        chat.expect("0/128")
        chat.send("hello" + ENTER)
        chat.expect(r"\d+/128")


class Streams(ChatTest):
    def test_the_prompt_is_there_without_standard_error(self):
        model = os.path.join(MODELS, "model.gguf")
        chat = self.watch(["sh", "-c", f"'{CLI}' -m '{model}' --chat -n 4 2>/dev/null"])
        chat.line("hellp" + CTRL["H"] + "o")
        self.assertEqual(self.messages(chat), ["hello"])
        self.leave(chat)

    def test_a_redirected_answer_holds_nothing_but_text(self):
        model = os.path.join(MODELS, "model.gguf")
        chat = self.watch(["sh", "-c", f"'{CLI}' -m '{model}' --chat -n 4 >answers"])
        chat.line("hello")
        self.leave(chat)
        with open(self.path("answers"), "rb") as file:
            answers = file.read()
        self.assertTrue(answers.endswith(b"\n"))
        self.assertNotIn(b"\x1b", answers)
        self.assertNotIn(b">>>", answers)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
