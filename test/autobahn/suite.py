"""Runs the converted Autobahn TestSuite against one testee and writes what became of each case.

  suite.py client REPORT URL AGENT [--cases ...] [--exclude ...]   against an echo server
  suite.py server REPORT [--cases ...] [--exclude ...]             for an echo client, until it says that it is done

REPORT is a directory: the suite's own HTML goes there, and results.json. The server prints
{"listening": PORT, "cases": N}.
"""

import argparse
import json
import os
import socket
import sys
import time
import warnings

warnings.filterwarnings("ignore")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["client", "server"])
    parser.add_argument("report")
    parser.add_argument("url", nargs="?")
    parser.add_argument("agent", nargs="?")
    parser.add_argument("--library", required=True, help="directory with the converted suite")
    parser.add_argument("--cases", default="*", help="patterns, separated by commas")
    parser.add_argument("--exclude", default="", help="patterns, separated by commas")
    return parser.parse_args()


options = arguments()
sys.path.insert(0, options.library)

from autobahntestsuite import fuzzing  # noqa: E402
from twisted.internet import reactor  # noqa: E402

# It prints a line for each case; the results have them all.
fuzzing.print = lambda *_, **__: None


def specification():
    return {
        "outdir": options.report,
        "cases": options.cases.split(","),
        "exclude-cases": [pattern for pattern in options.exclude.split(",") if pattern],
        "exclude-agent-cases": {},
    }


class FuzzingClient(fuzzing.FuzzingClientFactory):
    """Ends when all cases are through, or when the testee is gone: it must not wait for it for ever."""

    fault = None

    def clientConnectionFailed(self, connector, reason):
        self.end(f"cannot connect: {reason.getErrorMessage()}")

    def clientConnectionLost(self, connector, reason):
        if self.nextCase():
            connector.connect()
        else:
            self.end(None)

    def end(self, fault):
        self.fault = fault
        self.createReports()
        if reactor.running:
            reactor.stop()


def fuzz_server():
    factory = FuzzingClient({**specification(), "servers": [{"url": options.url, "agent": options.agent}]})
    reactor.run()
    return factory, factory.fault


def fuzz_client():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    factory = fuzzing.FuzzingServerFactory({**specification(), "url": f"ws://127.0.0.1:{port}"})
    # Also when it is stopped from outside.
    reactor.addSystemEventTrigger("before", "shutdown", factory.createReports)
    reactor.listenTCP(port, factory, interface="127.0.0.1")
    print(json.dumps({"listening": port, "cases": len(factory.specCases)}), flush=True)
    reactor.run()
    return factory, None


def results(factory, fault, seconds):
    found = next(iter(factory.agents.values()), {})
    return {
        "seconds": seconds,
        "fault": fault,
        "cases": [
            {
                "id": case,
                "behavior": found[case]["behavior"] if case in found else "MISSING",
                "close": found[case]["behaviorClose"] if case in found else "MISSING",
                "why": f"{found[case]['result']} {found[case]['resultClose']}" if case in found else "it was not run",
            }
            for case in factory.specCases
        ],
    }


began = time.time()
os.makedirs(options.report, exist_ok=True)
outcome = fuzz_server() if options.role == "client" else fuzz_client()
with open(os.path.join(options.report, "results.json"), "w", encoding="utf-8") as file:
    json.dump(results(*outcome, time.time() - began), file)
