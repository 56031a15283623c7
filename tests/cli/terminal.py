# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own: keys in, what it shows out."""
import os
import pty
import re
import select
import signal
import struct
import fcntl
import termios
import time

PATIENCE_SECONDS = 20
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][0-9A-B]|\x1b[=>78]")

ENTER = "\r"
CTRL = {letter: chr(ord(letter) - 64) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
UP, LEFT = "\x1b[A", "\x1b[D"


class Terminal:
    """Runs `argv` with its own controlling terminal of 80 columns."""

    def __init__(self, argv, env, cwd):
        self.child, self.master = pty.fork()
        if self.child == 0:
            try:
                os.chdir(cwd)
                os.execvpe(argv[0], argv, env)
            finally:
                os._exit(127)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.raw = b""  # everything shown so far
        self.seen = 0  # characters of it, without escapes, that expect() has gone past
        self.status = None

    def shown(self):
        """All that was shown, escape sequences taken out."""
        return ESCAPES.sub("", self.raw.decode("utf-8", "replace")).replace("\r\n", "\n")

    def send(self, keys):
        data = keys.encode()
        while data:
            data = data[os.write(self.master, data):]

    def _read(self, seconds):
        """False: the program has closed the terminal."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has it open any more
            return False
        self.raw += data
        return bool(data)

    def expect(self, pattern):
        """Waits until something new matches, and returns the match."""
        end = time.monotonic() + PATIENCE_SECONDS
        alive = True
        while True:
            text = self.shown()
            found = re.compile(pattern).search(text, self.seen)
            if found:
                self.seen = found.end()
                return found
            if not alive or time.monotonic() > end:
                raise AssertionError(f"{pattern!r} was not shown, but:\n"
                                     f"{text[self.seen:][-2000:]}\nafter:\n"
                                     f"{text[:self.seen][-2000:]}")
            alive = self._read(0.1)

    def prompt(self, text=">>> "):
        """Waits for a new prompt; the editor draws the one it has anew behind a carriage return."""
        self.expect(r"(?:^|\n)" + re.escape(text))

    def line(self, keys):
        """Types a line at the prompt and waits for the next one."""
        self.send(keys + ENTER)
        self.prompt()

    def modes(self):
        """Local modes of the terminal: ICANON, ECHO, ..."""
        return termios.tcgetattr(self.master)[3]

    def wait(self):
        """The exit status, once the program has ended."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.status is None:
            self._read(0.02)
            child, status = os.waitpid(self.child, os.WNOHANG)
            if child:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                self.close()
                raise AssertionError("the program did not end:\n" + self.shown())
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
            self.status = -signal.SIGKILL
        os.close(self.master)
