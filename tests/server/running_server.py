# SPDX-License-Identifier: Apache-2.0
"""A server as a child process: the real program or mock_server.py, known by the line it prints."""
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
MOCK = [sys.executable, str(HERE / "mock_server.py")]
PAGE = HERE.parents[1] / "apps/server/page"


def real_server():
    """The command line of the real server, or nothing where the test was given none."""
    program = os.environ.get("GEMMA2_CLI")
    return [program, "--server", "--nobrowser"] if program else []


class RunningServer:
    def __init__(self, command, port=0):
        self.command = command
        self.process = subprocess.Popen(
            [*command, "--port", str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r"listening on (http://\S+:(\d+))", line)
            if found:
                self.url, self.port = found[1], int(found[2])
                break
        else:
            raise RuntimeError(f"{command}: expected 'listening on http://...', found {self.log}")
        # A pipe that nobody empties would stop the server once it is full.
        self.reader = threading.Thread(
            target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def kill(self, by=signal.SIGKILL):
        self.process.send_signal(by)
        status = self.process.wait(timeout=60)
        self.reader.join()
        self.process.stderr.close()
        return status

    def restart(self):
        return RunningServer(self.command, self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
