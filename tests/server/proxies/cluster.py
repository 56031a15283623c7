# SPDX-License-Identifier: Apache-2.0
"""Two servers and a proxy on free ports of this machine, from the files of apps/server/deploy."""
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from running_server import MOCK, RunningServer, real_server  # noqa: E402

DEPLOY = HERE.parents[2] / "apps/server/deploy"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Cluster:
    """`name`: a file of DEPLOY. Its ports are replaced, and each answer is made to say in
    x-served-by who gave it, which is nobody's business outside of a test."""

    def __init__(self, name, command=None):
        self.ports = {wanted: free_port() for wanted in (8080, 8081, 8082)}
        self.folder = tempfile.TemporaryDirectory(prefix="proxies-")
        text = re.sub(r"\b808[0-2]\b", lambda match: str(self.ports[int(match[0])]),
                      (DEPLOY / name).read_text())
        self.log = Path(self.folder.name, "log").open("w+")
        write = self.haproxy_file if name.endswith(".cfg") else self.nginx_file
        self.file = write(text)
        command = command or real_server() or [*MOCK, "--drain", "1.5"]
        self.servers = {port: RunningServer(command, port)
                        for port in (self.ports[8081], self.ports[8082])}

    def haproxy_file(self, text):
        file = Path(self.folder.name, "haproxy.cfg")
        file.write_text(text.replace("backend servers\n", "backend servers\n"
                                     "    http-response set-header x-served-by %bi:%bp:%si:%sp\n"))
        self.check = [HAPROXY, "-c", "-f", str(file)]
        self.command = [HAPROXY, "-db", "-f", str(file)]
        return file

    def nginx_file(self, text):
        folder = self.folder.name
        place = "    location / {"
        header = "    add_header x-served-by $upstream_addr always;\n"
        Path(folder, "site.conf").write_text(text.replace(place, header + place))
        file = Path(folder, "nginx.conf")
        paths = "".join(f"  {kind}_temp_path {folder}/{kind};\n" for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        file.write_text(f"pid {folder}/pid;\nerror_log stderr;\ndaemon off;\nworker_processes 1;\n"
                        f"events {{}}\nhttp {{\n  access_log off;\n{paths}"
                        f"  include {folder}/site.conf;\n}}\n")
        self.check = [NGINX, "-t", "-c", str(file)]
        self.command = [NGINX, "-c", str(file)]
        return file

    def __enter__(self):
        self.proxy = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        self.wait(lambda: self.status("/health") == 200, "the proxy to answer")
        return self

    def __exit__(self, *_):
        self.proxy.terminate()
        self.proxy.wait(timeout=30)
        for server in self.servers.values():
            server.__exit__()
        self.log.close()
        self.folder.cleanup()

    @property
    def port(self):
        return self.ports[8080]

    def status(self, path):
        try:
            url = f"http://127.0.0.1:{self.port}{path}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def wait(self, condition, what, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                self.log.seek(0)
                raise AssertionError(f"waited {seconds} s for {what}; the proxy: {self.log.read()}")
            time.sleep(0.05)


def chat_body(content, more=()):
    messages = [{"role": "user", "content": content}, *more]
    return json.dumps({"model": "any", "messages": messages, "stream": True, "temperature": 0,
                       "max_tokens": 60, "ignore_eos": True}).encode()
