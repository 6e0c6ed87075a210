# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that has loaded Python, Ansible's part of a module and redis-py once, and forks for each module that is run.

Loading them takes ten times as long as most modules work in a test. Nothing of the collection is loaded beforehand, and
each run is a process of its own, with its own group, input and output, and the environment, directory and limit of file
sizes of the test.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

from tests.support.paths import COLLECTIONS_PATH

# One byte and four descriptors (input, output, errors, end) are an order. Of a fork, `end` gets two lines: its pid, and
# when it has ended its wait status and the peak of its memory.
_PARENT = """
import gc, importlib, json, os, resource, signal, socket, sys
import asyncio, decimal, http.client, logging, queue, ssl, subprocess, tempfile, threading, urllib.request
import ansible.module_utils.basic, ansible.module_utils.urls, redis
from ansible.module_utils.testing import patch_module_args

def fork(channel, descriptors, ends):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    pid = os.fork()
    if pid:
        ends[pid] = descriptors[3]
        os.write(descriptors[3], b"%d\\n" % pid)
        for descriptor in descriptors[:3]:
            os.close(descriptor)
    else:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in range(3):
            os.dup2(descriptors[number], number)
        for descriptor in [*descriptors, *ends.values(), channel.detach()]:
            os.close(descriptor)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    return not pid

def serve(channel):
    ends = {}
    def ended(_signal, _frame):
        while ends:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if not pid:
                return
            end = ends.pop(pid)
            try:
                os.write(end, b"%d %d\\n" % (status, usage.ru_maxrss))
            except BrokenPipeError:
                pass  # Nobody waits for it.
            os.close(end)
    signal.signal(signal.SIGCHLD, ended)
    gc.freeze()
    while True:
        byte, descriptors, _flags, _address = socket.recv_fds(channel, 1, 4)
        if not byte:
            sys.exit()
        if fork(channel, descriptors, ends):
            return

serve(socket.socket(fileno=int(sys.argv[1])))
order = json.load(sys.stdin)
os.environ.clear()
os.environ.update(order["environment"])
os.chdir(order["directory"])
resource.setrlimit(resource.RLIMIT_FSIZE, order["file_size"])
module = importlib.import_module("ansible_collections.dataservices.redis_migration.plugins.modules." + order["name"])
with patch_module_args(order["arguments"]):
    module.main()
"""

_lock = threading.Lock()
_parents: dict[int, tuple[subprocess.Popen[bytes], socket.socket]] = {}  # by our own pid, as in keeper


class Fork:
    """A running module: its `pid`, and its `stdout` and `stderr` to read from."""

    def __init__(self, name: str, arguments: Mapping[str, Any]) -> None:
        order = {
            "name": name,
            "arguments": dict(arguments),
            "environment": dict(os.environ, PYTHONPATH=str(COLLECTIONS_PATH)),
            "directory": os.getcwd(),
            "file_size": resource.getrlimit(resource.RLIMIT_FSIZE),
        }
        stdin, writing = os.pipe()
        reading, stdout = os.pipe()
        errors, stderr = os.pipe()
        told, end = os.pipe()
        with _lock:
            socket.send_fds(_channel(), [b"!"], [stdin, stdout, stderr, end])
        for descriptor in (stdin, stdout, stderr, end):
            os.close(descriptor)
        self.stdout, self.stderr = os.fdopen(reading, "rb"), os.fdopen(errors, "rb")
        self._told = os.fdopen(told, "rb")
        self.pid = int(self._told.readline())
        with os.fdopen(writing, "w") as file:
            json.dump(order, file)

    def wait(self) -> tuple[int, int]:
        """Its exit code (of a signal: negative) and the peak of its memory in KiB."""
        status, peak = self._told.readline().split()
        self._told.close()
        # The system counts in KiB, that of a Mac in bytes.
        return os.waitstatus_to_exitcode(int(status)), int(peak) // (1024 if sys.platform == "darwin" else 1)


def _channel() -> socket.socket:
    if os.getpid() not in _parents or _parents[os.getpid()][0].poll() is not None:
        ours, theirs = socket.socketpair()
        parent = subprocess.Popen(
            [sys.executable, "-c", _PARENT, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env=dict(os.environ, PYTHONPATH=str(COLLECTIONS_PATH)),
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()
        _parents[os.getpid()] = parent, ours
    return _parents[os.getpid()][1]


@atexit.register
def _end() -> None:
    ended = _parents.pop(os.getpid(), None)
    if ended is not None:
        ended[1].close()
        ended[0].wait()
